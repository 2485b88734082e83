using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Polyphony.Activities.Tests")]
