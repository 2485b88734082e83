using Polyphony.Core.Ledger;

namespace Polyphony.TestKit.Stores;

/// <summary>A ledger in memory that can crash before or after it records an answer.</summary>
public sealed class InMemoryLedger(TimeProvider? clock = null) : ILedger
{
    private readonly TimeProvider _clock = clock ?? TimeProvider.System;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, LedgerEntry> _entries = new(StringComparer.Ordinal);
    private readonly List<string> _order = [];
    private readonly List<UsageRow> _usage = [];

    /// <summary>Gets or sets a value indicating whether the next answer is lost: the process dies before the record.</summary>
    public bool CrashBeforeRecord { get; set; }

    /// <summary>Gets or sets a value indicating whether the process dies right after the next record.</summary>
    public bool CrashAfterRecord { get; set; }

    public LedgerEntry? Find(string stepId)
    {
        lock (_lock)
        {
            return _entries.GetValueOrDefault(stepId);
        }
    }

    public Task<LedgerEntry> BeginAsync(LedgerRequest request, CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(request.StepId, out var entry))
            {
                _order.Add(request.StepId);
                entry = new LedgerEntry(request, null, 0, 0, null, _clock.GetUtcNow(), null);
            }

            return Task.FromResult(_entries[request.StepId] = entry.Answer is null ? entry with { Request = request, Begun = entry.Begun + 1 } : entry);
        }
    }

    public Task<LedgerAnswer> CompleteAsync(string stepId, LedgerAnswer answer, CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            if (CrashBeforeRecord)
            {
                CrashBeforeRecord = false;
                throw new SimulatedCrashException();
            }

            var entry = _entries[stepId];
            if (entry.Answer is null)
            {
                entry = _entries[stepId] = entry with { Answer = answer, AnsweredTime = _clock.GetUtcNow() };
                if (!entry.Request.IsToolCall)
                {
                    _usage.Add(UsageRow.Of(entry.Request, answer, entry.AnsweredTime!.Value));
                }
            }

            if (CrashAfterRecord)
            {
                CrashAfterRecord = false;
                throw new SimulatedCrashException();
            }

            return Task.FromResult(entry.Answer!);
        }
    }

    public Task FailAsync(string stepId, string errorCode, CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            _entries[stepId] = _entries[stepId] with { Failed = _entries[stepId].Failed + 1, LastError = errorCode };
            return Task.CompletedTask;
        }
    }

    public Task LeaveUnsettledAsync(string stepId, string errorCode, CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            _entries[stepId] = _entries[stepId] with { LastError = errorCode };
            return Task.CompletedTask;
        }
    }

    public Task<LedgerEntry?> FindAsync(string instanceId, string stepId, CancellationToken cancellationToken = default) =>
        Task.FromResult(Find(stepId) is { } entry && entry.Request.InstanceId == instanceId ? entry : null);

    public Task<IReadOnlyList<LedgerEntry>> ListAsync(string instanceId, CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            return Task.FromResult<IReadOnlyList<LedgerEntry>>([.. _order.Select(step => _entries[step]).Where(entry => entry.Request.InstanceId == instanceId)]);
        }
    }

    public Task<LedgerTotals> GetTotalsAsync(string? instanceId = null, CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            var entries = _entries.Values.Where(entry => !entry.Request.IsToolCall && (instanceId is null || entry.Request.InstanceId == instanceId)).ToArray();
            var answers = entries.Select(entry => entry.Answer).OfType<LedgerAnswer>().ToArray();
            return Task.FromResult(new LedgerTotals(
                answers.Length,
                answers.Sum(answer => answer.InputTokens),
                answers.Sum(answer => answer.OutputTokens),
                answers.Sum(answer => answer.CostUsd ?? 0),
                entries.Sum(entry => entry.Unsettled)));
        }
    }

    public Task<IReadOnlyList<UsageRow>> ReadUsageAsync(DateOnly from, DateOnly to, CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            return Task.FromResult<IReadOnlyList<UsageRow>>([.. _usage.Concat(Unsettled().Select(UsageRow.OfUnsettled)).Where(row => row.Day >= from && row.Day <= to)]);
        }
    }

    public Task<IReadOnlyList<LedgerEntry>> ListUnsettledAsync(int top, CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            return Task.FromResult<IReadOnlyList<LedgerEntry>>([.. Unsettled().OrderByDescending(entry => entry.BegunTime).Take(top)]);
        }
    }

    public Task RemoveAsync(string instanceId, CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            _usage.AddRange(Unsettled().Where(entry => entry.Request.InstanceId == instanceId).Select(UsageRow.OfUnsettled));
            foreach (var step in _order.Where(step => _entries[step].Request.InstanceId == instanceId).ToArray())
            {
                _order.Remove(step);
                _entries.Remove(step);
            }

            return Task.CompletedTask;
        }
    }

    private IEnumerable<LedgerEntry> Unsettled() => _entries.Values.Where(entry => entry is { Request.IsToolCall: false, Unsettled: > 0 });
}
