using System.Text.Json.Serialization;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Client;

/// <summary>Something that happened to a run, in its own terms: a model call ended, a person answered, it was suspended.</summary>
/// <param name="Sequence">The place of the event in the history that shows it.</param>
/// <param name="Time">When it happened.</param>
/// <param name="Kind">What happened: one of <see cref="RunStepKinds"/>.</param>
internal sealed record RunStep(long Sequence, DateTimeOffset Time, string Kind)
{
    /// <summary>Gets the activation, such as <c>research[3]#2</c>.</summary>
    public string? Activation { get; init; }

    /// <summary>Gets the agent.</summary>
    public string? Agent { get; init; }

    /// <summary>Gets the tool.</summary>
    public string? Tool { get; init; }

    /// <summary>Gets the provider of the model.</summary>
    public string? Provider { get; init; }

    /// <summary>Gets the model that answered, in the provider's words, or else the alias that was asked.</summary>
    public string? Model { get; init; }

    /// <summary>Gets the attempt, from 1.</summary>
    public int? Attempt { get; init; }

    /// <summary>Gets how long it took, in seconds.</summary>
    public double? Seconds { get; init; }

    /// <summary>Gets what the call, the child or the run has used.</summary>
    public Usage? Usage { get; init; }

    /// <summary>Gets the tools that the model has asked for.</summary>
    public IReadOnlyList<string>? Tools { get; init; }

    /// <summary>Gets a value indicating whether the answer came from the ledger, so that no model was asked.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool IsReused { get; init; }

    /// <summary>Gets until when the call waits.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>Gets why: of a wait, or of a request to suspend, resume, rewind or terminate.</summary>
    public string? Reason { get; init; }

    /// <summary>Gets the event, or the topic of a message.</summary>
    public string? Name { get; init; }

    /// <summary>Gets the child.</summary>
    public string? InstanceId { get; init; }

    /// <summary>Gets the workflow of the run or of the child.</summary>
    public string? Workflow { get; init; }

    /// <summary>Gets why the run or the child ended.</summary>
    public string? StopReason { get; init; }

    /// <summary>Gets the code of what went wrong.</summary>
    public string? Code { get; init; }

    /// <summary>Gets what went wrong.</summary>
    public string? Message { get; init; }
}

/// <summary>What can happen to a run.</summary>
internal static class RunStepKinds
{
    public const string Started = "started";
    public const string ModelCall = "modelCall";
    public const string Throttled = "throttled";
    public const string ToolCall = "toolCall";
    public const string ToolQuestion = "toolQuestion";
    public const string Published = "published";
    public const string ChildStarted = "childStarted";
    public const string ChildEnded = "childEnded";
    public const string Answered = "answered";
    public const string EventReceived = "eventReceived";
    public const string Suspended = "suspended";
    public const string Resumed = "resumed";
    public const string Rewound = "rewound";
    public const string Terminated = "terminated";
    public const string ActivityFailed = "activityFailed";
    public const string Ended = "ended";
}
