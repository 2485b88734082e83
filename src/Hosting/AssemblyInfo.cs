using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("polyphony")]
[assembly: InternalsVisibleTo("Polyphony.Cli.Tests")]
[assembly: InternalsVisibleTo("Polyphony.Hosting.Tests")]
[assembly: InternalsVisibleTo("Polyphony.Http.Tests")]
[assembly: InternalsVisibleTo("Polyphony.Testing")]
