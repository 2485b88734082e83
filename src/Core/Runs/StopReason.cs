using System.Text.Json.Serialization;

namespace Polyphony.Core.Runs;

/// <summary>Why an instance ended. Only <see cref="Completed"/> is success.</summary>
public enum StopReason
{
    /// <summary>The graph ended, or a termination condition that means success was met.</summary>
    [JsonStringEnumMemberName("completed")]
    Completed,

    /// <summary>A person's answer rejected the work.</summary>
    [JsonStringEnumMemberName("rejected")]
    Rejected,

    /// <summary><c>limits.maxModelCalls</c> was reached.</summary>
    [JsonStringEnumMemberName("max_model_calls")]
    MaxModelCalls,

    /// <summary><c>maxMessages</c> of a termination condition was reached.</summary>
    [JsonStringEnumMemberName("max_turns")]
    MaxTurns,

    /// <summary>A loop reached its maximum number of rounds while its condition still asked for another.</summary>
    [JsonStringEnumMemberName("max_rounds")]
    MaxRounds,

    /// <summary>The limit on tokens was reached.</summary>
    [JsonStringEnumMemberName("max_tokens")]
    MaxTokens,

    /// <summary>The limit on cost was reached.</summary>
    [JsonStringEnumMemberName("max_cost")]
    MaxCost,

    /// <summary>The time limit of the instance was reached.</summary>
    [JsonStringEnumMemberName("timeout")]
    Timeout,

    /// <summary>A round of a loop ended with the same results as the one before.</summary>
    [JsonStringEnumMemberName("no_progress")]
    NoProgress,

    /// <summary>An agent handed off to somebody outside the workflow.</summary>
    [JsonStringEnumMemberName("handoff")]
    Handoff,

    /// <summary>It was ended by request.</summary>
    [JsonStringEnumMemberName("cancelled")]
    Cancelled,

    /// <summary>A node failed, and nothing handled the failure.</summary>
    [JsonStringEnumMemberName("failed")]
    Failed,
}
