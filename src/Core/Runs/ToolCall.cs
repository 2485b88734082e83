using System.Text.Json.Serialization;
using Polyphony.Core.Definitions;
using Polyphony.Core.Payloads;

namespace Polyphony.Core.Runs;

/// <summary>The input of <see cref="TaskNames.Tool"/>: one tool call.</summary>
internal sealed record ToolCall
{
    /// <summary>Gets the activation and the values for the arguments.</summary>
    public required CallScope Scope { get; init; }

    /// <summary>Gets the tool.</summary>
    public required string Tool { get; init; }

    /// <summary>Gets the arguments that a model gave; <see langword="null"/>: those of the tool node, evaluated over the scope.</summary>
    public Payload? Arguments { get; init; }

    /// <summary>Gets the model's id of the call, if a model asked for it.</summary>
    public string? CallId { get; init; }

    /// <summary>Gets the agent that asked for it, if one did.</summary>
    public string? Agent { get; init; }

    /// <summary>Gets the place of the call in its activation, such as <c>1.0</c>: which model call asked for it, and which of its requests this is; <see langword="null"/> for a tool node's own call.</summary>
    public string? Place { get; init; }

    /// <summary>Gets the attempt, from 1.</summary>
    public int Attempt { get; init; } = 1;

    /// <summary>Gets the pinned definitions of the workflows that the agent runs as tools, as hashes by tool.</summary>
    public IReadOnlyDictionary<string, string>? Workflows { get; init; }

    /// <summary>Gets what the run has got for a call that it has made itself, to be recorded: see <see cref="ToolCallResult.Given"/>.</summary>
    public Payload? Made { get; init; }

    /// <summary>Gets when the node's own <c>timeout</c> is over, if it has one: the call is given up then, with <see cref="ErrorCodes.Cancelled"/>.</summary>
    public DateTimeOffset? Deadline { get; init; }

    /// <summary>Gets a person's answer to <see cref="ToolQuestionKind.Approval"/>.</summary>
    public Payload? Approval { get; init; }

    /// <summary>Gets a person's answer to <see cref="ToolQuestionKind.Ask"/>.</summary>
    public Payload? Answer { get; init; }

    /// <summary>Gets a value indicating whether nobody has answered <see cref="ToolQuestionKind.Ask"/> in time.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool IsUnanswered { get; init; }

    /// <summary>Gets a person's answer to <see cref="ToolQuestionKind.Doubt"/>.</summary>
    public Payload? Verdict { get; init; }

    /// <summary>Gets how many times the call had been begun when <see cref="Verdict"/> was asked for: the answer is about those.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int VerdictBegun { get; init; }

    /// <summary>Gets the effect key, under which the ledger keeps the result: the same on every delivery and attempt.</summary>
    [JsonIgnore]
    public string StepId => Place is null ? $"{Scope.InstanceId}/{Scope.Activation}" : $"{Scope.InstanceId}/{Scope.Activation}/{Place}";

    /// <summary>Gets the name under which a person is asked about the call.</summary>
    [JsonIgnore]
    public string QuestionId => Place is null ? $"{Scope.Activation}.{Tool}" : $"{Scope.Activation}.{Tool}.{Place}";
}

/// <summary>The output of <see cref="TaskNames.Tool"/>. Exactly one of <see cref="Output"/>, <see cref="Error"/>, a question to a person and the arguments of a workflow is set.</summary>
/// <param name="Output">What the tool returned.</param>
/// <param name="Error">Why it did not.</param>
public sealed record ToolCallResult(Payload? Output, CallError? Error = null)
{
    /// <summary>Gets what a person has to answer before the call goes on.</summary>
    [JsonInclude]
    internal ToolQuestion? Question { get; init; }

    /// <summary>Gets the arguments of a call of a workflow, which the run itself makes: they fit, and whoever has to approve the call has.</summary>
    [JsonInclude]
    internal Payload? Given { get; init; }

    /// <summary>Gets what the model has to know beside the result.</summary>
    [JsonInclude]
    internal string? Note { get; init; }

    /// <summary>Gets what the tool has written to the state, in parts.</summary>
    [JsonInclude]
    internal IReadOnlyDictionary<string, IReadOnlyList<Payload>>? Written { get; init; }

    internal bool IsCancelled => Error?.Code == ErrorCodes.Cancelled;
}

/// <summary>A question to a person about a tool call.</summary>
internal sealed record ToolQuestion
{
    /// <summary>Gets what is asked.</summary>
    public required ToolQuestionKind Kind { get; init; }

    /// <summary>Gets the question as the status shows it.</summary>
    public required string Prompt { get; init; }

    /// <summary>Gets all of a question that the status shows shortened.</summary>
    public Payload? Whole { get; init; }

    /// <summary>Gets where <see cref="ToolQuestionDetails"/> are.</summary>
    public required Payload Details { get; init; }

    /// <summary>Gets how many times the call had been begun.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int Begun { get; init; }

    /// <summary>Gets how long it waits for a person, in milliseconds.</summary>
    public long? TimeoutMs { get; init; }

    /// <summary>Gets what follows when nobody has answered by then.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public ApprovalTimeoutPolicy OnTimeout { get; init; }
}

/// <summary>What a person is asked about a tool call.</summary>
internal enum ToolQuestionKind
{
    /// <summary>Whether it is made.</summary>
    Approval,

    /// <summary>Whether it has happened.</summary>
    Doubt,

    /// <summary>What the call itself asks: the answer is its result.</summary>
    Ask,
}

/// <summary>What there is to know of a question about a tool call, in the payload store.</summary>
/// <param name="Tool">The tool; <see langword="null"/> if the call itself asks, and no decision about it is wanted.</param>
/// <param name="Arguments">The arguments of the call.</param>
/// <param name="EffectKey">The effect key of the call.</param>
/// <param name="Form">The JSON schema of the answer.</param>
internal sealed record ToolQuestionDetails(string? Tool, System.Text.Json.JsonElement? Arguments, string? EffectKey, System.Text.Json.JsonElement Form)
{
    /// <summary>The place of <see cref="Form"/>, a JSON pointer.</summary>
    public const string FormPointer = "/form";
}

/// <summary>What people answer about tool calls: the members of an answer and the values of <c>decision</c>.</summary>
internal static class ToolDecisions
{
    public const string Decision = "decision";
    public const string Arguments = "arguments";
    public const string Reason = "reason";
    public const string Result = "result";

    /// <summary>Make the call.</summary>
    public const string Approve = "approve";

    /// <summary>Do not make it.</summary>
    public const string Refuse = "refuse";

    /// <summary>It has happened.</summary>
    public const string Happened = "happened";

    /// <summary>It has not happened: make it.</summary>
    public const string Repeat = "repeat";

    /// <summary>Let the node fail.</summary>
    public const string Fail = "fail";
}
