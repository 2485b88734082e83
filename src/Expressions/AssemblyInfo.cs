using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Polyphony.Core")]
[assembly: InternalsVisibleTo("Polyphony.Expressions.Tests")]
[assembly: InternalsVisibleTo("Polyphony.Hosting")]
