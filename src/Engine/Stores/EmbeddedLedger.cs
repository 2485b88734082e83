using System.Text.Json;
using Polyphony.Core.Json;
using Polyphony.Core.Ledger;
using Polyphony.Engine.Runtime;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Stores;

/// <summary>The ledger in the data file: one row per model call and per tool call. A tool call has no agent.</summary>
internal sealed class EmbeddedLedger(Kernel kernel) : ILedger
{
    private const string Columns = "step, instance, agent, model, request_hash, answer, begun, failed, last_error, begun_at, answered_at, workflow, provider, deployment";

    // As the index "ledger_unsettled" has it, or it would not be used.
    private const string Unsettled = "agent <> '' AND begun > failed + (answered_at IS NOT NULL)";

    public async Task<LedgerEntry> BeginAsync(LedgerRequest request, CancellationToken cancellationToken = default)
    {
        var now = kernel.Clock.GetUtcNow();
        return await StoreRecord<LedgerEntry>.RunAsync(kernel, writer =>
        {
            if (Find(writer, request.StepId) is not { } entry)
            {
                writer.Statement("INSERT INTO ledger(step, instance, agent, model, request_hash, begun, failed, begun_at, workflow, provider, deployment) VALUES(?1, ?2, ?3, ?4, ?5, 1, 0, ?6, ?7, ?8, ?9)")
                    .Bind(1, request.StepId).Bind(2, request.InstanceId).Bind(3, request.Agent).Bind(4, request.Model).Bind(5, request.RequestHash).Bind(6, now.UtcTicks)
                    .Bind(7, request.Workflow).Bind(8, request.Provider).Bind(9, request.Deployment).Step();
                return new LedgerEntry(request, null, 1, 0, null, new DateTimeOffset(now.UtcTicks, TimeSpan.Zero), null);
            }

            if (entry.Answer is not null)
            {
                return entry;
            }

            // The question of the latest attempt stands, because its answer is the one that will be recorded.
            writer.Statement("UPDATE ledger SET begun = begun + 1, model = ?2, request_hash = ?3, provider = ?4, deployment = ?5 WHERE step = ?1")
                .Bind(1, request.StepId).Bind(2, request.Model).Bind(3, request.RequestHash).Bind(4, request.Provider).Bind(5, request.Deployment).Step();
            return entry with { Request = request with { InstanceId = entry.Request.InstanceId, Agent = entry.Request.Agent, Workflow = entry.Request.Workflow }, Begun = entry.Begun + 1 };
        }, cancellationToken);
    }

    public async Task<LedgerAnswer> CompleteAsync(string stepId, LedgerAnswer answer, CancellationToken cancellationToken = default)
    {
        var now = kernel.Clock.GetUtcNow();
        var stands = await StoreRecord<LedgerAnswer?>.RunAsync(kernel, writer =>
        {
            var json = JsonSerializer.Serialize(answer, CoreJsonContext.Default.LedgerAnswer);
            writer.Statement("UPDATE ledger SET answer = ?2, answered_at = ?3 WHERE step = ?1 AND answer IS NULL")
                .Bind(1, stepId).Bind(2, json).Bind(3, now.UtcTicks).Step();
            if (writer.Database.Changes == 0)
            {
                return Find(writer, stepId)?.Answer;
            }

            if (Find(writer, stepId)!.Request is { IsToolCall: false } request)
            {
                UsageTable.Add(writer, UsageRow.Of(request, answer, now));
            }

            return answer;
        }, cancellationToken);
        return stands ?? throw NotBegun(stepId);
    }

    public Task FailAsync(string stepId, string errorCode, CancellationToken cancellationToken = default) =>
        RecordErrorAsync("UPDATE ledger SET failed = failed + 1, last_error = ?2 WHERE step = ?1", stepId, errorCode, cancellationToken);

    public Task LeaveUnsettledAsync(string stepId, string errorCode, CancellationToken cancellationToken = default) =>
        RecordErrorAsync("UPDATE ledger SET last_error = ?2 WHERE step = ?1", stepId, errorCode, cancellationToken);

    private async Task RecordErrorAsync(string update, string stepId, string errorCode, CancellationToken cancellationToken)
    {
        var known = await StoreRecord<bool>.RunAsync(kernel, writer =>
        {
            writer.Statement(update).Bind(1, stepId).Bind(2, errorCode).Step();
            return writer.Database.Changes == 1;
        }, cancellationToken);
        if (!known)
        {
            throw NotBegun(stepId);
        }
    }

    public Task<LedgerEntry?> FindAsync(string instanceId, string stepId, CancellationToken cancellationToken = default)
    {
        CheckRunning();
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(kernel.Store.Read(reader =>
        {
            using var query = reader.Database.Prepare($"SELECT {Columns} FROM ledger WHERE step = ?1 AND instance = ?2");
            return query.Bind(1, stepId).Bind(2, instanceId).Step() ? Read(query) : null;
        }));
    }

    public Task<IReadOnlyList<LedgerEntry>> ListAsync(string instanceId, CancellationToken cancellationToken = default)
    {
        CheckRunning();
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult<IReadOnlyList<LedgerEntry>>(kernel.Store.Read(reader =>
        {
            using var query = reader.Database.Prepare($"SELECT {Columns} FROM ledger WHERE instance = ?1 ORDER BY key");
            return ReadAll(query.Bind(1, instanceId));
        }));
    }

    public Task<LedgerTotals> GetTotalsAsync(string? instanceId = null, CancellationToken cancellationToken = default)
    {
        CheckRunning();
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(kernel.Store.Read(reader =>
        {
            using var query = reader.Database.Prepare($"SELECT {Columns} FROM ledger WHERE agent <> ''{(instanceId is null ? "" : " AND instance = ?1")} ORDER BY key");
            if (instanceId is not null)
            {
                query.Bind(1, instanceId);
            }

            // Summed up here, because SQLite has no decimal numbers.
            var totals = new LedgerTotals(0, 0, 0, 0m, 0);
            while (query.Step())
            {
                var entry = Read(query);
                totals = new LedgerTotals(
                    totals.Steps + (entry.Answer is null ? 0 : 1),
                    totals.InputTokens + (entry.Answer?.InputTokens ?? 0),
                    totals.OutputTokens + (entry.Answer?.OutputTokens ?? 0),
                    totals.CostUsd + (entry.Answer?.CostUsd ?? 0m),
                    totals.Unsettled + entry.Unsettled);
            }

            return totals;
        }));
    }

    public Task<IReadOnlyList<UsageRow>> ReadUsageAsync(DateOnly from, DateOnly to, CancellationToken cancellationToken = default)
    {
        CheckRunning();
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult<IReadOnlyList<UsageRow>>(kernel.Store.Read(reader =>
        {
            // Both by one look at the file: a call is settled in one and counted in the other by the same commit.
            using var query = reader.Database.Prepare($"SELECT {Columns} FROM ledger WHERE {Unsettled} AND begun_at >= ?1 AND begun_at < ?2");
            query.Bind(1, from.ToDateTime(default).Ticks).Bind(2, to.ToDateTime(default).AddDays(1).Ticks);
            List<UsageRow> rows = [.. ReadAll(query).Select(UsageRow.OfUnsettled)];
            rows.AddRange(UsageTable.Read(reader, from, to));
            return rows;
        }));
    }

    public Task<IReadOnlyList<LedgerEntry>> ListUnsettledAsync(int top, CancellationToken cancellationToken = default)
    {
        CheckRunning();
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult<IReadOnlyList<LedgerEntry>>(kernel.Store.Read(reader =>
        {
            using var query = reader.Database.Prepare($"SELECT {Columns} FROM ledger WHERE {Unsettled} ORDER BY begun_at DESC LIMIT ?1");
            return ReadAll(query.Bind(1, top));
        }));
    }

    public async Task RemoveAsync(string instanceId, CancellationToken cancellationToken = default) =>
        await StoreRecord<bool>.RunAsync(kernel, writer =>
        {
            Remove(writer, instanceId);
            return true;
        }, cancellationToken);

    /// <summary>Removes an instance's entries inside the open transaction. Calls that were never settled stay counted.</summary>
    internal static void Remove(StoreWriter writer, string instanceId)
    {
        var query = writer.Statement($"SELECT {Columns} FROM ledger WHERE instance = ?1 AND {Unsettled}").Bind(1, instanceId);
        List<LedgerEntry> unsettled;
        try
        {
            unsettled = ReadAll(query);
        }
        finally
        {
            query.Reset();
        }

        unsettled.ForEach(entry => UsageTable.Add(writer, UsageRow.OfUnsettled(entry)));
        writer.Statement("DELETE FROM ledger WHERE instance = ?1").Bind(1, instanceId).Step();
    }

    private static LedgerEntry? Find(StoreWriter writer, string stepId)
    {
        var query = writer.Statement($"SELECT {Columns} FROM ledger WHERE step = ?1").Bind(1, stepId);
        try
        {
            return query.Step() ? Read(query) : null;
        }
        finally
        {
            query.Reset();
        }
    }

    private static List<LedgerEntry> ReadAll(Statement query)
    {
        var entries = new List<LedgerEntry>();
        while (query.Step())
        {
            entries.Add(Read(query));
        }

        return entries;
    }

    private static LedgerEntry Read(Statement row) => new(
        new LedgerRequest(row.Text(0)!, row.Text(1)!, row.Text(2)!, row.Text(3)!, row.Text(4)!) { Workflow = row.Text(11)!, Provider = row.Text(12)!, Deployment = row.Text(13)! },
        row.Text(5) is { } answer ? JsonSerializer.Deserialize(answer, CoreJsonContext.Default.LedgerAnswer) : null,
        (int)row.Int64(6),
        (int)row.Int64(7),
        row.Text(8),
        new DateTimeOffset(row.Int64(9), TimeSpan.Zero),
        row.IsNull(10) ? null : new DateTimeOffset(row.Int64(10), TimeSpan.Zero));

    private static PolyphonyException NotBegun(string stepId) =>
        new("ledger_step_unknown", $"Step \"{stepId}\" is not in the ledger: it was never begun, or its instance was purged meanwhile.");

    private void CheckRunning()
    {
        if (kernel.Stop.IsStopped)
        {
            throw kernel.Stop.MakeError();
        }
    }
}
