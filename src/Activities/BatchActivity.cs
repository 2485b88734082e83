using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Polyphony.Activities.Agents;
using Polyphony.Activities.Payloads;
using Polyphony.Activities.Tools;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Activities;

/// <summary>
/// Makes several calls at once, each as if it were alone: with its own entry in the ledger, its own error. What they come to has to fit one message: large values go to the
/// payload store, messages of errors are shortened, and an answer of a model that does not fit even so is left out, to be asked for alone. It is in the ledger, and costs nothing then.
/// </summary>
internal sealed class BatchActivity(ModelCallActivity agent, ToolActivity tool, PayloadValues values)
{
    /// <summary>Values above this are stored when the results together are too large.</summary>
    private const int SmallBytes = 256;

    /// <summary>Up to how much the results may take in all: what is around them needs some room.</summary>
    private const int MaxBytes = DurableLimits.MaxPayloadBytes - 1024;

    /// <summary>To how many characters messages of errors are shortened, one after the other, while the results together are too large. Fifty of the last fit in any script.</summary>
    private static readonly int[] MessageLengths = [500, 100];

    public async Task<AgentCallResult?[]> RunAgentsAsync(AgentCall[] calls, CancellationToken cancellationToken)
    {
        AgentCallResult?[] results = await Task.WhenAll(calls.Select(call => agent.RunAsync(call, cancellationToken)));
        return await FitAsync(
            results,
            CoreJsonContext.Default.AgentCallResult,
            async (i, result) => result.Output is { } output ? result with { Output = await StoreAsync(calls[i].Scope, output, cancellationToken) } : result,
            (result, length) => result.Error is { } error ? result with { Error = Shorten(error, length) } : result,
            mayLeaveOut: true);
    }

    public async Task<ToolCallResult?[]> RunToolsAsync(ToolCall[] calls, CancellationToken cancellationToken)
    {
        ToolCallResult?[] results = await Task.WhenAll(calls.Select(call => tool.RunAsync(call, cancellationToken)));
        return await FitAsync(
            results,
            CoreJsonContext.Default.ToolCallResult,
            async (i, result) => result.Output is { } output ? result with { Output = await StoreAsync(calls[i].Scope, output, cancellationToken) } : result,
            (result, length) => result switch
            {
                { Error: { } error } => result with { Error = Shorten(error, length) },
                { Question: { } question } => result with { Question = question with { Prompt = PendingWait.Shorten(question.Prompt, length) } },
                _ => result,
            },
            mayLeaveOut: false);
    }

    private static CallError Shorten(CallError error, int length) => error with { Message = ErrorText.Shorten(error.Message, length) };

    private async Task<Payload> StoreAsync(CallScope scope, Payload value, CancellationToken cancellationToken) =>
        value is { IsInline: true, Json: { } json } && json.GetRawText().Length > SmallBytes
            ? await values.StoreAsync(scope.RootInstanceId, json, cancellationToken)
            : value;

    private static async Task<T?[]> FitAsync<T>(T?[] results, JsonTypeInfo<T> type, Func<int, T, Task<T>> store, Func<T, int, T> shorten, bool mayLeaveOut)
        where T : class
    {
        var sizes = results.Select(result => JsonSerializer.SerializeToUtf8Bytes(result!, type).Length + 1).ToArray();
        foreach (var i in Enumerable.Range(0, results.Length).OrderByDescending(i => sizes[i]).ToList())
        {
            if (sizes.Sum() <= MaxBytes)
            {
                break;
            }

            results[i] = await store(i, results[i]!);
            sizes[i] = JsonSerializer.SerializeToUtf8Bytes(results[i]!, type).Length + 1;
        }

        foreach (var length in MessageLengths)
        {
            for (var i = 0; i < results.Length && sizes.Sum() > MaxBytes; i++)
            {
                results[i] = shorten(results[i]!, length);
                sizes[i] = JsonSerializer.SerializeToUtf8Bytes(results[i]!, type).Length + 1;
            }
        }

        for (var i = results.Length - 1; mayLeaveOut && i >= 0 && sizes.Sum() > MaxBytes; i--)
        {
            results[i] = null;
            sizes[i] = 5;
        }

        return results;
    }
}
