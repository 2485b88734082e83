using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Polyphony.DurableFunctions.Tests")]
