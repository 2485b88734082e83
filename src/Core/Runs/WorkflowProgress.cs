using System.Text.Json;
using System.Text.Json.Serialization;
using Polyphony.Core.Payloads;

namespace Polyphony.Core.Runs;

/// <summary>The custom status of a workflow instance: its progress. Always smaller than the 16 KB that Durable Functions allows.</summary>
public sealed record WorkflowProgress
{
    /// <summary>Gets the number of nodes.</summary>
    public int Total { get; init; }

    /// <summary>Gets the number of nodes that have ended (completed, skipped or failed) in their current round.</summary>
    public int Done { get; init; }

    /// <summary>Gets the nodes in graph order: all of them when they are few, otherwise those under way and the last that ended.</summary>
    public IReadOnlyList<NodeProgress> Nodes { get; init; } = [];

    /// <summary>Gets what it waits for outside: questions first, up to 40 waits as space allows.</summary>
    public IReadOnlyList<PendingWait> WaitingFor
    {
        get;

        // ProgressWriter leaves it out when it is empty, and the generated reader sets what it does not find to null.
        init => field = value ?? [];
    } = [];

    /// <summary>Gets the number of further waits that are not shown for lack of space; they appear as others end. Left out when there are none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int MoreWaiting { get; init; }

    /// <summary>Gets the values of the state so far, in parts, by name; those that are too large are left out.</summary>
    [JsonInclude]
    internal IReadOnlyDictionary<string, IReadOnlyList<Payload>>? State { get; init; }

    /// <summary>Gets the usage so far.</summary>
    public Usage Usage { get; init; } = Usage.None;

    /// <summary>Gets the result of an instance that is about to fail: a failed orchestration has no output.</summary>
    public WorkflowResult? Result { get; init; }

    /// <summary>Gets the number of times the instance has failed, rewound failures included; left out when it is 0.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int Failures { get; init; }
}

/// <summary>The progress of a node.</summary>
public sealed record NodeProgress
{
    /// <summary>Gets the node.</summary>
    public required string Node { get; init; }

    /// <summary>Gets the status: <c>pending</c>, <c>running</c>, <c>retrying</c>, <c>waiting</c> (for somebody, an event, a time, or until a model may be called), <c>completed</c>, <c>skipped</c>, <c>failed</c> or <c>stopped</c> (under way when the run stopped).</summary>
    public required string Status { get; init; }

    /// <summary>Gets which round it is in, from 1.</summary>
    public int Round
    {
        get;

        // Left out when it is 1, and then read as 0.
        init => field = Math.Max(1, value);
    } = 1;

    /// <summary>Gets the items of a <c>forEach</c> in all, once known.</summary>
    public int? Items { get; init; }

    /// <summary>Gets the items that have ended.</summary>
    public int? ItemsDone { get; init; }

    /// <summary>Gets the items that failed.</summary>
    public int? ItemsFailed { get; init; }

    /// <summary>Gets the attempts made in this round.</summary>
    public int Attempts { get; init; }

    /// <summary>Gets the tokens used in this round.</summary>
    public long Tokens { get; init; }

    /// <summary>Gets the cost of this round in US dollars, of the calls whose price is known.</summary>
    public decimal CostUsd { get; init; }

    /// <summary>Gets the number of answered calls of this round without a known price.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int UnpricedCalls { get; init; }

    /// <summary>Gets the number of answered calls of this round whose tokens are estimated, because the provider did not count them.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int EstimatedCalls { get; init; }

    /// <summary>Gets the number of answers of this round in which U+FFFD replaces half a character.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int ReplacedCalls { get; init; }

    /// <summary>Gets <c>length</c> when an answer of this round was cut off at the token limit.</summary>
    public string? FinishReason { get; init; }

    /// <summary>Gets the provider of its answers; <c>offline</c> means that no model was called.</summary>
    public string? Provider { get; init; }

    /// <summary>Gets when this round of it began.</summary>
    public DateTimeOffset? StartedTime { get; init; }

    /// <summary>Gets when this round of it ended.</summary>
    public DateTimeOffset? EndedTime { get; init; }

    /// <summary>Gets the code of the last error.</summary>
    public string? Error { get; init; }

    /// <summary>Gets the time until which a model or tool call of it waits; of several, the earliest.</summary>
    public DateTimeOffset? WaitingUntil { get; init; }

    /// <summary>Gets why it waits: one of <see cref="CallWaitReasons"/>.</summary>
    public string? WaitReason { get; init; }

    /// <summary>Gets the provider's message, up to 200 characters. Left out when the status would be too large.</summary>
    public string? WaitMessage { get; init; }

    /// <summary>
    /// Gets which children run items of it, by the last part of their ids; <see langword="null"/> if none does. Their own statuses say how far they are; who reads an instance by
    /// <see cref="Client.WorkflowClient"/> gets them summed up, and <see langword="null"/> here.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Parts { get; init; }

    /// <summary>The maximum number of children that are named in <see cref="Parts"/>.</summary>
    internal const int MostParts = 64;

    /// <summary>Adds what an activation, or several, took.</summary>
    internal NodeProgress Count(int attempts, Usage usage, string? provider, string? error) => this with
    {
        Attempts = Attempts + attempts,
        Tokens = Tokens + usage.Tokens,
        CostUsd = CostUsd + usage.CostUsd,
        UnpricedCalls = UnpricedCalls + usage.UnpricedCalls,
        EstimatedCalls = EstimatedCalls + usage.EstimatedCalls,
        ReplacedCalls = ReplacedCalls + usage.ReplacedCalls,
        FinishReason = usage.CutOffCalls > 0 ? FinishReasons.Length : FinishReason,
        Provider = provider ?? Provider,
        Error = error,
    };
}

/// <summary>A wait for a person, an event, a time or a lock, or of a whole run for a place among those that handle messages of its subscription.</summary>
/// <param name="Activation">The activation that waits; empty for <c>place</c>.</param>
/// <param name="Kind"><c>human</c>, <c>event</c>, <c>timer</c>, <c>lock</c> or <c>place</c>.</param>
/// <param name="EventName">The event that ends it, for <c>human</c> and <c>event</c>.</param>
/// <param name="Prompt">The question. One of more than 500 characters is shortened, and then ends with <see cref="CutMark"/>.</param>
/// <param name="Until">When it times out.</param>
/// <param name="Assignee">To whom the question was escalated.</param>
/// <param name="Question">Where the whole of a shortened question is; the HTTP API gives <paramref name="PromptGetUri"/> instead.</param>
/// <param name="PromptGetUri">Where to GET the whole of a shortened question; the HTTP API fills it in.</param>
public sealed record PendingWait(
    string Activation, string Kind, string? EventName, string? Prompt, DateTimeOffset? Until, string? Assignee = null, Payload? Question = null, string? PromptGetUri = null)
{
    /// <summary>The <see cref="Kind"/> of the wait of a run that may not begin yet.</summary>
    internal const string Place = "place";

    /// <summary>Gets the tool whose call the question is about; <see langword="null"/> for other waits.</summary>
    public string? Tool { get; init; }

    /// <summary>Gets the lock that it waits for, or <c>polyphony-subscription:WORKFLOW.SUBSCRIPTION</c> for <c>place</c>; <see langword="null"/> for other waits.</summary>
    public string? Lock { get; init; }

    /// <summary>Gets the instance that has the lock, as far as its keeper knows; for <c>place</c>, the one that has had its place the longest; <see langword="null"/> for other waits.</summary>
    public string? Holder { get; init; }

    /// <summary>Gets the place in the queue for the lock, from 1; <see langword="null"/> for other waits, and beyond the first 50.</summary>
    public int? Position { get; init; }

    /// <summary>Gets the child instance that waits, where the items of a <c>forEach</c> are divided among children; <see langword="null"/>: the instance itself.</summary>
    public string? InstanceId { get; init; }

    /// <summary>Gets where the arguments of that call and the schema of the answer are; the HTTP API gives them with the question.</summary>
    public Payload? Details { get; init; }

    /// <summary>The maximum length of a question in the status, in characters. In scripts with multi-byte letters it may be less.</summary>
    public const int MaxPromptLength = 500;

    /// <summary>The maximum number of waits that the status shows.</summary>
    internal const int MostShown = 40;

    // Eight of them fit the custom status in any script.
    private const int MaxPromptBytes = 1_000;

    /// <summary>What a shortened question ends with.</summary>
    public const string CutMark = "… (shortened)";

    /// <summary>Shortens a question for the status.</summary>
    /// <param name="question">The question.</param>
    /// <param name="length">The maximum number of characters.</param>
    /// <returns>The question; if it is longer, its beginning and <see cref="CutMark"/>.</returns>
    public static string Shorten(string question, int length = MaxPromptLength)
    {
        if (question.Length <= length && IsShort(question))
        {
            return question;
        }

        var beginning = ErrorText.Beginning(question, Math.Min(length, question.Length) - CutMark.Length);
        while (!IsShort(beginning))
        {
            beginning = ErrorText.Beginning(beginning, beginning.Length * 3 / 4);
        }

        return beginning + CutMark;
    }

    private static bool IsShort(string text) => JsonEncodedText.Encode(text).EncodedUtf8Bytes.Length <= MaxPromptBytes;
}
