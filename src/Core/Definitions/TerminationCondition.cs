using Polyphony.Expressions;

namespace Polyphony.Core.Definitions;

/// <summary>When an instance stops before its graph ends; checked after each message, in the order fixed by the graph.</summary>
public abstract record TerminationCondition;

/// <summary>Holds when any of the conditions holds; the first in the list that does gives the stop reason.</summary>
/// <param name="Conditions">The conditions.</param>
public sealed record AnyTermination(IReadOnlyList<TerminationCondition> Conditions) : TerminationCondition;

/// <summary>Holds when all of the conditions hold; the last in the list gives the stop reason.</summary>
/// <param name="Conditions">The conditions.</param>
public sealed record AllTermination(IReadOnlyList<TerminationCondition> Conditions) : TerminationCondition;

/// <summary>Holds after so many messages; stop reason <c>max_turns</c>.</summary>
/// <param name="Count">How many.</param>
public sealed record MaxMessagesTermination(int Count) : TerminationCondition;

/// <summary>Holds after so many tokens; stop reason <c>max_tokens</c>.</summary>
/// <param name="Count">How many, in and out.</param>
public sealed record MaxTokensTermination(long Count) : TerminationCondition;

/// <summary>Holds when a message contains a text (exact case); stop reason <c>completed</c>.</summary>
/// <param name="Text">The text.</param>
/// <param name="From">The node or agent whose messages count, or <see langword="null"/> for all.</param>
public sealed record TextMentionTermination(string Text, string? From = null) : TerminationCondition;

/// <summary>Holds after so long; stop reason <c>timeout</c>.</summary>
/// <param name="After">How long since the start.</param>
public sealed record TimeoutTermination(TimeSpan After) : TerminationCondition;

/// <summary>Holds when a message is an object whose <c>handoff</c> names the target; stop reason <c>handoff</c>.</summary>
/// <param name="Target">The target.</param>
public sealed record HandoffTermination(string Target) : TerminationCondition;

/// <summary>Holds when an expression over <c>message</c>, <c>input</c> and <c>usage</c> is true; stop reason <c>completed</c>.</summary>
/// <param name="When">The expression.</param>
public sealed record ExpressionTermination(Expression When) : TerminationCondition;
