using System.Text.Json.Serialization;
using Polyphony.Core.Locks;
using Polyphony.Core.Payloads;
using Polyphony.Core.Topics;

namespace Polyphony.Core.Runs;

/// <summary>The input of <see cref="TaskNames.WorkflowOrchestration"/>.</summary>
internal sealed record WorkflowInput
{
    /// <summary>Gets the workflow's name.</summary>
    public required string Workflow { get; init; }

    /// <summary>Gets the hash of the pinned definition.</summary>
    public required string DefinitionHash { get; init; }

    /// <summary>Gets the hashes of the sub-workflows pinned with it, by name.</summary>
    public IReadOnlyDictionary<string, string>? SubWorkflows { get; init; }

    /// <summary>Gets the input.</summary>
    public Payload? Input { get; init; }

    /// <summary>Gets the instance at the root, for a sub-workflow.</summary>
    public string? RootInstanceId { get; init; }

    /// <summary>Gets the workflow of the instance at the root, for a sub-workflow.</summary>
    public string? RootWorkflow { get; init; }

    /// <summary>Gets the name of this run under which model calls are recorded, for a sub-workflow: the parent's name and the activation.</summary>
    public string? LogicalId { get; init; }

    /// <summary>Gets how many workflows are above this one: 0 for the one that was started.</summary>
    public int Depth { get; init; }

    /// <summary>Gets how many times the parent's activation was run before: answers recorded then are used again, invalid ones are not.</summary>
    public int Rewinds { get; init; }

    /// <summary>Gets limits that replace the definition's own.</summary>
    public RunLimits? Limits { get; init; }

    /// <summary>Gets the message that the run handles; <see langword="null"/> if it was started otherwise.</summary>
    public HandledMessage? Message { get; init; }

    /// <summary>Gets a value indicating whether what is published waits for the end of the run, and goes out with its result: so for runs that handle a message, and those that they start.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool HoldsPublications { get; init; }

    /// <summary>Gets a value indicating whether an activation above it holds locks: then it may take none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool HoldsLock { get; init; }

    /// <summary>Gets the place that the run takes before it begins, or has; <see langword="null"/>: it needs none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public RunPlace? Place { get; init; }

    /// <summary>Gets the trace of the run, a W3C <c>traceparent</c>; <see langword="null"/>: nobody listened at its start.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Trace { get; init; }

    /// <summary>Gets where an earlier generation left off; <see langword="null"/> at the start.</summary>
    public RunState? State { get; init; }

    /// <summary>Gets the state when it is too large for <see cref="State"/>.</summary>
    public PackedState? PackedState { get; init; }
}
