using System.Text.Json;
using Polyphony.Core.Durable;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Client;

/// <summary>The status of a workflow instance: that of Durable Functions, with what the workflow adds.</summary>
public sealed record WorkflowStatus
{
    /// <summary>Gets the instance's id.</summary>
    public required string InstanceId { get; init; }

    /// <summary>Gets the name of the workflow, or of another orchestration.</summary>
    public required string Name { get; init; }

    /// <summary>Gets the workflow's version; <see langword="null"/> for a child.</summary>
    public int? Version { get; init; }

    /// <summary>Gets the hash of the pinned definition; <see langword="null"/> for an orchestration that is not a workflow.</summary>
    public string? DefinitionHash { get; init; }

    /// <summary>Gets the status.</summary>
    public required OrchestrationRuntimeStatus RuntimeStatus { get; init; }

    /// <summary>Gets the stop reason; <see langword="null"/> until it has ended.</summary>
    public StopReason? StopReason { get; init; }

    /// <summary>Gets the input, if requested.</summary>
    public JsonElement? Input { get; init; }

    /// <summary>Gets the progress.</summary>
    public WorkflowProgress? CustomStatus { get; init; }

    /// <summary>Gets the output once it has ended, if there is one.</summary>
    public JsonElement? Output { get; init; }

    /// <summary>Gets the values of the state, an object: as they are so far, or at the end; <see langword="null"/> if the workflow has none.</summary>
    public JsonElement? State { get; init; }

    /// <summary>Gets what went wrong.</summary>
    public WorkflowError? Error { get; init; }

    /// <summary>Gets the tags that its start gave it, without those that tell its workflow; empty for a child.</summary>
    public IReadOnlyDictionary<string, string> Tags { get; init; } = new Dictionary<string, string>();

    /// <summary>Gets the usage of its model calls.</summary>
    public Usage Usage { get; init; } = Usage.None;

    /// <summary>Gets the outcome of every activation in graph order, if requested and once it has ended.</summary>
    public IReadOnlyList<OutcomeStatus>? Outcomes { get; init; }

    /// <summary>Gets the parts that could not be read, such as an input that is no longer stored; usually empty.</summary>
    public IReadOnlyList<UnreadablePart> Unreadable { get; init; } = [];

    /// <summary>Gets the instance that started it, for a child.</summary>
    public string? ParentInstanceId { get; init; }

    /// <summary>Gets the time at which it was accepted.</summary>
    public required DateTimeOffset CreatedTime { get; init; }

    /// <summary>Gets the time of its last committed step.</summary>
    public required DateTimeOffset LastUpdatedTime { get; init; }

    /// <summary>Gets the time at which it ended.</summary>
    public DateTimeOffset? CompletedTime { get; init; }

    /// <summary>Gets a number that increases with every change.</summary>
    public required long ChangeVersion { get; init; }

    /// <summary>
    /// Gets a value indicating whether children run items of it. Then <see cref="CustomStatus"/> and <see cref="Usage"/> hold what they have done so far, which grows without a change of
    /// <see cref="ChangeVersion"/>. Only of an instance that was read alone; in lists, what children do counts when they have ended.
    /// </summary>
    public bool HasItemsInChildren { get; init; }

    /// <summary>Gets a value indicating whether it has ended.</summary>
    public bool IsFinished => RuntimeStatus is OrchestrationRuntimeStatus.Completed or OrchestrationRuntimeStatus.Failed or OrchestrationRuntimeStatus.Terminated;
}

/// <summary>An <see cref="Runs.Outcome"/> with its result read from the payload store.</summary>
/// <param name="Outcome">The outcome, without its result.</param>
/// <param name="Result">The result.</param>
public sealed record OutcomeStatus(Outcome Outcome, JsonElement? Result);

/// <summary>A part of an instance that can't be read or shown; the other parts are unaffected.</summary>
/// <param name="Part">Which: <c>input</c>, <c>output</c>, <c>state</c>, <c>outcomes</c>, <c>customStatus</c> or <c>result</c>.</param>
/// <param name="Code">A stable code: <c>payload_not_found</c>, or <c>unreadable</c> for a value that is damaged or that no JSON document can hold.</param>
/// <param name="Message">What is wrong.</param>
public sealed record UnreadablePart(string Part, string Code, string Message);

/// <summary>What to read of an instance.</summary>
/// <param name="Input">Whether to read the input.</param>
/// <param name="Output">Whether to read the output.</param>
/// <param name="Outcomes">Whether to read the outcomes.</param>
public sealed record WorkflowStatusOptions(bool Input = true, bool Output = true, bool Outcomes = false);

/// <summary>How to start a workflow.</summary>
public sealed record StartWorkflowOptions
{
    /// <summary>Gets the id, or <see langword="null"/> for a new one. An id is used once, ever.</summary>
    public string? InstanceId { get; init; }

    /// <summary>Gets when the first step may be taken, or <see langword="null"/> for at once.</summary>
    public DateTimeOffset? StartAt { get; init; }

    /// <summary>Gets further tags.</summary>
    public IReadOnlyDictionary<string, string>? Tags { get; init; }

    /// <summary>Gets limits that replace the definition's own.</summary>
    public RunLimits? Limits { get; init; }

    /// <summary>Gets the limits beyond which the start is refused; <see langword="null"/>, the default: none. The HTTP API gives those of the host.</summary>
    public AdmissionLimits? Admission { get; init; }
}
