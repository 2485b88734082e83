using Polyphony.Expressions;

namespace Polyphony.Core.Definitions;

/// <summary>What a workflow says of the calls of a tool, by an agent or in a tool node.</summary>
public sealed record ToolRules
{
    /// <summary>Gets when a person has to approve a call; <see langword="null"/>: never.</summary>
    public ToolApproval? Approval { get; init; }

    /// <summary>
    /// Gets whether a call that may have happened may be made again: then it is, without asking anybody. <see langword="null"/> leaves it to what the tool itself declares, which is
    /// <see langword="false"/> by default.
    /// </summary>
    public bool? Idempotent { get; init; }
}

/// <summary>When a person has to approve a tool call, and for how long it waits.</summary>
public sealed record ToolApproval
{
    /// <summary>Gets the condition over <c>args</c>, the arguments of the call; <see langword="null"/>: always. A call whose condition can't be evaluated needs approval.</summary>
    public Expression? When { get; init; }

    /// <summary>Gets how long the call waits for a person; <see langword="null"/>: without limit.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Gets what becomes of the call when nobody has answered within <see cref="Timeout"/>.</summary>
    public ApprovalTimeoutPolicy OnTimeout { get; init; }
}

/// <summary>What becomes of a tool call that nobody has approved in time.</summary>
public enum ApprovalTimeoutPolicy
{
    /// <summary>It is refused, with the reason <c>timed out</c>.</summary>
    Refuse,

    /// <summary>It is made.</summary>
    Approve,

    /// <summary>The node fails, with the code <c>timeout</c>.</summary>
    Fail,
}
