using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Polyphony.Architecture.Tests")]
[assembly: InternalsVisibleTo("Polyphony.DurableFunctions.Tests")]
