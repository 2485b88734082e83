using System.Text.Json.Serialization;
using Polyphony.Core.Payloads;

namespace Polyphony.Core.Runs;

/// <summary>The input of <see cref="TaskNames.Agent"/>: one model call.</summary>
public sealed record AgentCall
{
    /// <summary>Gets the activation and the values for the prompt.</summary>
    public required CallScope Scope { get; init; }

    /// <summary>Gets the agent to run: the node's, or the one that stands in for it.</summary>
    public required string Agent { get; init; }

    /// <summary>Gets the model alias to use: the agent's, or a fallback.</summary>
    public required string Model { get; init; }

    /// <summary>Gets the place of this call among the model calls of its activation, from 1. Retries of a call keep it.</summary>
    public int Call { get; init; } = 1;

    /// <summary>Gets the attempt, from 1.</summary>
    public int Attempt { get; init; } = 1;

    /// <summary>
    /// Gets whether another model is asked when this one lets the call wait for longer than <c>maxWait</c>; <see langword="null"/>: if the host's settings give the model a fallback.
    /// </summary>
    public bool? MayFallBack { get; init; }

    /// <summary>Gets the prompt's template when it does not come from the node (calls from C#); otherwise <see langword="null"/>.</summary>
    public Payload? Prompt { get; init; }

    /// <summary>Gets stored lists of <see cref="ContextMessage"/> that come before <see cref="Context"/>, when there are too many to pass.</summary>
    public IReadOnlyList<Payload> PackedContext { get; init; } = [];

    /// <summary>Gets the earlier messages that the agent may see, oldest first, already filtered.</summary>
    public IReadOnlyList<ContextMessage> Context { get; init; } = [];

    /// <summary>Gets stored lists of <see cref="ToolExchange"/>: rounds of tool calls before <see cref="ToolRounds"/>, when there is too much of them to pass.</summary>
    public IReadOnlyList<Payload> PackedToolRounds { get; init; } = [];

    /// <summary>Gets the rounds of tool calls so far in this activation.</summary>
    public IReadOnlyList<ToolRound> ToolRounds { get; init; } = [];

    /// <summary>Gets the pinned definitions of the workflows that the agent runs as tools, as hashes by tool.</summary>
    [JsonInclude]
    internal IReadOnlyDictionary<string, string>? Workflows { get; init; }

    /// <summary>Gets the answer to be repaired, or <see langword="null"/>.</summary>
    public RepairRequest? Repair { get; init; }

    /// <summary>Gets when the node's own <c>timeout</c> is over, if it has one: the call is given up then, with <see cref="ErrorCodes.Cancelled"/>.</summary>
    public DateTimeOffset? Deadline { get; init; }

    /// <summary>Gets the id under which the ledger keeps the answer: the same on every delivery and attempt.</summary>
    [JsonIgnore]
    public string StepId => $"{Scope.InstanceId}/{Scope.Activation}/{Call}";
}

/// <summary>An earlier message.</summary>
/// <param name="Source">The node that it comes from.</param>
/// <param name="Role"><c>user</c>, <c>assistant</c> or <c>tool</c>.</param>
/// <param name="Content">A text, any JSON, or (for a <c>forEach</c> node) the list of its outputs.</param>
/// <param name="Agent">The agent, if an agent wrote it.</param>
public sealed record ContextMessage(string Source, string Role, Payload Content, string? Agent = null);

/// <summary>A model's request for tools, and what they returned.</summary>
/// <param name="Calls">What the model asked for.</param>
/// <param name="Results">The results, in the order of the calls.</param>
/// <param name="Beside">What stood beside the calls (<see cref="AgentCallResult.Beside"/>), if anything did.</param>
public sealed record ToolRound(IReadOnlyList<RequestedToolCall> Calls, IReadOnlyList<ToolCallResult> Results, Payload? Beside = null);

/// <summary>A tool call of a round, and what it returned.</summary>
/// <param name="Round">Which round, from 0.</param>
/// <param name="Call">What the model asked for.</param>
/// <param name="Result">The result.</param>
/// <param name="Beside">What the server put beside the calls of this round; with the first of them.</param>
internal sealed record ToolExchange(int Round, RequestedToolCall Call, ToolCallResult Result, Payload? Beside = null);

/// <summary>A tool call that a model asked for.</summary>
/// <param name="CallId">The model's id of it.</param>
/// <param name="Tool">The tool.</param>
/// <param name="Arguments">The arguments, an object.</param>
public sealed record RequestedToolCall(string CallId, string Tool, Payload Arguments);

/// <summary>An answer that does not fit its schema, to be put right.</summary>
/// <param name="Answer">The answer as it was given.</param>
/// <param name="Violations">What is wrong with it.</param>
public sealed record RepairRequest(Payload Answer, IReadOnlyList<string> Violations);

/// <summary>The output of <see cref="TaskNames.Agent"/>. Exactly one of <see cref="Output"/>, <see cref="ToolCalls"/>, <see cref="Error"/>, <see cref="Wait"/> is set.</summary>
public sealed record AgentCallResult
{
    /// <summary>Gets the answer: a text, or JSON that fits the agent's schema.</summary>
    public Payload? Output { get; init; }

    /// <summary>Gets the tools that the model asks for.</summary>
    public IReadOnlyList<RequestedToolCall>? ToolCalls { get; init; }

    /// <summary>
    /// Gets what stands beside <see cref="ToolCalls"/> and goes back to the model with them: its text and the server's own members, in the form that the activities write and
    /// read. <see langword="null"/> if there is nothing.
    /// </summary>
    public Payload? Beside { get; init; }

    /// <summary>Gets what the model has written beside its only call if that is a handoff: nothing goes back to the model then, and the others are to hear it.</summary>
    public Payload? HandoffText { get; init; }

    /// <summary>Gets why there is no answer.</summary>
    public CallError? Error { get; init; }

    /// <summary>Gets until when the call has to wait: the model was not asked, and this was no attempt.</summary>
    public CallWait? Wait { get; init; }

    /// <summary>Gets the answer that does not fit its schema, with <see cref="ErrorCodes.OutputInvalid"/>.</summary>
    public RepairRequest? Invalid { get; init; }

    /// <summary>Gets the aliases to try next when this model has failed for good or lets the call wait for too long, if the host's settings define it; a workflow's own aliases have theirs in the workflow.</summary>
    public IReadOnlyList<string>? Fallback { get; init; }

    /// <summary>Gets the usage of the call; zero when it was not billed.</summary>
    public Usage Usage
    {
        get;

        // The generated reader sets what it does not find to null.
        init => field = value ?? Usage.None;
    } = Usage.None;

    /// <summary>Gets the provider: <c>openai</c>, <c>azure-openai</c>, <c>offline</c> …</summary>
    public string? Provider { get; init; }

    /// <summary>Gets the model that answered, in the provider's words.</summary>
    public string? ResponseModel { get; init; }

    /// <summary>Gets why the model stopped; <see cref="FinishReasons.Length"/> when its answer was cut off.</summary>
    public string? FinishReason { get; init; }

    /// <summary>Gets the provider's id of the request.</summary>
    public string? ProviderRequestId { get; init; }

    /// <summary>Gets a value indicating whether the answer came from the ledger, unpaid.</summary>
    public bool FromLedger { get; init; }
}

/// <summary>Names of finish reasons, as Microsoft.Extensions.AI writes them.</summary>
internal static class FinishReasons
{
    /// <summary>The answer was cut off at the token limit.</summary>
    public const string Length = "length";
}

/// <summary>The usage of model calls.</summary>
/// <param name="ModelCalls">The number of answered model calls.</param>
/// <param name="InputTokens">The tokens of the requests.</param>
/// <param name="OutputTokens">The tokens of the answers.</param>
/// <param name="CostUsd">The cost in US dollars, without that of <paramref name="UnpricedCalls"/>.</param>
/// <param name="CachedInputTokens">How many of <paramref name="InputTokens"/> came from the provider's cache.</param>
/// <param name="UnpricedCalls">Answered calls whose price is not known.</param>
/// <param name="EstimatedCalls">Answered calls whose tokens are estimated, because the provider did not count them.</param>
/// <param name="CutOffCalls">Answers that were cut off at the token limit (finish reason <c>length</c>).</param>
/// <param name="ReplacedCalls">Answers in which half a character, or bytes that are not text, were replaced by U+FFFD.</param>
public sealed record Usage(
    int ModelCalls,
    long InputTokens,
    long OutputTokens,
    decimal CostUsd,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] long CachedInputTokens = 0,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] int UnpricedCalls = 0,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] int EstimatedCalls = 0,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] int CutOffCalls = 0,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] int ReplacedCalls = 0)
{
    /// <summary>Gets no usage.</summary>
    public static Usage None { get; } = new(0, 0, 0, 0);

    /// <summary>
    /// Gets the number of model calls whose answers never arrived: cancelled, timed out, or with a broken connection. Each may be charged. Read from the ledger once the instance has
    /// ended; left out when it is 0.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long Unsettled { get; init; }

    /// <summary>Gets all tokens.</summary>
    [JsonIgnore]
    public long Tokens => InputTokens + OutputTokens;

    /// <summary>Adds two.</summary>
    /// <param name="a">One.</param>
    /// <param name="b">The other.</param>
    /// <returns>The sum.</returns>
    public static Usage operator +(Usage a, Usage b) =>
        ReferenceEquals(a, None) ? b
        : ReferenceEquals(b, None) ? a
        : new(
            a.ModelCalls + b.ModelCalls,
            a.InputTokens + b.InputTokens,
            a.OutputTokens + b.OutputTokens,
            a.CostUsd + b.CostUsd,
            a.CachedInputTokens + b.CachedInputTokens,
            a.UnpricedCalls + b.UnpricedCalls,
            a.EstimatedCalls + b.EstimatedCalls,
            a.CutOffCalls + b.CutOffCalls,
            a.ReplacedCalls + b.ReplacedCalls);
}

/// <summary>The input of <see cref="TaskNames.Evaluate"/>.</summary>
/// <param name="Site">Which expression.</param>
/// <param name="Scope">The values.</param>
internal sealed record EvaluateCall(ExpressionSite Site, CallScope Scope);

/// <summary>The output of <see cref="TaskNames.Evaluate"/>. Exactly one is set.</summary>
/// <param name="Value">The value.</param>
/// <param name="Error">Why there is none.</param>
internal sealed record EvaluateResult(Payload? Value, CallError? Error = null);

/// <summary>Names an expression of a pinned definition.</summary>
/// <param name="Kind">Which kind.</param>
/// <param name="Index">Which edge, for <see cref="ExpressionSiteKind.When"/>; which of <see cref="ExpressionSites.TerminationConditions"/>, for a workflow or a team.</param>
internal sealed record ExpressionSite(ExpressionSiteKind Kind, int Index = 0);

/// <summary>Where expressions stand. Those of a node belong to the node that the scope names.</summary>
internal enum ExpressionSiteKind
{
    /// <summary>An edge's condition.</summary>
    When,

    /// <summary>A node's list of items.</summary>
    ForEach,

    /// <summary>An agent's prompt or a person's question.</summary>
    Prompt,

    /// <summary>What is attached to an agent's prompt.</summary>
    Attachments,

    /// <summary>A tool's arguments.</summary>
    Arguments,

    /// <summary>The input of a sub-workflow, or of a C# function.</summary>
    WorkflowInput,

    /// <summary>A transform's value.</summary>
    Transform,

    /// <summary>Whether <c>answer</c> fits <c>schema</c>: both are variables.</summary>
    AnswerFits,

    /// <summary>The beginning of <c>question</c>, a variable: as much as is shown.</summary>
    QuestionBeginning,

    /// <summary>A wait's time.</summary>
    Until,

    /// <summary>The value of <c>onError</c>.</summary>
    ErrorValue,

    /// <summary>The value of <c>onTimeout</c>.</summary>
    TimeoutValue,

    /// <summary>Whom a question is escalated to.</summary>
    Escalation,

    /// <summary>The condition for <c>rejected</c>.</summary>
    RejectWhen,

    /// <summary>A termination condition.</summary>
    Termination,

    /// <summary>A condition under which a team stops.</summary>
    TeamTermination,

    /// <summary>The workflow's output.</summary>
    Output,

    /// <summary>What a node publishes.</summary>
    Publish,

    /// <summary>What a node writes to a value of the state; the index is its place in <see cref="Definitions.NodeDefinition.Writes"/>, or -1 for all of them.</summary>
    Write,

    /// <summary>The names of the locks that a node takes.</summary>
    Lock,
}

/// <summary>The input of <see cref="TaskNames.Pack"/>: makes one list. The output is a <see cref="Payload"/>.</summary>
/// <param name="RootInstanceId">The instance that keeps the result.</param>
/// <param name="Values">The values, in order.</param>
/// <param name="Mode">How.</param>
internal sealed record PackCall(string RootInstanceId, IReadOnlyList<Payload> Values, PackMode Mode = PackMode.Items);

/// <summary>How <see cref="PackCall"/> makes its list.</summary>
internal enum PackMode
{
    /// <summary>The values are the items.</summary>
    Items,

    /// <summary>The values are the items, and the list goes to the payload store however small it is.</summary>
    Stored,

    /// <summary>The values are texts: joined, the JSON of a value. The result is that value, in the payload store, and not a list.</summary>
    Text,

    /// <summary>There is one value: its JSON, written as a text, is the result, and not a list. Up to <see cref="CodeFirst.CodeWorkflow.MaxReadBytes"/>.</summary>
    Json,

    /// <summary>The values are lists, joined end to end.</summary>
    Concat,

    /// <summary>The values are objects: the result is an object with the members of all, of those with the same name the last, and not a list.</summary>
    Merge,

    /// <summary>The values are lists of <see cref="Outcome"/>, joined and put in the order of <see cref="Outcome.Order"/> (ordinal).</summary>
    Outcomes,

    /// <summary>The values are lists of <see cref="Outcome"/>: the items are the results of those that completed, resolved, in order.</summary>
    Results,

    /// <summary>The values are lists of <see cref="Outcome"/>: the items are <c>{index, code, message}</c> of those that did not complete.</summary>
    Errors,

    /// <summary>The first value is an object, the others are lists of <see cref="ContextMessage"/>: the result is the object with <c>last</c> and <c>messages</c>, resolved.</summary>
    Conversation,
}

/// <summary>
/// The input of <see cref="TaskNames.Fail"/>, which ends a failed workflow: it throws, so that the instance fails, unless
/// the payload store holds <see cref="RewindMarker"/>, which a rewind has put there. Then it returns and the failed nodes run again.
/// </summary>
/// <param name="InstanceId">The instance.</param>
/// <param name="Count">How many times the instance has failed, this one included.</param>
/// <param name="Error">The error.</param>
internal sealed record FailCall(string InstanceId, int Count, WorkflowError Error)
{
    /// <summary>Gets the content whose presence in the payload store lets the instance continue.</summary>
    [JsonIgnore]
    public byte[] RewindMarker => CreateRewindMarker(InstanceId, Count);

    /// <summary>Makes the marker of one failure of one instance.</summary>
    /// <param name="instanceId">The instance.</param>
    /// <param name="count">Which failure, from 1.</param>
    /// <returns>UTF-8 JSON.</returns>
    public static byte[] CreateRewindMarker(string instanceId, int count) =>
        System.Text.Encoding.UTF8.GetBytes($$"""{"rewind":"{{System.Text.Json.JsonEncodedText.Encode(instanceId)}}","count":{{count}}}""");
}
