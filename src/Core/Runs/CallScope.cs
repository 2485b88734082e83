using System.Text.Json.Serialization;
using Polyphony.Core.Payloads;

namespace Polyphony.Core.Runs;

/// <summary>What an activity needs to know of its activation: which one it is, and the values that its expressions read.</summary>
public sealed record CallScope
{
    /// <summary>Gets the hash of the pinned definition.</summary>
    public required string DefinitionHash { get; init; }

    /// <summary>Gets the instance at the root of the tree of child orchestrations: it keeps the payloads and is charged in the ledger.</summary>
    public required string RootInstanceId { get; init; }

    /// <summary>Gets the workflow of the instance at the root, to which model calls are charged; <see langword="null"/>: the definition is its own.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? RootWorkflow { get; init; }

    /// <summary>Gets the workflow instance that the activation belongs to (the root itself, or a sub-workflow).</summary>
    public required string InstanceId { get; init; }

    /// <summary>Gets the node.</summary>
    public required string Node { get; init; }

    /// <summary>Gets the activation, such as <c>research[3]#2</c>; unique in its instance.</summary>
    public required string Activation { get; init; }

    /// <summary>Gets which execution of the node this is, from 1.</summary>
    public int Round { get; init; } = 1;

    /// <summary>Gets the workflow's input, if the expressions read it.</summary>
    public Payload? Input { get; init; }

    /// <summary>Gets the message that the run handles; <see langword="null"/> if it handles none.</summary>
    public MessageScope? Message { get; init; }

    /// <summary>Gets the values of the state that the expressions read, as the activation sees them.</summary>
    public IReadOnlyDictionary<string, Payload>? State { get; init; }

    /// <summary>Gets the results of the nodes that the expressions read.</summary>
    public IReadOnlyDictionary<string, NodeValue>? Nodes { get; init; }

    /// <summary>Gets the item of a <c>forEach</c>.</summary>
    public Payload? Item { get; init; }

    /// <summary>Gets the item's index, from 0.</summary>
    public int? Index { get; init; }

    /// <summary>Gets further variables, such as <c>answer</c> or <c>error</c>.</summary>
    public IReadOnlyDictionary<string, Payload>? Variables { get; init; }

    /// <summary>Gets the trace of the run, as in <see cref="WorkflowInput.Trace"/>.</summary>
    [JsonInclude]
    internal string? Trace { get; init; }
}

/// <summary>What expressions can read of the message that a run handles, its data aside, which is the run's input.</summary>
/// <param name="Id">The message's id.</param>
/// <param name="Topic">The topic type.</param>
/// <param name="Source">The source.</param>
/// <param name="Time">When it was accepted.</param>
/// <param name="Attempt">Which attempt to handle it this is, from 1.</param>
public sealed record MessageScope(string Id, string Topic, string Source, DateTimeOffset Time, int Attempt);

/// <summary>What expressions can read of a node: <c>nodes.NAME.output</c>, <c>.status</c>, <c>.error</c>, <c>.errors</c>.</summary>
public sealed record NodeValue
{
    /// <summary>Gets the status: <c>pending</c>, <c>completed</c>, <c>skipped</c>, <c>failed</c> or (in the output of a run that stopped) <c>stopped</c>.</summary>
    public required string Status { get; init; }

    /// <summary>Gets the output; <see langword="null"/> when there is none.</summary>
    public Payload? Output { get; init; }

    /// <summary>Gets why it failed.</summary>
    public CallError? Error { get; init; }

    /// <summary>Gets the failures of a <c>forEach</c>'s items, a list of <c>{index, code, message}</c>.</summary>
    public Payload? Errors { get; init; }
}
