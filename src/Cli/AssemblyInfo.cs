using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Polyphony.Cli.Tests")]
[assembly: InternalsVisibleTo("Polyphony.Http.Tests")]
