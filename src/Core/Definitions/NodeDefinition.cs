using Polyphony.Core.Nodes;
using Polyphony.Expressions;

namespace Polyphony.Core.Definitions;

/// <summary>A node of the graph.</summary>
public abstract record NodeDefinition
{
    /// <summary>Gets the name: a letter, then letters, digits and <c>_</c>, at most 63 in all.</summary>
    public required string Name { get; init; }

    /// <summary>Gets the array over which the node runs, one activation per item, or <see langword="null"/>.</summary>
    public Template? ForEach { get; init; }

    /// <summary>Gets how many items must succeed; <see langword="null"/> means all, or none if <see cref="OnError"/> handles failures.</summary>
    public Requirement? Require { get; init; }

    /// <summary>Gets the maximum number of items of a <c>forEach</c> that share one activity: 1 to 50, default 1. Agent and tool nodes only.</summary>
    public int ItemsPerActivity { get; init; } = 1;

    /// <summary>Gets what happens when an activation has failed for good.</summary>
    public ErrorPolicy OnError { get; init; } = ErrorPolicy.Fail;

    /// <summary>Gets the time limit of an activation, attempts and waits included; a durable timer. <see langword="null"/> for no limit.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Gets the retry policy; for agents it overrides the agent's.</summary>
    public RetryDefinition? Retry { get; init; }

    /// <summary>Gets whether the node waits for all incoming edges or runs at the first that is taken.</summary>
    public JoinMode Join { get; init; }

    /// <summary>Gets what the node writes to the state once an activation has completed, by name (ordinal).</summary>
    public IReadOnlyList<StateWrite> Writes { get; init; } = [];

    /// <summary>
    /// Gets the names of the locks that an activation holds while it is at work: a text, or an array of up to 8 texts, each of 1 to 128 characters without control characters; <see langword="null"/> for
    /// none. Agent, router, team, tool and workflow nodes only.
    /// </summary>
    public ValueTemplate? Lock { get; init; }

    internal abstract NodeKind Kind { get; }

    /// <summary>Determines whether the node asks an agent, be it in place of another.</summary>
    internal bool Asks(string agent) => Kind.AgentsOf(this, []).Contains(agent) || OnError.Agent == agent;
}

/// <summary>When a node with several incoming edges runs.</summary>
public enum JoinMode
{
    /// <summary>Once all are taken or skipped, if at least one is taken.</summary>
    All,

    /// <summary>As soon as one is taken.</summary>
    Any,
}

/// <summary>How many items of a <c>forEach</c> must succeed: a count or a share.</summary>
/// <param name="Count">The count, or <see langword="null"/>.</param>
/// <param name="Share">The share, above 0 and up to 1, or <see langword="null"/>.</param>
public sealed record Requirement(int? Count, double? Share)
{
    /// <summary>Gets the number that must succeed out of <paramref name="items"/>; a share is rounded up.</summary>
    /// <param name="items">How many there are.</param>
    /// <returns>The number; it may exceed <paramref name="items"/>, and then can't be reached.</returns>
    public int Of(int items) => Count ?? (int)Math.Ceiling((Share ?? 1) * items - 1e-9);
}

/// <summary>What happens when an activation has failed for good.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Value">The value to continue with, for <see cref="ErrorPolicyKind.Value"/>.</param>
/// <param name="Agent">The agent to ask instead, for <see cref="ErrorPolicyKind.Agent"/>.</param>
public sealed record ErrorPolicy(ErrorPolicyKind Kind, ValueTemplate? Value = null, string? Agent = null)
{
    /// <summary>Gets the default: the instance fails.</summary>
    public static ErrorPolicy Fail { get; } = new(ErrorPolicyKind.Fail);
}

/// <summary>The kinds of <see cref="ErrorPolicy"/>.</summary>
public enum ErrorPolicyKind
{
    /// <summary>The instance fails (an item of a <c>forEach</c>: counts against <c>require</c>).</summary>
    Fail,

    /// <summary>The node counts as skipped (an item: is left out).</summary>
    Skip,

    /// <summary>A value replaces the output.</summary>
    Value,

    /// <summary>Another agent answers the same prompt.</summary>
    Agent,
}

/// <summary>An edge as written.</summary>
/// <param name="From">The source node's name.</param>
/// <param name="To">The target node's name.</param>
/// <param name="When">The condition; <see langword="null"/> means always.</param>
/// <param name="Max">For a back edge: how many times it may be taken each time its loop is entered: 1 to 10,000.</param>
public sealed record EdgeDefinition(string From, string To, Expression? When = null, int? Max = null)
{
    /// <summary>Gets a value indicating whether the edge is a node's own: a router has one to each of the nodes that it chooses from.</summary>
    public bool IsRoute { get; init; }
}
