using System.Collections.Immutable;
using Polyphony.Core.Payloads;

namespace Polyphony.Core.Runs;

/// <summary>The last result of a node: what expressions and agents downstream see of it. Immutable.</summary>
internal sealed record NodeResult
{
    /// <summary>The status of a node with an output.</summary>
    public const string Completed = "completed";

    /// <summary>The status of a node that did not run, or whose failure was to be skipped.</summary>
    public const string Skipped = "skipped";

    /// <summary>The status of a node whose failure nothing handled.</summary>
    public const string Failed = "failed";

    /// <summary>The status of a <c>forEach</c> that was under way when the run stopped: its output holds the items that had ended.</summary>
    public const string Stopped = "stopped";

    /// <summary>Gets the status.</summary>
    public required string Status { get; init; }

    /// <summary>Gets the output.</summary>
    public Payload? Output { get; init; }

    /// <summary>Gets why it failed, also when something took the output's place.</summary>
    public CallError? Error { get; init; }

    /// <summary>Gets the failures of a <c>forEach</c>'s items.</summary>
    public Payload? Errors { get; init; }

    /// <summary>Gets its place among all results (<see cref="Outcome.Order"/>).</summary>
    public required string Order { get; init; }

    /// <summary>Gets the role of its message: <c>assistant</c>, <c>user</c> or <c>tool</c>; <see langword="null"/> if it is not a message.</summary>
    public string? Role { get; init; }

    /// <summary>Gets the agent that answered.</summary>
    public string? Agent { get; init; }

    /// <summary>Gets the tokens that it used.</summary>
    public long Tokens { get; init; }

    /// <summary>Gets earlier messages of the node that an agent may still be given, oldest first. A node that was skipped has them, too.</summary>
    public ImmutableList<NodeResult> Earlier { get; init; } = [];

    /// <summary>Gets a value indicating whether it is a message.</summary>
    public bool IsMessage => Status == Completed && Role is not null && Output is not null;

    /// <summary>Gets the messages of the node that an agent may be given, oldest first: the earlier ones and this, if it is one.</summary>
    public ImmutableList<NodeResult> Messages => IsMessage ? Earlier.Add(this) : Earlier;

    /// <summary>Gets what expressions see of it.</summary>
    /// <returns>The value.</returns>
    public NodeValue ToValue() => new() { Status = Status, Output = Output, Error = Error, Errors = Errors };
}
