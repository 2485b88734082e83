namespace Polyphony.Http.Instances;

/// <summary>The answer to a purge.</summary>
/// <param name="InstancesDeleted">How many instances were removed, children included.</param>
internal sealed record PurgeResult(int InstancesDeleted);
