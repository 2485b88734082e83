using Polyphony.Expressions;

namespace Polyphony.Core.Nodes.Humans;

/// <summary>What happens when a person has not answered in time.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Value">The default answer.</param>
/// <param name="Escalation">Who is asked next.</param>
/// <param name="EscalationTimeout">How long the escalation waits; after it the node fails.</param>
public sealed record HumanTimeoutPolicy(HumanTimeoutKind Kind, ValueTemplate? Value = null, Template? Escalation = null, TimeSpan? EscalationTimeout = null);

/// <summary>The kinds of <see cref="HumanTimeoutPolicy"/>.</summary>
public enum HumanTimeoutKind
{
    /// <summary>The node fails with <c>timeout</c>.</summary>
    Fail,

    /// <summary>A value replaces the answer.</summary>
    Value,

    /// <summary>Somebody else is asked; if they do not answer either, the node fails.</summary>
    Escalate,
}
