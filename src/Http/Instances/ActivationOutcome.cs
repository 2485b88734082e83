using System.Text.Json;
using Polyphony.Core.Client;
using Polyphony.Core.Runs;

namespace Polyphony.Http.Instances;

/// <summary>How one activation ended.</summary>
// Not Core's Outcome itself: that is a record of the engine, whose result may be a reference and which has a sort key. Callers get the value, whatever is stored.
internal sealed record ActivationOutcome
{
    /// <summary>Gets the activation, such as <c>research[3]#2</c>.</summary>
    public required string Activation { get; init; }

    /// <summary>Gets the node.</summary>
    public required string Node { get; init; }

    /// <summary>Gets the node's kind.</summary>
    public required string Kind { get; init; }

    /// <summary>Gets the item's index in a <c>forEach</c>, from 0.</summary>
    public int? Index { get; init; }

    /// <summary>Gets the agent that answered.</summary>
    public string? Agent { get; init; }

    /// <summary>Gets <c>completed</c>, <c>failed</c> or <c>skipped</c>.</summary>
    public required string Status { get; init; }

    /// <summary>Gets the result.</summary>
    public JsonElement? Result { get; init; }

    /// <summary>Gets the error, even when something replaced the result.</summary>
    public CallError? Error { get; init; }

    /// <summary>Gets the number of attempts.</summary>
    public int Attempts { get; init; }

    /// <summary>Gets the usage of its model calls.</summary>
    public Usage Usage { get; init; } = Usage.None;

    /// <summary>Gets the provider of the last answer; <c>offline</c> means that no model was called.</summary>
    public string? Provider { get; init; }

    /// <summary>Gets the model that gave the last answer.</summary>
    public string? Model { get; init; }

    /// <summary>Gets the finish reason of the last answer, such as <c>stop</c>; <c>length</c> if it was cut off at the token limit.</summary>
    public string? FinishReason { get; init; }

    /// <summary>Gets the time at which it began.</summary>
    public DateTimeOffset StartedTime { get; init; }

    /// <summary>Gets the time at which it ended.</summary>
    public DateTimeOffset EndedTime { get; init; }

    /// <summary>Gets the time it took, in seconds.</summary>
    public double Seconds { get; init; }

    internal static ActivationOutcome From(OutcomeStatus status) => new()
    {
        Activation = status.Outcome.Activation,
        Node = status.Outcome.Node,
        Kind = status.Outcome.Kind,
        Index = status.Outcome.Index,
        Agent = status.Outcome.Agent,
        Status = status.Outcome.Status,
        Result = status.Result,
        Error = status.Outcome.Error,
        Attempts = status.Outcome.Attempts,
        Usage = status.Outcome.Usage,
        Provider = status.Outcome.Provider,
        Model = status.Outcome.Model,
        FinishReason = status.Outcome.FinishReason,
        StartedTime = status.Outcome.StartedTime,
        EndedTime = status.Outcome.EndedTime,
        Seconds = status.Outcome.Seconds,
    };
}
