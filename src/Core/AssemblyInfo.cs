using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Polyphony.Activities")]
[assembly: InternalsVisibleTo("polyphony")]
[assembly: InternalsVisibleTo("Polyphony.Core.Tests")]
[assembly: InternalsVisibleTo("Polyphony.Http")]
[assembly: InternalsVisibleTo("Polyphony.Scenarios.Tests")]
