using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Polyphony.Activities.Tests")]
[assembly: InternalsVisibleTo("Polyphony.DurableFunctions")]
[assembly: InternalsVisibleTo("Polyphony.DurableFunctions.Tests")]
[assembly: InternalsVisibleTo("Polyphony.Hosting")]
[assembly: InternalsVisibleTo("Polyphony.Hosting")]
[assembly: InternalsVisibleTo("Polyphony.Hosting.Tests")]
[assembly: InternalsVisibleTo("Polyphony.Testing")]
