using System.Text.Json.Serialization;

namespace Polyphony.Core.Runs;

/// <summary>Why an instance ended: exactly one of a closed set. Only <see cref="Completed"/> is success.</summary>
public enum StopReason
{
    /// <summary>The graph, or a termination condition that means success, came to its end.</summary>
    [JsonStringEnumMemberName("completed")]
    Completed,

    /// <summary>A person's answer rejected the work.</summary>
    [JsonStringEnumMemberName("rejected")]
    Rejected,

    /// <summary>As many model calls were made as <c>limits.maxModelCalls</c> allows.</summary>
    [JsonStringEnumMemberName("max_model_calls")]
    MaxModelCalls,

    /// <summary>As many messages were said as <c>maxMessages</c> of a termination allows.</summary>
    [JsonStringEnumMemberName("max_turns")]
    MaxTurns,

    /// <summary>A loop took as many rounds as allowed and its condition still asked for another.</summary>
    [JsonStringEnumMemberName("max_rounds")]
    MaxRounds,

    /// <summary>As many tokens were used as allowed.</summary>
    [JsonStringEnumMemberName("max_tokens")]
    MaxTokens,

    /// <summary>As much was spent as allowed.</summary>
    [JsonStringEnumMemberName("max_cost")]
    MaxCost,

    /// <summary>The instance took as long as allowed.</summary>
    [JsonStringEnumMemberName("timeout")]
    Timeout,

    /// <summary>A loop's round ended as the one before.</summary>
    [JsonStringEnumMemberName("no_progress")]
    NoProgress,

    /// <summary>An agent handed off to somebody outside the workflow.</summary>
    [JsonStringEnumMemberName("handoff")]
    Handoff,

    /// <summary>It was ended by request.</summary>
    [JsonStringEnumMemberName("cancelled")]
    Cancelled,

    /// <summary>A node failed and nothing handled that.</summary>
    [JsonStringEnumMemberName("failed")]
    Failed,
}
