using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Polyphony.Engine.Tests")]
