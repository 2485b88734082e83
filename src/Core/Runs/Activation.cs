using System.Text.Json.Serialization;
using Polyphony.Core.Definitions;
using Polyphony.Core.Payloads;

namespace Polyphony.Core.Runs;

/// <summary>One execution of a node, or of one item of it.</summary>
internal sealed record Activation
{
    public required NodeDefinition Node { get; init; }

    public required CallScope Scope { get; init; }

    /// <summary>Gets its place in <see cref="Outcome.Order"/>.</summary>
    public required string Order { get; init; }

    public IReadOnlyList<ContextMessage> Context { get; init; } = [];

    public IReadOnlyList<Payload> PackedContext { get; init; } = [];

    /// <summary>Gets where an earlier generation left a wait.</summary>
    public WaitState? Wait { get; init; }

    /// <summary>Gets the prompt's or question's template when it does not stand in the node: calls from C#.</summary>
    public Payload? Prompt { get; init; }

    /// <summary>Gets a tool's arguments when they do not stand in the node: calls from C#.</summary>
    public Payload? Arguments { get; init; }

    /// <summary>Gets to whom the agent may hand off instead of answering: in a team.</summary>
    public IReadOnlyList<string> Handoffs { get; init; } = [];

    /// <summary>Gets what puts calls of several items together, if the node asks for that.</summary>
    public CallGatherer? Gatherer { get; init; }

    /// <summary>Gets a value indicating whether it holds locks: what it runs may take none.</summary>
    public bool HoldsLock { get; init; }

    /// <summary>Gets its slot; <see langword="null"/> if it takes none of its own.</summary>
    public SlotHold? Slot { get; init; }

    public string Id => Scope.Activation;

    /// <summary>Names an activation: <c>research[3]#2</c> is item 3 in the second round.</summary>
    public static string Name(string node, int? index, int round) =>
        $"{node}{(index is null ? "" : $"[{index}]")}{(round > 1 ? $"#{round}" : "")}";
}

/// <summary>A wait that continues in the next generation.</summary>
/// <param name="Deadline">When it times out.</param>
/// <param name="Escalated">Whether the question was put to somebody else already.</param>
internal sealed record WaitState(DateTimeOffset? Deadline, bool Escalated = false)
{
    /// <summary>Gets a value indicating whether it waits for a lock before its work: the deadline is that of the activation.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool IsForLock { get; init; }
}

/// <summary>How an activation ended.</summary>
/// <param name="Outcome">The record of it; <see langword="null"/> if it was stopped before it had one.</param>
/// <param name="Abandoned">A call that went on after its activation timed out: until it ends, the activation's slot is taken.</param>
internal sealed record ActivationEnd(Outcome? Outcome, Task? Abandoned = null)
{
    public bool IsStopped => Outcome is null;

    /// <summary>Gets what it has written to the state; nothing unless it completed.</summary>
    public StateChange? Written { get; init; }

    /// <summary>Gets what it had come to when it was stopped.</summary>
    public WorkResult? Stopped { get; init; }

    /// <summary>Gets what the agent has written beside a handoff.</summary>
    public Payload? HandoffText { get; init; }
}

/// <summary>What a node's own work came to, before its error policy.</summary>
internal sealed record WorkResult
{
    public Payload? Output { get; init; }

    /// <summary>Gets what the agent has written beside a handoff, which is then the <see cref="Output"/>.</summary>
    public Payload? HandoffText { get; init; }

    public CallError? Error { get; init; }

    public bool IsStopped { get; init; }

    /// <summary>Gets a value indicating whether no other model can do anything about <see cref="Error"/>.</summary>
    public bool IsFatal { get; init; }

    public int Attempts { get; init; }

    public Usage Usage { get; init; } = Usage.None;

    public string? Provider { get; init; }

    public string? Model { get; init; }

    public string? Agent { get; init; }

    /// <summary>Gets why the model stopped that gave the last answer.</summary>
    public string? FinishReason { get; init; }

    /// <summary>Gets until when the model lets the call wait, which is too long while there is another to ask.</summary>
    public CallWait? Postponed { get; init; }

    /// <summary>Gets the fallbacks that the host's settings give the model.</summary>
    public IReadOnlyList<string> Fallback { get; init; } = [];

    /// <summary>Gets what the tools that it has called have written to the state.</summary>
    public StateChange Written { get; init; } = StateChange.None;

    /// <summary>Gets work that continues after a timeout, until the call under way ends.</summary>
    public Task? Abandoned { get; init; }

    /// <summary>Gets the next free number of a model call of this activation.</summary>
    public int NextCall { get; init; } = 1;

    public static WorkResult Stopped { get; } = new() { IsStopped = true };

    public static WorkResult Failed(string code, string message, int attempts = 1) =>
        new() { Error = new CallError(code, message, ErrorKind.Terminal), Attempts = attempts };
}

/// <summary>What the runner of activations needs from the run around it.</summary>
internal interface IRunObserver
{
    /// <summary>A call waits before it is made, or made again.</summary>
    /// <param name="activation">The activation.</param>
    /// <param name="wait">Until when and why.</param>
    /// <param name="error">Why the attempt before it failed; <see langword="null"/> if there was none.</param>
    void OnDelayed(Activation activation, CallWait wait, CallError? error);

    /// <summary>That wait is over.</summary>
    void OnDelayEnded(Activation activation);

    /// <summary>An attempt begins.</summary>
    void OnAttempt(Activation activation);

    /// <summary>A wait for somebody or something outside began.</summary>
    void OnWaiting(Activation activation, PendingWait wait, WaitState state);

    /// <summary>That wait is over.</summary>
    void OnWaited(Activation activation);

    /// <summary>A tool call of an activation begins to wait for a person.</summary>
    void OnAsking(Activation activation);

    /// <summary>A tool call of an activation waits for a person no more.</summary>
    void OnAsked(Activation activation);

    /// <summary>A call that a C# function has made has ended.</summary>
    /// <param name="activation">The function's activation.</param>
    /// <param name="outcome">The call's outcome.</param>
    void OnInnerOutcome(Activation activation, Outcome outcome);
}
