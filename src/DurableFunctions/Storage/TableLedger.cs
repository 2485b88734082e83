using System.Collections.Concurrent;
using System.Text.Json;
using Azure;
using Azure.Data.Tables;
using Azure.Storage.Blobs.Models;
using Polyphony.Core.Ledger;
using Polyphony.DurableFunctions.Durable;

namespace Polyphony.DurableFunctions.Storage;

/// <summary>
/// Keeps the ledger in Table Storage: a partition for each instance, a row for each step. An answer too large for a row lies in the blob
/// <c>answers/INSTANCE/STEP/WRITE</c>.
/// </summary>
/// <remarks>
/// <para>Every change is made to the version that was read (ETag), so of two processes that run the same step one starts over from what the
/// other wrote. A call that goes well costs three writes, one of them for the sums (<see cref="UsageRows"/>): the process remembers what it wrote at the begin. Writes to one instance that come at
/// the same time share a request (<see cref="GroupCommit"/>).</para>
/// <para>A blob is written before the row that names it, under its own name, and removed after it: a row's answer is always there, and what a crash
/// leaves of it goes with the instance.</para>
/// </remarks>
/// <param name="table">The table.</param>
/// <param name="blobs">The container for large answers.</param>
/// <param name="timeProvider">The clock.</param>
internal sealed class TableLedger(TableStorage table, BlobStorage blobs, TimeProvider timeProvider) : ILedger
{
    private const int MaxRemembered = 10_000;
    private readonly GroupCommit _commits = new(table.WriteAsync);
    private readonly ConcurrentDictionary<string, Known> _known = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public async Task<LedgerEntry> BeginAsync(LedgerRequest request, CancellationToken cancellationToken = default)
    {
        var key = LedgerKey.Of(request.InstanceId, request.StepId);
        var row = _known.GetValueOrDefault(request.StepId)?.Row;
        while (true)
        {
            if (row is null)
            {
                var first = new LedgerEntry(request, null, 1, 0, null, timeProvider.GetUtcNow(), null);
                (var written, row) = await WriteAsync(key, first, null, cancellationToken);
                if (written)
                {
                    return first;
                }
            }

            if (await ChangeAsync(row, entry => entry.Answer is null ? Again(entry, request) : entry, cancellationToken) is { } begun)
            {
                await CountAsync(key, begun, cancellationToken);
                return begun;
            }

            row = null;
        }
    }

    /// <inheritdoc/>
    public async Task<LedgerAnswer> CompleteAsync(string stepId, LedgerAnswer answer, CancellationToken cancellationToken = default)
    {
        var now = timeProvider.GetUtcNow();
        var entry = await ChangeAsync(stepId, entry => entry.Answer is null ? entry with { Answer = answer, AnsweredTime = now } : entry, cancellationToken);
        await CountAsync(LedgerKey.Of(entry.Request.InstanceId, stepId), entry, cancellationToken);
        return entry.Answer!;
    }

    /// <inheritdoc/>
    public Task FailAsync(string stepId, string errorCode, CancellationToken cancellationToken = default) =>
        ChangeAsync(stepId, entry => entry with { Failed = entry.Failed + 1, LastError = errorCode }, cancellationToken);

    /// <inheritdoc/>
    public Task LeaveUnsettledAsync(string stepId, string errorCode, CancellationToken cancellationToken = default) =>
        ChangeAsync(stepId, entry => entry with { LastError = errorCode }, cancellationToken);

    /// <inheritdoc/>
    public async Task<LedgerEntry?> FindAsync(string instanceId, string stepId, CancellationToken cancellationToken = default) =>
        (await ReadAsync(LedgerKey.Of(instanceId, stepId), cancellationToken))?.Entry;

    /// <inheritdoc/>
    public async Task<IReadOnlyList<LedgerEntry>> ListAsync(string instanceId, CancellationToken cancellationToken = default)
    {
        var entities = new List<TableEntity>();
        await table.ReadAsync(TableStorage.FilterOf(LedgerKey.PartitionOf(instanceId)), null, entities.Add, cancellationToken);
        var entries = new LedgerEntry?[entities.Count];
        var options = new ParallelOptions { MaxDegreeOfParallelism = BlobStorage.Parallel, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, entities.Count, options, async (i, token) =>
            entries[i] = (await RowAsync(entities[i], token) ?? await ReadAsync(new LedgerKey(entities[i].PartitionKey, entities[i].RowKey), token))?.Entry);
        return [.. entries.OfType<LedgerEntry>().OrderBy(entry => entry.BegunTime).ThenBy(entry => entry.Request.StepId, StringComparer.Ordinal)];
    }

    /// <inheritdoc/>
    public async Task<LedgerTotals> GetTotalsAsync(string? instanceId = null, CancellationToken cancellationToken = default)
    {
        var totals = new LedgerTotals(0, 0, 0, 0, 0);
        var filter = instanceId is null ? null : TableStorage.FilterOf(LedgerKey.PartitionOf(instanceId));
        await table.ReadAsync(filter, LedgerRow.ColumnsOfSums, entity => totals = LedgerRow.Sum(totals, entity), cancellationToken);
        return totals;
    }

    /// <inheritdoc/>
    /// <remarks>Calls that are settled while this reads may be in both the unsettled and the answered ones, but never in neither.</remarks>
    public async Task<IReadOnlyList<UsageRow>> ReadUsageAsync(DateOnly from, DateOnly to, CancellationToken cancellationToken = default)
    {
        var sums = new Dictionary<UsageRow, UsageRow>();
        await table.ReadAsync(LedgerRow.FilterOfUnsettled(from, to), LedgerRow.ColumnsOfUnsettled, entity => Add(UsageRow.OfUnsettled(LedgerRow.UnsettledOf(entity)!)), cancellationToken);
        await table.ReadAsync(UsageRows.Filter(from, to), UsageRows.Columns, entity => Add(UsageRows.Read(entity)), cancellationToken);
        return [.. sums.Values];

        void Add(UsageRow row)
        {
            var of = new UsageRow { Day = row.Day, Workflow = row.Workflow, Agent = row.Agent, Provider = row.Provider, Model = row.Model };
            sums[of] = sums.GetValueOrDefault(of, of).Add(row);
        }
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<LedgerEntry>> ListUnsettledAsync(int top, CancellationToken cancellationToken = default)
    {
        // The oldest of those that are kept goes first.
        var newest = new PriorityQueue<LedgerEntry, DateTimeOffset>();
        await table.ReadAsync(LedgerRow.FilterOfUnsettled(), LedgerRow.ColumnsOfUnsettled, entity =>
        {
            var entry = LedgerRow.UnsettledOf(entity)!;
            if (newest.Count < top)
            {
                newest.Enqueue(entry, entry.BegunTime);
            }
            else
            {
                newest.EnqueueDequeue(entry, entry.BegunTime);
            }
        }, cancellationToken);
        return [.. newest.UnorderedItems.Select(item => item.Element).OrderByDescending(entry => entry.BegunTime).ThenBy(entry => entry.Request.StepId, StringComparer.Ordinal)];
    }

    /// <inheritdoc/>
    public async Task RemoveAsync(string instanceId, CancellationToken cancellationToken = default)
    {
        // Listed first and removed last: no row is ever without its answer, not even one that is begun meanwhile.
        var partition = LedgerKey.PartitionOf(instanceId);
        var answers = await blobs.ListAsync($"answers/{partition}/", BlobTraits.None, cancellationToken);
        var removals = new List<TableTransactionAction>();
        var unsettled = new List<TableTransactionAction>();
        await table.ReadAsync(
            TableStorage.FilterOf(partition),
            LedgerRow.ColumnsOfUnsettled,
            entity =>
            {
                removals.Add(new TableTransactionAction(TableTransactionActionType.Delete, new TableEntity(entity.PartitionKey, entity.RowKey), ETag.All));
                if (LedgerRow.UnsettledOf(entity) is { } entry)
                {
                    unsettled.Add(UsageRows.AddUnsettled(new LedgerKey(entity.PartitionKey, entity.RowKey), entry));
                }
            },
            cancellationToken);
        await _commits.WriteAsync(unsettled, cancellationToken);
        await _commits.WriteAsync(removals, cancellationToken);
        var options = new ParallelOptions { MaxDegreeOfParallelism = BlobStorage.Parallel, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(answers, options, async (blob, token) => await blobs.Blob(blob.Name).DeleteIfExistsAsync(cancellationToken: token));
        foreach (var (stepId, known) in _known)
        {
            if (known.Key.Partition == partition)
            {
                _known.TryRemove(stepId, out _);
            }
        }
    }

    // The question of the latest attempt stands, because its answer is the one that will be recorded.
    private static LedgerEntry Again(LedgerEntry entry, LedgerRequest request) => entry with
    {
        Request = entry.Request with { Model = request.Model, RequestHash = request.RequestHash, Provider = request.Provider, Deployment = request.Deployment },
        Begun = entry.Begun + 1,
    };

    /// <summary>Counts an answered call among what was used, unless it is counted already.</summary>
    private async Task CountAsync(LedgerKey key, LedgerEntry entry, CancellationToken cancellationToken)
    {
        if (entry is { Request.IsToolCall: false, Answer: not null })
        {
            await _commits.WriteAsync(UsageRows.Add(key, entry), cancellationToken);
        }
    }

    // An answer comes to the process that began the call; a step id begins with the instance that is charged, should it be another.
    private async Task<LedgerEntry> ChangeAsync(string stepId, Func<LedgerEntry, LedgerEntry> change, CancellationToken cancellationToken)
    {
        var known = _known.GetValueOrDefault(stepId);
        var row = known?.Row ?? await ReadAsync(known?.Key ?? LedgerKey.Of(stepId.Split('/')[0], stepId), cancellationToken);
        return await ChangeAsync(row, change, cancellationToken)
            ?? throw new PolyphonyException("ledger_step_unknown", $"Step \"{stepId}\" was never begun, or its instance was purged.");
    }

    /// <returns>The changed entry, or <see langword="null"/> if there is none.</returns>
    private async Task<LedgerEntry?> ChangeAsync(LedgerRow? row, Func<LedgerEntry, LedgerEntry> change, CancellationToken cancellationToken)
    {
        while (row is not null)
        {
            var changed = change(row.Entry);
            if (ReferenceEquals(changed, row.Entry))
            {
                return changed;
            }

            (var written, row) = await WriteAsync(row.Key, changed, row, cancellationToken);
            if (written)
            {
                return changed;
            }
        }

        return null;
    }

    /// <summary>Writes a new row, or over the version of it that is known.</summary>
    /// <returns>Whether it was written, and what is there now.</returns>
    private async Task<(bool Written, LedgerRow? Row)> WriteAsync(LedgerKey key, LedgerEntry entry, LedgerRow? over, CancellationToken cancellationToken)
    {
        var stepId = entry.Request.StepId;
        var row = new LedgerRow(key, entry, over?.Version ?? default, Guid.NewGuid(), over?.AnswerBlob);
        var adds = over?.Entry.Answer is null && entry.Answer is { } answer && !LedgerRow.Fits(answer);
        if (adds)
        {
            row = row with { AnswerBlob = $"answers/{key.Partition}/{key.Row}/{row.Write:N}" };
            await blobs.TryCreateAsync(row.AnswerBlob!, new BinaryData(JsonSerializer.SerializeToUtf8Bytes(entry.Answer!, FunctionsJsonContext.Default.LedgerAnswer)), null, cancellationToken);
        }

        var write = over is null
            ? new TableTransactionAction(TableTransactionActionType.Add, row.ToEntity())
            : new TableTransactionAction(TableTransactionActionType.UpdateReplace, row.ToEntity(), over.Version);
        if (await _commits.WriteAsync(write, cancellationToken) is { } version)
        {
            row = row with { Version = version };
            Remember(stepId, row);
            return (true, row);
        }

        // Somebody else has changed it. Or this write has: when a response is lost, the client sends the request again and is refused.
        _known.TryRemove(stepId, out _);
        var found = await ReadAsync(key, cancellationToken);
        if (adds && found?.AnswerBlob != row.AnswerBlob)
        {
            await blobs.Blob(row.AnswerBlob!).DeleteIfExistsAsync(cancellationToken: cancellationToken);
        }

        return (found?.Write == row.Write, found);
    }

    private async Task<LedgerRow?> ReadAsync(LedgerKey key, CancellationToken cancellationToken)
    {
        for (ETag? before = null; ;)
        {
            if (await table.TryReadAsync(key.Partition, key.Row, cancellationToken) is not { } entity)
            {
                return null;
            }

            if (await RowAsync(entity, cancellationToken) is { } row)
            {
                Remember(row.Entry.Request.StepId, row);
                return row;
            }

            // Answers are removed after their rows, so the row is gone by now; unless somebody has removed the blob by hand.
            if (before == entity.ETag)
            {
                throw new PolyphonyException(
                    "ledger_answer_lost",
                    $"The answer of step \"{entity.GetString("StepId")}\" is recorded, but its blob \"{LedgerRow.AnswerBlobOf(entity)}\" is not there. Put it back, or purge the instance.");
            }

            before = entity.ETag;
        }
    }

    /// <returns>The row with its answer, or <see langword="null"/> if the answer's blob is not there.</returns>
    private async Task<LedgerRow?> RowAsync(TableEntity entity, CancellationToken cancellationToken)
    {
        if (LedgerRow.AnswerBlobOf(entity) is not { } blob)
        {
            return LedgerRow.From(entity, null);
        }

        return await blobs.TryReadAsync(blob, cancellationToken) is { } found
            ? LedgerRow.From(entity, JsonSerializer.Deserialize(found.Content.ToMemory().Span, FunctionsJsonContext.Default.LedgerAnswer))
            : null;
    }

    private void Remember(string stepId, LedgerRow row)
    {
        if (_known.Count >= MaxRemembered)
        {
            // Whatever is forgotten is read when it is needed.
            _known.Clear();
        }

        // Answered steps are done with, and answers are large.
        _known[stepId] = new Known(row.Key, row.Entry.Answer is null ? row : null);
    }

    /// <param name="Key">Where the step lies.</param>
    /// <param name="Row">What this process wrote or read last, while there is no answer.</param>
    private sealed record Known(LedgerKey Key, LedgerRow? Row);
}
