using Polyphony.Core.Nodes;
using Polyphony.Core.Nodes.Agents;
using Polyphony.Core.Nodes.Humans;
using Polyphony.Core.Nodes.SubWorkflows;
using Polyphony.Core.Nodes.Tools;
using Polyphony.Core.Nodes.Transforms;
using Polyphony.Core.Nodes.Waits;
using Polyphony.Expressions;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Core.Definitions;

/// <summary>A node of the graph.</summary>
public abstract record NodeDefinition
{
    /// <summary>Gets the name: a letter, then letters, digits and <c>_</c>, at most 63 in all.</summary>
    public required string Name { get; init; }

    /// <summary>Gets the list over which the node runs, one activation per item, or <see langword="null"/>.</summary>
    public Template? ForEach { get; init; }

    /// <summary>Gets how many items must succeed; <see langword="null"/> means all, or none if <see cref="OnError"/> handles failures.</summary>
    public Requirement? Require { get; init; }

    /// <summary>Gets up to how many items of a <c>forEach</c> share one activity: 1 to 50, default 1. Agent and tool nodes.</summary>
    public int ItemsPerActivity { get; init; } = 1;

    /// <summary>Gets what happens when an activation has failed for good.</summary>
    public ErrorPolicy OnError { get; init; } = ErrorPolicy.Fail;

    /// <summary>Gets how long an activation may take, attempts and waits included; a durable timer. <see langword="null"/> for no limit.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Gets the retry policy; for agents it overrides the agent's.</summary>
    public RetryDefinition? Retry { get; init; }

    /// <summary>Gets whether the node waits for all incoming edges or runs at the first that is taken.</summary>
    public JoinMode Join { get; init; }

    internal abstract NodeKind Kind { get; }
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
/// <param name="Kind">What.</param>
/// <param name="Value">The value to go on with, for <see cref="ErrorPolicyKind.Value"/>.</param>
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

    /// <summary>A value takes the place of the output.</summary>
    Value,

    /// <summary>Another agent answers the same prompt.</summary>
    Agent,
}

/// <summary>Runs an agent.</summary>
public sealed record AgentNode : NodeDefinition
{
    /// <summary>Gets the agent's name.</summary>
    public required string Agent { get; init; }

    /// <summary>Gets the prompt, sent as the user message.</summary>
    public required Template Prompt { get; init; }

    /// <summary>Gets the schema of the answer in this node, in place of the agent's; <see langword="null"/> keeps the agent's.</summary>
    public JsonSchema? Output { get; init; }

    /// <summary>Gets <see cref="AgentDefinition.MaxWait"/> in this node; <see langword="null"/> keeps the agent's.</summary>
    public TimeSpan? MaxWait { get; init; }

    /// <summary>Gets <see cref="AgentDefinition.OnTruncation"/> in this node; <see langword="null"/> keeps the agent's.</summary>
    public TruncationPolicy? OnTruncation { get; init; }

    internal override NodeKind Kind => AgentNodeKind.Instance;
}

/// <summary>Calls a tool.</summary>
public sealed record ToolNode : NodeDefinition
{
    /// <summary>Gets the tool's name.</summary>
    public required string Tool { get; init; }

    /// <summary>Gets the arguments, an object.</summary>
    public required ValueTemplate Arguments { get; init; }

    internal override NodeKind Kind => ToolNodeKind.Instance;
}

/// <summary>Asks a person. The answer comes as the event <c>answer:ACTIVATION</c>.</summary>
public sealed record HumanNode : NodeDefinition
{
    /// <summary>Gets the question.</summary>
    public required Template Prompt { get; init; }

    /// <summary>Gets the schema of the answer; <see langword="null"/> accepts anything.</summary>
    public JsonSchema? Schema { get; init; }

    /// <summary>Gets what follows when nobody has answered within <see cref="NodeDefinition.Timeout"/>.</summary>
    public HumanTimeoutPolicy OnTimeout { get; init; } = new(HumanTimeoutKind.Fail);

    /// <summary>Gets the condition over <c>answer</c> under which the instance ends as <c>rejected</c>, or <see langword="null"/>.</summary>
    public Expression? RejectWhen { get; init; }

    internal override NodeKind Kind => HumanNodeKind.Instance;
}

/// <summary>What follows when a person has not answered in time.</summary>
/// <param name="Kind">What.</param>
/// <param name="Value">The default answer.</param>
/// <param name="Escalation">Whom or what to name as the next to ask.</param>
/// <param name="EscalationTimeout">How long the escalation waits; after it the node fails.</param>
public sealed record HumanTimeoutPolicy(HumanTimeoutKind Kind, ValueTemplate? Value = null, Template? Escalation = null, TimeSpan? EscalationTimeout = null);

/// <summary>The kinds of <see cref="HumanTimeoutPolicy"/>.</summary>
public enum HumanTimeoutKind
{
    /// <summary>The node fails with <c>timeout</c>.</summary>
    Fail,

    /// <summary>A value takes the place of the answer.</summary>
    Value,

    /// <summary>The question is put again, to somebody else, and then fails.</summary>
    Escalate,
}

/// <summary>Runs another workflow as a child.</summary>
public sealed record WorkflowNode : NodeDefinition
{
    /// <summary>Gets the other workflow's name.</summary>
    public required string Workflow { get; init; }

    /// <summary>Gets its input.</summary>
    public ValueTemplate? Input { get; init; }

    /// <summary>Gets limits that replace the other workflow's own where they are given.</summary>
    public WorkflowLimits? Limits { get; init; }

    internal override NodeKind Kind => WorkflowNodeKind.Instance;
}

/// <summary>Waits: for a duration, until a time, or for an event. Exactly one is given.</summary>
public sealed record WaitNode : NodeDefinition
{
    /// <summary>Gets the duration.</summary>
    public TimeSpan? For { get; init; }

    /// <summary>Gets the time, an RFC 3339 text.</summary>
    public Template? Until { get; init; }

    /// <summary>Gets the event's name; its payload becomes the output.</summary>
    public string? Event { get; init; }

    /// <summary>Gets the schema of the event's payload.</summary>
    public JsonSchema? Schema { get; init; }

    internal override NodeKind Kind => WaitNodeKind.Instance;
}

/// <summary>Computes a value.</summary>
public sealed record TransformNode : NodeDefinition
{
    /// <summary>Gets the value.</summary>
    public required ValueTemplate Value { get; init; }

    internal override NodeKind Kind => TransformNodeKind.Instance;
}

/// <summary>An edge as written.</summary>
/// <param name="From">The source node's name.</param>
/// <param name="To">The target node's name.</param>
/// <param name="When">The condition; <see langword="null"/> means always.</param>
/// <param name="Max">For a back edge: how many times it may be taken each time its loop is entered: 1 to 10,000.</param>
public sealed record EdgeDefinition(string From, string To, Expression? When = null, int? Max = null);
