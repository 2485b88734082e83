using Polyphony.Core.Payloads;

namespace Polyphony.Core.Runs;

/// <summary>The input of <see cref="TaskNames.ItemsOrchestration"/>: some of the items of a <c>forEach</c>.</summary>
internal sealed record ItemsInput
{
    /// <summary>Gets the scope of the node, without item.</summary>
    public required CallScope Scope { get; init; }

    /// <summary>Gets all items of the node.</summary>
    public required Payload Items { get; init; }

    /// <summary>Gets the first item to run.</summary>
    public int Start { get; init; }

    /// <summary>Gets how many to run.</summary>
    public int Count { get; init; }

    /// <summary>Gets how many may be under way at once.</summary>
    public int Concurrency { get; init; } = 1;

    /// <summary>Gets the earlier messages for the agent, as in <see cref="AgentCall"/>.</summary>
    public IReadOnlyList<ContextMessage> Context { get; init; } = [];

    /// <summary>Gets earlier messages in the payload store, as in <see cref="AgentCall"/>.</summary>
    public IReadOnlyList<Payload> PackedContext { get; init; } = [];

    /// <summary>Gets what of the instance's limits is left for these items.</summary>
    public RunLimits Limits { get; init; } = new();

    /// <summary>Gets the text that goes before each item's place in <see cref="Outcome.Order"/>.</summary>
    public string OrderPrefix { get; init; } = "";

    /// <summary>Gets how many times the run was set back after a failure.</summary>
    public int Rewinds { get; init; }

    /// <summary>Gets the depth of the workflow, as in <see cref="WorkflowInput"/>.</summary>
    public int Depth { get; init; }

    /// <summary>Gets the hashes of the sub-workflows pinned with the definition.</summary>
    public IReadOnlyDictionary<string, string>? SubWorkflows { get; init; }
}

/// <summary>The output of <see cref="TaskNames.ItemsOrchestration"/>.</summary>
internal sealed record ItemsResult
{
    /// <summary>Gets the outcomes in item order, a list of <see cref="Outcome"/>.</summary>
    public required Payload Outcomes { get; init; }

    /// <summary>Gets how many items have ended: the first ones, unless the parent has stopped it.</summary>
    public int Done { get; init; }

    /// <summary>Gets how many of them did not complete.</summary>
    public int Failed { get; init; }

    /// <summary>Gets the first failure that nothing handled, or <see langword="null"/>.</summary>
    public WorkflowError? FirstError { get; init; }

    /// <summary>Gets the attempts made.</summary>
    public int Attempts { get; init; }

    /// <summary>Gets the model calls that were begun.</summary>
    public int CallsStarted { get; init; }

    /// <summary>Gets the usage of its model calls.</summary>
    public Usage Usage { get; init; } = Usage.None;

    /// <summary>Gets the provider of the last answer.</summary>
    public string? Provider { get; init; }

    /// <summary>Gets what they have written to the state, put together in item order.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<Payload>>? Written { get; init; }

    /// <summary>Gets the limit that was reached, or <see langword="null"/>.</summary>
    public StopReason? StopReason { get; init; }
}
