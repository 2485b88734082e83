using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Polyphony.Engine.Tests")]
[assembly: InternalsVisibleTo("Polyphony.Testing")]
