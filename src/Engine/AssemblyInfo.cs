using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("polyphony")]
[assembly: InternalsVisibleTo("Polyphony.Benchmarks")]
[assembly: InternalsVisibleTo("Polyphony.Cli.Tests")]
[assembly: InternalsVisibleTo("Polyphony.Engine.Tests")]
[assembly: InternalsVisibleTo("Polyphony.Hosting")]
[assembly: InternalsVisibleTo("Polyphony.Hosting.Tests")]
[assembly: InternalsVisibleTo("Polyphony.Http.Tests")]
[assembly: InternalsVisibleTo("Polyphony.Load.Tests")]
[assembly: InternalsVisibleTo("Polyphony.Scenarios.Tests")]
[assembly: InternalsVisibleTo("Polyphony.Testing")]
[assembly: InternalsVisibleTo("Polyphony.Testing.Tests")]
