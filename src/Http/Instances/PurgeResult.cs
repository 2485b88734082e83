namespace Polyphony.Http.Instances;

/// <summary>The answer to a purge.</summary>
/// <param name="InstancesDeleted">The number of instances removed, children included.</param>
internal sealed record PurgeResult(int InstancesDeleted);
