using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Polyphony.Functions.Tests")]
