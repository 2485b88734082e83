using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Azure;
using Azure.Storage.Blobs.Models;
using Polyphony.Core;
using Polyphony.Core.Ledger;
using Polyphony.Functions.Durable;

namespace Polyphony.Functions.Storage;

/// <summary>Keeps the ledger in Blob Storage: <c>ledger/INSTANCE/STEP</c> holds one step as JSON, with its sums as metadata.</summary>
/// <remarks>
/// Every change is made to the version that was read (ETag), so of two processes that run the same step one starts over from what the
/// other wrote. A call that goes well costs two requests: the process remembers what it wrote at the begin.
/// </remarks>
/// <param name="storage">The container.</param>
/// <param name="timeProvider">Where time comes from.</param>
public sealed class BlobLedger(BlobStorage storage, TimeProvider timeProvider) : ILedger
{
    private const int MaxRemembered = 10_000;
    private readonly ConcurrentDictionary<string, Known> _known = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public async Task<LedgerEntry> BeginAsync(LedgerRequest request, CancellationToken cancellationToken = default)
    {
        var name = Name(request.InstanceId, request.StepId);
        while (true)
        {
            // An answer that is remembered may have been purged by another process since.
            if (!_known.TryGetValue(request.StepId, out var known) || known.Entry.Answer is not null)
            {
                _known.TryRemove(request.StepId, out _);
                var first = new LedgerEntry(request, null, 1, 0, null, timeProvider.GetUtcNow(), null);
                if (await storage.TryCreateAsync(name, Json(first), Sums(first), cancellationToken) is { } created)
                {
                    Remember(new Known(name, first, created));
                    return first;
                }
            }

            if (await ChangeAsync(request.StepId, name, entry => entry.Answer is null ? entry with { Begun = entry.Begun + 1 } : entry, cancellationToken) is { } begun)
            {
                return begun;
            }
        }
    }

    /// <inheritdoc/>
    public async Task<LedgerAnswer> CompleteAsync(string stepId, LedgerAnswer answer, CancellationToken cancellationToken = default)
    {
        var now = timeProvider.GetUtcNow();
        var entry = await ChangeAsync(
            stepId, NameOf(stepId), entry => entry.Answer is null ? entry with { Answer = answer, AnsweredTime = now } : entry, cancellationToken);
        return entry?.Answer ?? throw Unknown(stepId);
    }

    /// <inheritdoc/>
    public async Task FailAsync(string stepId, string errorCode, CancellationToken cancellationToken = default) =>
        _ = await ChangeAsync(stepId, NameOf(stepId), entry => entry with { Failed = entry.Failed + 1, LastError = errorCode }, cancellationToken) ?? throw Unknown(stepId);

    /// <inheritdoc/>
    public async Task LeaveUnsettledAsync(string stepId, string errorCode, CancellationToken cancellationToken = default) =>
        _ = await ChangeAsync(stepId, NameOf(stepId), entry => entry with { LastError = errorCode }, cancellationToken) ?? throw Unknown(stepId);

    /// <inheritdoc/>
    public async Task<IReadOnlyList<LedgerEntry>> ListAsync(string instanceId, CancellationToken cancellationToken = default)
    {
        var blobs = await storage.ListAsync(Prefix(instanceId), BlobTraits.None, cancellationToken);
        var entries = new LedgerEntry?[blobs.Count];
        var options = new ParallelOptions { MaxDegreeOfParallelism = BlobStorage.Parallel, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, blobs.Count, options, async (i, token) =>
            entries[i] = await storage.TryReadAsync(blobs[i].Name, token) is { } found ? Entry(found.Content) : null);
        return [.. entries.OfType<LedgerEntry>().OrderBy(entry => entry.BegunTime).ThenBy(entry => entry.Request.StepId, StringComparer.Ordinal)];
    }

    /// <inheritdoc/>
    public async Task<LedgerTotals> GetTotalsAsync(string? instanceId = null, CancellationToken cancellationToken = default)
    {
        var totals = new LedgerTotals(0, 0, 0, 0, 0);
        foreach (var blob in await storage.ListAsync(instanceId is null ? "ledger/" : Prefix(instanceId), BlobTraits.Metadata, cancellationToken))
        {
            decimal Sum(string name) => blob.Metadata.TryGetValue(name, out var text) ? decimal.Parse(text, CultureInfo.InvariantCulture) : 0;
            totals = new LedgerTotals(
                totals.Steps + (long)Sum("answered"),
                totals.InputTokens + (long)Sum("inputtokens"),
                totals.OutputTokens + (long)Sum("outputtokens"),
                totals.CostUsd + Sum("costusd"),
                totals.Unsettled + (long)Sum("unsettled"));
        }

        return totals;
    }

    /// <inheritdoc/>
    public async Task RemoveAsync(string instanceId, CancellationToken cancellationToken = default)
    {
        var options = new ParallelOptions { MaxDegreeOfParallelism = BlobStorage.Parallel, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(
            await storage.ListAsync(Prefix(instanceId), BlobTraits.None, cancellationToken),
            options,
            async (blob, token) => await storage.Blob(blob.Name).DeleteIfExistsAsync(cancellationToken: token));
        foreach (var (stepId, known) in _known)
        {
            if (known.Entry.Request.InstanceId == instanceId)
            {
                _known.TryRemove(stepId, out _);
            }
        }
    }

    private static string Prefix(string instanceId) => $"ledger/{instanceId}/";

    // Step ids hold characters that names of blobs may not, and may be longer.
    private static string Name(string instanceId, string stepId) => $"{Prefix(instanceId)}{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(stepId)).AsSpan(0, 16))}";

    private static BinaryData Json(LedgerEntry entry) => new(JsonSerializer.SerializeToUtf8Bytes(entry, FunctionsJsonContext.Default.LedgerEntry));

    private static LedgerEntry Entry(BinaryData json) => JsonSerializer.Deserialize(json.ToMemory().Span, FunctionsJsonContext.Default.LedgerEntry)!;

    private static Dictionary<string, string> Sums(LedgerEntry entry)
    {
        var sums = new Dictionary<string, string>(StringComparer.Ordinal) { ["unsettled"] = Text(entry.Unsettled) };
        if (entry.Answer is { } answer)
        {
            (sums["answered"], sums["inputtokens"], sums["outputtokens"], sums["costusd"]) =
                ("1", Text(answer.InputTokens), Text(answer.OutputTokens), Text(answer.CostUsd ?? 0));
        }

        return sums;

        static string Text(decimal number) => number.ToString(CultureInfo.InvariantCulture);
    }

    // An answer comes to the process that began the call; a step id begins with the instance that is charged, should it be another.
    private string NameOf(string stepId) => _known.TryGetValue(stepId, out var known) ? known.Name : Name(stepId.Split('/')[0], stepId);

    private static PolyphonyException Unknown(string stepId) => new("ledger_step_unknown", $"Step \"{stepId}\" was never begun, or its instance was purged.");

    /// <returns>The changed entry, or <see langword="null"/> if there is none.</returns>
    private async Task<LedgerEntry?> ChangeAsync(string stepId, string name, Func<LedgerEntry, LedgerEntry> change, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (!_known.TryGetValue(stepId, out var known))
            {
                if (await storage.TryReadAsync(name, cancellationToken) is not { } found)
                {
                    return null;
                }

                known = new Known(name, Entry(found.Content), found.Details.ETag);
                Remember(known);
            }

            var changed = change(known.Entry);
            if (ReferenceEquals(changed, known.Entry))
            {
                return changed;
            }

            if (await storage.TryReplaceAsync(name, Json(changed), Sums(changed), known.Version, cancellationToken) is { } version)
            {
                Remember(new Known(name, changed, version));
                return changed;
            }

            // Somebody else has changed it: read it anew.
            _known.TryRemove(new KeyValuePair<string, Known>(stepId, known));
        }
    }

    private void Remember(Known known)
    {
        if (_known.Count >= MaxRemembered)
        {
            foreach (var (stepId, settled) in _known)
            {
                if (settled.Entry.Answer is not null)
                {
                    _known.TryRemove(stepId, out _);
                }
            }
        }

        _known[known.Entry.Request.StepId] = known;
    }

    private sealed record Known(string Name, LedgerEntry Entry, ETag Version);
}
