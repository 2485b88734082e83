using System.Text.Json.Serialization;
using Polyphony.Core.Payloads;
using Polyphony.Core.Topics;

namespace Polyphony.Core.Runs;

/// <summary>The output of a workflow instance: why it ended, and its results.</summary>
public sealed record WorkflowResult
{
    /// <summary>Gets the stop reason.</summary>
    public required StopReason StopReason { get; init; }

    /// <summary>Gets the output, as far as it could be computed; present for every stop reason.</summary>
    public Payload? Output { get; init; }

    /// <summary>Gets what went wrong, for <see cref="Runs.StopReason.Failed"/>.</summary>
    public WorkflowError? Error { get; init; }

    /// <summary>Gets the usage of all model calls, children included.</summary>
    public Usage Usage { get; init; } = Usage.None;

    /// <summary>Gets the values of the state as they are at the end, for every stop reason; <see langword="null"/> if the workflow has none. Those of a message's source take effect when the run has completed.</summary>
    public IReadOnlyDictionary<string, Payload>? State { get; init; }

    /// <summary>Gets the messages that wait to be sent until the message that led to them is acknowledged.</summary>
    [JsonInclude]
    internal IReadOnlyList<TopicMessage>? Published { get; init; }

    /// <summary>Gets the outcome of every activation in graph order, a list of <see cref="Outcome"/>; left out if they are in <c>outcomeLists</c>.</summary>
    public Payload? Outcomes { get; init; }

    /// <summary>
    /// Gets several lists of <see cref="Outcome"/>, in place or by reference: together the outcomes of every activation. Whoever reads them puts them in the order of
    /// their <c>order</c> (ordinal).
    /// </summary>
    public IReadOnlyList<Payload>? OutcomeLists { get; init; }
}

/// <summary>A failure that ended an instance.</summary>
/// <param name="Activation">The activation that failed; <see langword="null"/> if none did.</param>
/// <param name="Code">The code.</param>
/// <param name="Message">The message.</param>
public sealed record WorkflowError(string? Activation, string Code, string Message);

/// <summary>How one activation ended: the record of every agent call (<c>agent, result, error</c>). In order, the results are the run's messages.</summary>
public sealed record Outcome
{
    /// <summary>Gets the activation, such as <c>research[3]#2</c>.</summary>
    public required string Activation { get; init; }

    /// <summary>Gets the node.</summary>
    public required string Node { get; init; }

    /// <summary>Gets the sort key (ordinal) that puts outcomes into the order fixed by the graph.</summary>
    public required string Order { get; init; }

    /// <summary>Gets the item's index in a <c>forEach</c>, from 0.</summary>
    public int? Index { get; init; }

    /// <summary>Gets the node's kind: <c>agent</c>, <c>tool</c>, <c>human</c>, <c>workflow</c>, <c>wait</c> or <c>transform</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>Gets the agent that answered, for agent nodes.</summary>
    public string? Agent { get; init; }

    /// <summary>Gets <c>completed</c>, <c>failed</c> or <c>skipped</c> (failed, and left out by <c>onError</c>).</summary>
    public required string Status { get; init; }

    /// <summary>Gets the result.</summary>
    public Payload? Result { get; init; }

    /// <summary>Gets the error, even when a value, another agent or another model replaced the result.</summary>
    public CallError? Error { get; init; }

    /// <summary>Gets the number of attempts over all calls.</summary>
    public int Attempts { get; init; }

    /// <summary>Gets the usage of its model calls.</summary>
    public Usage Usage { get; init; } = Usage.None;

    /// <summary>Gets the provider of the last answer; <c>offline</c> means that no model was called.</summary>
    public string? Provider { get; init; }

    /// <summary>Gets the model that gave the last answer.</summary>
    public string? Model { get; init; }

    /// <summary>Gets the finish reason of the last answer; <c>length</c> if it was cut off at the token limit.</summary>
    public string? FinishReason { get; init; }

    /// <summary>Gets the time at which it began.</summary>
    public DateTimeOffset StartedTime { get; init; }

    /// <summary>Gets the time at which it ended.</summary>
    public DateTimeOffset EndedTime { get; init; }

    /// <summary>Gets the time it took, in seconds.</summary>
    [JsonIgnore]
    public double Seconds => (EndedTime - StartedTime).TotalSeconds;
}
