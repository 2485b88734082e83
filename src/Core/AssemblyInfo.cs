using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Polyphony.Core.Tests")]
