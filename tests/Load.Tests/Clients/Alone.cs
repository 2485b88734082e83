namespace Polyphony.Load.Tests.Clients;

/// <summary>Tests that measure, and so run when no others do.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}
