using System.Text.Json;
using System.Text.Json.Serialization;
using Polyphony.Core.Graph;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;
using Polyphony.Core.Topics;

namespace Polyphony.Core.Runs;

/// <summary>What passes from one generation of a workflow instance to the next. Compact: it must fit one history event.</summary>
internal sealed record RunState
{
    /// <summary>Gets the version of this shape; 1.</summary>
    public int Schema { get; init; } = 1;

    /// <summary>Gets when the instance began.</summary>
    public required DateTimeOffset StartedTime { get; init; }

    /// <summary>Gets the model calls begun so far.</summary>
    public int CallsStarted { get; init; }

    /// <summary>Gets the usage so far.</summary>
    public Usage Usage { get; init; } = Usage.None;

    /// <summary>Gets how many times the instance has failed and was rewound.</summary>
    public int Failures { get; init; }

    /// <summary>Gets the nodes' phases, one digit each (<see cref="NodePhase"/>).</summary>
    public required string Phases { get; init; }

    /// <summary>Gets the edges' phases, one digit each (<see cref="EdgePhase"/>).</summary>
    public required string Edges { get; init; }

    /// <summary>Gets the rounds of nodes that have had more than one, by index.</summary>
    public IReadOnlyDictionary<int, int>? Rounds { get; init; }

    /// <summary>Gets the result digests of nodes in loops, by index.</summary>
    public IReadOnlyDictionary<int, ulong>? Digests { get; init; }

    /// <summary>Gets the loops.</summary>
    public IReadOnlyList<LoopState>? Loops { get; init; }

    /// <summary>Gets what the payload store holds for the results below.</summary>
    public IReadOnlyList<PayloadReference>? Stored { get; init; }

    /// <summary>Gets the nodes' results.</summary>
    public IReadOnlyList<SavedResult>? Results { get; init; }

    /// <summary>Gets the results of their bodies that loops began their rounds with, by loop.</summary>
    public IReadOnlyDictionary<int, IReadOnlyList<SavedResult>>? Snapshots { get; init; }

    /// <summary>Gets the waits that continue, by activation.</summary>
    public IReadOnlyDictionary<string, WaitState>? Waits { get; init; }

    /// <summary>Gets lists of outcomes in the payload store.</summary>
    public IReadOnlyList<Payload>? OutcomeLists { get; init; }

    /// <summary>Gets the outcomes that are not in the payload store yet, a list of <see cref="Outcome"/>.</summary>
    public JsonElement? Outcomes { get; init; }

    /// <summary>Gets the progress shown.</summary>
    public IReadOnlyList<NodeProgress>? Progress { get; init; }

    /// <summary>Gets the messages that wait to be sent until the end of the run.</summary>
    public IReadOnlyList<TopicMessage>? Published { get; init; }

    /// <summary>Gets the state that nodes write together.</summary>
    public SavedState? State { get; init; }

    /// <summary>Gets what the termination conditions have counted.</summary>
    public TerminationState? Termination { get; init; }
}

/// <summary>A <see cref="NodeResult"/> in <see cref="RunState"/>. What follows from the definition is left out.</summary>
internal sealed record SavedResult
{
    /// <summary>Gets the node's index.</summary>
    [JsonPropertyName("n")]
    public int Node { get; init; }

    /// <summary>Gets the status, unless completed.</summary>
    [JsonPropertyName("x")]
    public string? Status { get; init; }

    /// <summary>Gets the output in place.</summary>
    [JsonPropertyName("j")]
    [JsonConverter(typeof(PayloadValueConverter))]
    public Payload? Value { get; init; }

    /// <summary>Gets the output's place in <see cref="RunState.Stored"/>.</summary>
    [JsonPropertyName("s")]
    public int? Stored { get; init; }

    /// <summary>Gets the part of what is stored that is meant.</summary>
    [JsonPropertyName("p")]
    public string? Pointer { get; init; }

    /// <summary>Gets the error.</summary>
    [JsonPropertyName("e")]
    public CallError? Error { get; init; }

    /// <summary>Gets the items' failures.</summary>
    [JsonPropertyName("r")]
    public Payload? Errors { get; init; }

    /// <summary>Gets the order, for nodes in loops.</summary>
    [JsonPropertyName("o")]
    public string? Order { get; init; }

    /// <summary>Gets the agent, if another than the node's answered.</summary>
    [JsonPropertyName("a")]
    public string? Agent { get; init; }

    /// <summary>Gets the tokens.</summary>
    [JsonPropertyName("t")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long Tokens { get; init; }

    /// <summary>Gets earlier messages that are still wanted.</summary>
    [JsonPropertyName("l")]
    public IReadOnlyList<SavedResult>? Earlier { get; init; }
}

/// <summary>What termination conditions have counted: messages count once no earlier one can still come.</summary>
/// <param name="Messages">Messages counted.</param>
/// <param name="Tokens">Tokens counted.</param>
/// <param name="Met">The conditions that have been met so far, by place in document order.</param>
/// <param name="Pending">Messages not counted yet.</param>
internal sealed record TerminationState(int Messages, long Tokens, IReadOnlyList<int> Met, IReadOnlyList<SavedResult> Pending);
