using Microsoft.Extensions.AI;
using Polyphony.Activities.Payloads;
using Polyphony.Core.Interpreter;
using Polyphony.Core.Ledger;
using Polyphony.Core.Workflows;

namespace Polyphony.Activities.Agents;

/// <summary>Says what a recorded answer means: an output, tool calls, or an error.</summary>
internal sealed class AnswerReader(PayloadValues values)
{
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
                UnpricedTurns: answer.CostUsd is null ? 1 : 0,
                EstimatedTurns: answer.IsEstimated ? 1 : 0),
            Provider = model.Provider,
            ResponseModel = answer.ResponseModel,
            FinishReason = answer.FinishReason,
            ProviderRequestId = answer.ProviderRequestId,
            FromLedger = fromLedger,
        };
        var recorded = RecordedAnswer.Read(answer.Content);
        var root = call.Scope.RootInstanceId;

        if (recorded.Refusal is not null || answer.FinishReason == ChatFinishReason.ContentFilter.Value)
        {
            return result with
            {
                Error = new CallError(ErrorCodes.ContentFilter, $"The model or its provider refused to answer: {recorded.Refusal ?? "content filter"}", ErrorKind.Terminal),
            };
        }

        if (recorded.ToolCalls.Count > 0)
        {
            var requests = new List<RequestedToolCall>();
            foreach (var request in recorded.ToolCalls)
            {
                requests.Add(new RequestedToolCall(request.Id, request.Name, await values.WriteAsync(root, request.Arguments, cancellationToken)));
            }

            return result with { ToolCalls = requests };
        }

        return agent.Output is null
            ? result with { Output = await values.WriteTextAsync(root, recorded.Text, cancellationToken) }
            : await ReadJsonAsync(call, agent, result, recorded.Text, cancellationToken);
    }

    private async Task<AgentCallResult> ReadJsonAsync(AgentCall call, AgentDefinition agent, AgentCallResult result, string text, CancellationToken cancellationToken)
    {
        var violations = AnswerJson.Find(text, agent.Output!, out var value);
        if (violations.Count == 0)
        {
            return result with { Output = await values.WriteAsync(call.Scope.RootInstanceId, value, cancellationToken) };
        }

        if (result.FinishReason == ChatFinishReason.Length.Value)
        {
            // To ask again would be cut off at the same place.
            return result with
            {
                Error = new CallError(
                    ErrorCodes.OutputInvalid,
                    $"The answer of agent \"{call.Agent}\" was cut off after {result.Usage.OutputTokens} tokens, before its JSON was complete. Raise \"maxOutputTokens\" of model \"{call.Model}\", or ask for less.",
                    ErrorKind.Terminal),
            };
        }

        violations = [.. violations.Take(MostViolations)];
        return result with
        {
            Error = new CallError(
                ErrorCodes.OutputInvalid, $"The answer of agent \"{call.Agent}\" does not fit its output schema: {string.Join("; ", violations)}", ErrorKind.Terminal),
            Invalid = new RepairRequest(await values.WriteTextAsync(call.Scope.RootInstanceId, text, cancellationToken), violations),
        };
    }

    // Enough for a model to see what is wrong, and for history to hold.
    private const int MostViolations = 20;
}
