namespace Polyphony.Core.Durable;

/// <summary>The instance that started a child orchestration.</summary>
/// <param name="Name">The parent's orchestration name.</param>
/// <param name="InstanceId">The parent's instance id.</param>
public sealed record ParentInstance(string Name, string InstanceId);
