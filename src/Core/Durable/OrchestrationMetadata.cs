namespace Polyphony.Core.Durable;

/// <summary>The engine's record of an instance.</summary>
public sealed record OrchestrationMetadata
{
    /// <summary>Gets the instance's id.</summary>
    public required string InstanceId { get; init; }

    /// <summary>Gets the orchestration's name.</summary>
    public required string Name { get; init; }

    /// <summary>Gets the status.</summary>
    public required OrchestrationRuntimeStatus RuntimeStatus { get; init; }

    /// <summary>Gets when the instance was accepted.</summary>
    public required DateTimeOffset CreatedTime { get; init; }

    /// <summary>Gets the time of its last committed step.</summary>
    public required DateTimeOffset LastUpdatedTime { get; init; }

    /// <summary>Gets when it ended, or <see langword="null"/>.</summary>
    public DateTimeOffset? CompletedTime { get; init; }

    /// <summary>Gets the instance that started it, or <see langword="null"/>.</summary>
    public string? ParentInstanceId { get; init; }

    /// <summary>Gets tags given at the start, such as the workflow's name; at most 20, names up to 100 and values up to 200 characters.</summary>
    public IReadOnlyDictionary<string, string> Tags { get; init; } = EmptyTags;

    /// <summary>Gets the input as JSON; <see langword="null"/> too when it was not asked for.</summary>
    public string? Input { get; init; }

    /// <summary>Gets the output as JSON, once completed; the reason, once terminated; <see langword="null"/> too when it was not asked for.</summary>
    public string? Output { get; init; }

    /// <summary>Gets the custom status as JSON.</summary>
    public string? CustomStatus { get; init; }

    /// <summary>Gets why it failed, or why it is suspended when its code no longer matches its history.</summary>
    public FailureDetails? FailureDetails { get; init; }

    /// <summary>Gets a number that grows with every committed change of this instance. Not comparable across instances.</summary>
    public required long Version { get; init; }

    /// <summary>Gets a value indicating whether the instance has ended.</summary>
    public bool IsFinished => RuntimeStatus is OrchestrationRuntimeStatus.Completed or OrchestrationRuntimeStatus.Failed or OrchestrationRuntimeStatus.Terminated;

    private static readonly Dictionary<string, string> EmptyTags = [];
}
