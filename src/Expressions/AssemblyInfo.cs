using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Polyphony.Activities")]
[assembly: InternalsVisibleTo("Polyphony.Core")]
[assembly: InternalsVisibleTo("Polyphony.Expressions.Tests")]
[assembly: InternalsVisibleTo("Polyphony.Http")]
[assembly: InternalsVisibleTo("Polyphony.Hosting")]
