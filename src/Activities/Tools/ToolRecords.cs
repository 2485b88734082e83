using System.Text.Json;
using Microsoft.Extensions.Logging;
using Polyphony.Activities.Payloads;
using Polyphony.Core.Json;
using Polyphony.Core.Ledger;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Tools;

/// <summary>What the ledger knows of tool calls, and what they have come to.</summary>
/// <param name="values">The payloads.</param>
/// <param name="ledger">The ledger.</param>
/// <param name="log">The log.</param>
internal sealed class ToolRecords(PayloadValues values, ILedger ledger, ILogger log)
{
    /// <summary>More than this many bytes of what is written to the state goes to the payload store.</summary>
    private const int MaxWrittenBytes = 1_024;

    /// <summary>Finds what a call has ended with before.</summary>
    /// <param name="call">The call.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The result; <see langword="null"/> if no end is recorded.</returns>
    public async Task<ToolCallResult?> FindAsync(ToolCall call, CancellationToken cancellationToken)
    {
        if (await ledger.FindAsync(call.Scope.RootInstanceId, call.StepId, cancellationToken) is not { Answer: { } recorded })
        {
            return null;
        }

        log.ToolCallReused(call.StepId, call.Tool);
        return Read(recorded);
    }

    /// <summary>
    /// Finds whether nobody has decided on a call: what has ended is not approved again, nor is one that was begun with these arguments. One that was begun with those that a person had put in
    /// their place is, for they are not known any more.
    /// </summary>
    public async Task<bool> IsUndecidedAsync(ToolCall call, JsonElement arguments, CancellationToken cancellationToken) =>
        await ledger.FindAsync(call.Scope.RootInstanceId, call.StepId, cancellationToken) is not { } entry
        || (entry.Answer is null && (entry.Unsettled == 0 || entry.Request.RequestHash != ToolRequest.HashOf(arguments)));

    /// <summary>Records that earlier begins of a call have come to nothing.</summary>
    public async Task SettleAsync(ToolCall call, int count)
    {
        for (var i = 0; i < count; i++)
        {
            await ledger.FailAsync(call.StepId, ErrorCodes.ToolInDoubt, CancellationToken.None);
        }
    }

    /// <summary>Records the end of a call that nobody else can have begun. What was recorded before stands.</summary>
    public async Task<ToolCallResult> EndAsync(ToolRequest request, ToolCallResult result, CancellationToken cancellationToken)
    {
        var entry = await ledger.BeginAsync(request.Step, cancellationToken);
        if (entry.Answer is { } recorded)
        {
            return Read(recorded);
        }

        await SettleAsync(request.Call, entry.Unsettled - 1);
        return await EndAsync(request.Call, result);
    }

    /// <summary>Records what a call has returned. Not cancelled any more: it has happened, and this is the moment to keep it.</summary>
    public async Task<ToolCallResult> EndAsync(ToolRequest request, object? returned, StateChange? written = null)
    {
        ToolCallResult result;
        try
        {
            result = new ToolCallResult(await values.WriteAsync(request.Call.Scope.RootInstanceId, ToolFunctions.ToJson(request.Tool.Function, returned), CancellationToken.None))
            {
                Note = request.Note,
                Written = await StoreAsync(request.Call, written ?? StateChange.None),
            };
        }
        catch (Exception exception)
        {
            result = Failed(request.Call, new CallError(
                ErrorCodes.ToolFailed, $"The tool \"{request.Call.Tool}\" has returned, but its result can't be kept: {exception.Message}", ErrorKind.Terminal));
        }

        return await EndAsync(request.Call, result);
    }

    /// <summary>Moves what is written to the state to the payload store where it is large.</summary>
    private async Task<IReadOnlyDictionary<string, IReadOnlyList<Payload>>?> StoreAsync(ToolCall call, StateChange written)
    {
        var all = written.Values.Sum(value => value.Value.Bytes);
        var kept = new Dictionary<string, IReadOnlyList<Payload>>(StringComparer.Ordinal);
        foreach (var (name, value) in written.Values)
        {
            var parts = new List<Payload>();
            foreach (var part in value.Parts)
            {
                parts.Add(all > MaxWrittenBytes && part.Json is { ValueKind: JsonValueKind.Array or JsonValueKind.Object } json
                    ? await values.StoreAsync(call.Scope.RootInstanceId, json, CancellationToken.None)
                    : part);
            }

            kept[name] = parts;
        }

        return kept.Count == 0 ? null : kept;
    }

    public async Task<ToolCallResult> EndAsync(ToolCall call, ToolCallResult result)
    {
        var answer = new LedgerAnswer { Content = JsonSerializer.Serialize(result, CoreJsonContext.Default.ToolCallResult) };
        var stands = Read(await ledger.CompleteAsync(call.StepId, answer, CancellationToken.None));
        log.ToolCallReturned(call.StepId, stands.Output is { } output ? output.Reference?.Bytes ?? output.Json?.GetRawText().Length ?? 0 : 0);
        return stands;
    }

    public static ToolCallResult Read(LedgerAnswer answer) => JsonSerializer.Deserialize(answer.Content, CoreJsonContext.Default.ToolCallResult)!;

    public ToolCallResult Failed(ToolCall call, CallError error)
    {
        error = ErrorText.Shorten(error);
        log.ToolCallFailed(call.StepId, call.Tool, error.Code, error.Kind);
        log.ToolCallFailedBecause(call.StepId, error.Message);
        return new ToolCallResult(null, error);
    }
}
