using Polyphony.Expressions;

namespace Polyphony.Core.Nodes.Humans;

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
