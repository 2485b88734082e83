using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Payloads;
using Polyphony.Activities.Tools;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Ledger;
using Polyphony.Core.Nodes.Teams;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Agents;

/// <summary>Says what a recorded answer means: an output, tool calls, or an error.</summary>
internal sealed class AnswerReader(PayloadValues values)
{
    // More goes to the payload store: a conversation keeps it for all its rounds.
    private const int MostBesideInline = 256;

    /// <summary>Reads an answer.</summary>
    /// <returns>What it means. A record that can't be read is an error, not an exception: the usage is booked, and the model is asked again instead of the record being read forever.</returns>
    public async Task<AgentCallResult> ReadAsync(
        AgentCall call, AgentDefinition agent, ModelDefinition model, LedgerAnswer answer, bool fromLedger, CancellationToken cancellationToken)
    {
        var result = new AgentCallResult
        {
            Usage = new Usage(
                1,
                answer.InputTokens,
                answer.OutputTokens,
                answer.CostUsd ?? 0,
                answer.CachedInputTokens,
                UnpricedCalls: answer.CostUsd is null ? 1 : 0,
                EstimatedCalls: answer.IsEstimated ? 1 : 0),
            Provider = model.Provider,
            ResponseModel = answer.ResponseModel,
            FinishReason = answer.FinishReason,
            ProviderRequestId = answer.ProviderRequestId,
            FromLedger = fromLedger,
        };
        try
        {
            var recorded = RecordedAnswer.Read(answer.Content);
            result = recorded.Replaced > 0 ? result with { Usage = result.Usage with { ReplacedCalls = 1 } } : result;
            return await ReadAsync(call, agent, result, recorded, cancellationToken);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or KeyNotFoundException or ArgumentException or FormatException or NotSupportedException)
        {
            return result with
            {
                Error = new CallError(
                    ErrorCodes.ProviderInvalidAnswer, $"The answer of agent \"{call.Agent}\", as the ledger has it, could not be read: {exception.Message}", ErrorKind.Transient),
            };
        }
    }

    private async Task<AgentCallResult> ReadAsync(AgentCall call, AgentDefinition agent, AgentCallResult result, RecordedAnswer recorded, CancellationToken cancellationToken)
    {
        var root = call.Scope.RootInstanceId;
        if (recorded.Refusal is not null || result.FinishReason == ChatFinishReason.ContentFilter.Value)
        {
            return result with
            {
                Error = new CallError(ErrorCodes.ContentFilter, $"The model or its provider refused to answer: {recorded.Refusal ?? "content filter"}", ErrorKind.Terminal),
            };
        }

        if (recorded.ToolCalls.Count > 0)
        {
            return await ReadToolCallsAsync(
                call, agent, result with { Beside = await BesideAsync(root, recorded, cancellationToken) }, recorded.ToolCalls, recorded.Text, cancellationToken);
        }

        var isOnlyThoughts = AnswerJson.IsOnlyThoughts(recorded.Text);
        if (isOnlyThoughts || string.IsNullOrWhiteSpace(recorded.Text))
        {
            return result with { Error = Empty(call, result, recorded with { HasThoughts = recorded.HasThoughts || isOnlyThoughts }) };
        }

        return agent.Output is null
            ? Marked(result) with { Output = await values.WriteTextAsync(call.Scope.RootInstanceId, recorded.Text, cancellationToken) }
            : await ReadJsonAsync(call, agent, result, recorded.Text, cancellationToken);
    }

    private async Task<Payload?> BesideAsync(string root, RecordedAnswer recorded, CancellationToken cancellationToken) =>
        BesideCalls.Of(recorded) is not { } beside ? null
        : beside.GetRawText().Length > MostBesideInline ? await values.StoreAsync(root, beside, cancellationToken)
        : await values.WriteAsync(root, beside, cancellationToken);

    private static CallError Empty(AgentCall call, AgentCallResult result, RecordedAnswer recorded)
    {
        if (result.FinishReason != ChatFinishReason.Length.Value)
        {
            return new CallError(
                ErrorCodes.EmptyAnswer,
                $"The answer of agent \"{call.Agent}\" has neither text nor a tool call{(recorded.HasThoughts ? ", only what the model thought before it (reasoning_content or a think block)" : "")}; it ended with \"{result.FinishReason ?? "nothing"}\".",
                ErrorKind.Transient);
        }

        // To ask again would be cut off at the same place.
        return new CallError(
            ErrorCodes.EmptyAnswer,
            $"The answer of agent \"{call.Agent}\" was cut off after {Tokens(result)}, before there was any text{(recorded.HasThoughts ? ": they went into what the model thought before it (reasoning_content or a think block)" : "")}. Raise \"maxOutputTokens\" of model \"{call.Model}\", or ask for less.",
            ErrorKind.Terminal);
    }

    private static string Tokens(AgentCallResult result) => result.Usage.OutputTokens > 0 ? $"{result.Usage.OutputTokens} tokens" : "its limit of tokens";

    /// <summary>Reads requests for tools. Their arguments go to the payload store when together they are more than a message may be.</summary>
    private async Task<AgentCallResult> ReadToolCallsAsync(
        AgentCall call, AgentDefinition agent, AgentCallResult result, IReadOnlyList<RecordedToolCall> recorded, string text, CancellationToken cancellationToken)
    {
        if (recorded.Count > AgentDefinition.MostToolCalls)
        {
            return result with { Error = TooMany($"{recorded.Count:N0} tool calls at once; at most {AgentDefinition.MostToolCalls} are made") };
        }

        var isMuch = recorded.Sum(request => request.Arguments.GetRawText().Length) > MostArgumentsInPlace;
        var requests = new List<RequestedToolCall>();
        foreach (var request in recorded)
        {
            if (StrictJson.FindProblem(request.Arguments) is { } problem)
            {
                return result with
                {
                    Error = new CallError(ErrorCodes.ToolArgumentsInvalid, $"Agent \"{call.Agent}\" gave arguments for the tool \"{request.Name}\" that cannot be passed on: {problem}.", ErrorKind.Terminal),
                };
            }

            var root = call.Scope.RootInstanceId;
            var isSmall = !isMuch || request.Arguments.GetRawText().Length <= SmallArguments;
            requests.Add(new RequestedToolCall(request.Id, ToolNames.FromModel(request.Name, agent.Tools), isSmall
                ? await values.WriteAsync(root, request.Arguments, cancellationToken)
                : await values.StoreAsync(root, request.Arguments, cancellationToken)));
        }

        var isHandoff = requests is [{ Tool: HandoffTool.Name }] && !string.IsNullOrWhiteSpace(text) && !AnswerJson.IsOnlyThoughts(text);
        var whole = result with { ToolCalls = requests, HandoffText = isHandoff ? await values.WriteTextAsync(call.Scope.RootInstanceId, text, cancellationToken) : null };
        var bytes = JsonSerializer.SerializeToUtf8Bytes(whole, CoreJsonContext.Default.AgentCallResult).Length;
        return bytes <= MostBytes ? whole : result with { Error = TooMany($"{recorded.Count:N0} tool calls at once, with names and ids of {bytes:N0} bytes; {MostBytes:N0} are the most") };

        CallError TooMany(string found) => new(
            ErrorCodes.TooManyToolCalls, $"Agent \"{call.Agent}\" asked for {found}. Tell it to ask for less at a time.", ErrorKind.Terminal);
    }

    // JSON that fits is whole, whatever the provider says of it; a text may end anywhere.
    private static AgentCallResult Marked(AgentCallResult result) =>
        result.FinishReason == FinishReasons.Length ? result with { Usage = result.Usage with { CutOffCalls = 1 } } : result;

    private async Task<AgentCallResult> ReadJsonAsync(AgentCall call, AgentDefinition agent, AgentCallResult result, string text, CancellationToken cancellationToken)
    {
        var violations = AnswerJson.Find(text, agent.Output!, out var value);
        if (violations.Count == 0)
        {
            // Half a character within JSON that is written in a text shows only where that is read.
            var isReplaced = HasReplacement(value.GetRawText()) && !HasReplacement(text);
            return result with
            {
                Output = await values.WriteAsync(call.Scope.RootInstanceId, value, cancellationToken),
                Usage = isReplaced ? result.Usage with { ReplacedCalls = 1 } : result.Usage,
            };
        }

        if (result.FinishReason == ChatFinishReason.Length.Value)
        {
            // To ask again would be cut off at the same place.
            return result with
            {
                Error = new CallError(
                    ErrorCodes.OutputInvalid,
                    $"The answer of agent \"{call.Agent}\" was cut off after {Tokens(result)}, before its JSON was complete. Raise \"maxOutputTokens\" of model \"{call.Model}\", or ask for less.",
                    ErrorKind.Terminal),
            };
        }

        violations = [.. violations.Take(MostViolations).Select(violation => ErrorText.Shorten(violation, LongestViolation))];
        return result with
        {
            Error = new CallError(
                ErrorCodes.OutputInvalid, $"The answer of agent \"{call.Agent}\" does not fit its output schema: {string.Join("; ", violations)}", ErrorKind.Terminal),
            Invalid = new RepairRequest(await values.WriteTextAsync(call.Scope.RootInstanceId, text, cancellationToken), violations),
        };
    }

    private static bool HasReplacement(string text) => text.Contains('\uFFFD', StringComparison.Ordinal) || text.Contains("\\ufffd", StringComparison.OrdinalIgnoreCase);

    // Enough for a model to see what is wrong, and for history to hold.
    private const int MostViolations = 20;
    private const int LongestViolation = 300;

    // What an answer's requests for tools may be in place; above it all but the small ones are stored.
    private const int MostArgumentsInPlace = 16 * 1024;
    private const int SmallArguments = 160;
    private const int MostBytes = DurableLimits.MaxPayloadBytes - 4 * 1024;
}
