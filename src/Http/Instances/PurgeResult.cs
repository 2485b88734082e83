namespace Polyphony.Http.Instances;

/// <summary>The answer to a purge.</summary>
/// <param name="InstancesDeleted">How many instances were removed, children included.</param>
public sealed record PurgeResult(int InstancesDeleted);
