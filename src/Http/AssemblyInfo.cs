using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Polyphony.Http.Tests")]
