using Microsoft.DurableTask.Client;
using Polyphony.Core.Client;
using Polyphony.Core.Durable;
using Polyphony.Core.Runs;
using DurableQuery = Microsoft.DurableTask.Client.OrchestrationQuery;
using DurableStatus = Microsoft.DurableTask.Client.OrchestrationRuntimeStatus;
using OrchestrationMetadata = Polyphony.Core.Durable.OrchestrationMetadata;
using OrchestrationQuery = Polyphony.Core.Durable.OrchestrationQuery;

namespace Polyphony.DurableFunctions.Durable;

/// <summary>
/// Counts the unfinished instances of a task hub, and admits starts by that. Storage providers list instances without their tags, so each is read once to learn whose child it is and what it runs; that
/// never changes, and is kept for as long as the instance is unfinished. Thread-safe.
/// </summary>
/// <param name="client">Gives Durable Task's client.</param>
/// <param name="read">Reads an instance.</param>
/// <param name="timeProvider">The clock.</param>
internal sealed class UnfinishedScan(
    Func<DurableTaskClient> client, Func<string, CancellationToken, Task<OrchestrationMetadata?>> read, TimeProvider timeProvider)
{
    /// <summary>How old a count may be by which a start is admitted.</summary>
    internal static readonly TimeSpan AdmittingAge = TimeSpan.FromSeconds(5);

    /// <summary>How old a count may be by which a start is refused.</summary>
    internal static readonly TimeSpan RefusingAge = TimeSpan.FromSeconds(1);

    /// <summary>The maximum number of rows that a scan looks at.</summary>
    internal const int MaxRows = 20_000;

    /// <summary>The maximum number of instances that a scan reads.</summary>
    internal const int MaxReads = 1_000;

    private const int PageSize = 1_000;
    private const int ParallelReads = 16;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Place> _places = new(StringComparer.Ordinal);
    private Dictionary<string, Known> _known = new(StringComparer.Ordinal);
    private Counts? _last;
    private Task _turn = Task.CompletedTask;

    /// <summary>Takes a place for a start of a workflow, if the limits leave one.</summary>
    /// <param name="limits">The limits.</param>
    /// <param name="workflow">The workflow.</param>
    /// <param name="instanceId">The id of the new instance.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The place; to be given back if nothing is started.</returns>
    /// <exception cref="QueueFullException">There is none.</exception>
    public async Task<Place> TakeAsync(AdmissionLimits limits, string workflow, string instanceId, CancellationToken cancellationToken)
    {
        await RefreshAsync(AdmittingAge, cancellationToken);
        if (TryTake(limits, workflow, instanceId, out var place) is null)
        {
            return place!;
        }

        // Others may have finished since.
        await RefreshAsync(RefusingAge, cancellationToken);
        return TryTake(limits, workflow, instanceId, out place) is { } excess ? throw excess : place!;
    }

    /// <summary>Says that an instance was started in a place: it shows in counts that begin from now on.</summary>
    /// <param name="place">The place.</param>
    public void Fill(Place place)
    {
        lock (_lock)
        {
            place.FilledAt = timeProvider.GetTimestamp();
        }
    }

    /// <summary>Gives a place back in which nothing was started.</summary>
    /// <param name="place">The place.</param>
    public void GiveBack(Place place)
    {
        lock (_lock)
        {
            if (_places.GetValueOrDefault(place.InstanceId) == place)
            {
                _places.Remove(place.InstanceId);
            }
        }
    }

    /// <summary>Counts the unfinished instances, and reads the oldest.</summary>
    /// <param name="most">How many are read; at most <see cref="MaxReads"/>.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>What there is.</returns>
    public async Task<UnfinishedInstances> ReadAsync(int most, CancellationToken cancellationToken)
    {
        var counts = await ScanInTurnAsync(null, cancellationToken);
        var mailboxes = counts.Rows.Where(row => row.Name == TaskNames.MailboxOrchestration).Select(row => row.InstanceId).ToList();
        var oldest = counts.Rows.Where(row => counts.Listed.Contains(row.InstanceId)).OrderBy(row => row.CreatedAt).Select(row => row.InstanceId);
        most = Math.Min(most, MaxReads);
        return new UnfinishedInstances
        {
            Count = counts.Listed.Count,
            IsComplete = counts.IsComplete,
            Admitted = counts.Admitted,
            Workflows = counts.OfWorkflows,
            Oldest = [.. (await ReadAllAsync(oldest.Take(most), cancellationToken)).Where(each => !each.IsFinished).OrderBy(each => each.CreatedTime)],
            Mailboxes = await ReadAllAsync(mailboxes.Take(most), cancellationToken),
            HasAllMailboxes = counts.HasAllRows && mailboxes.Count <= most,
        };
    }

    private QueueFullException? TryTake(AdmissionLimits limits, string workflow, string instanceId, out Place? place)
    {
        place = null;
        lock (_lock)
        {
            var counts = _last!;
            var taken = _places.Values.Count(each => !counts.Counted.Contains(each.InstanceId));
            var ofWorkflow = _places.Values.Count(each => each.Workflow == workflow && !counts.Counted.Contains(each.InstanceId));
            if (limits.FindExcess(workflow, counts.Admitted + taken, counts.OfWorkflows.GetValueOrDefault(workflow) + ofWorkflow) is { } excess)
            {
                return excess;
            }

            // Of two starts with one id, one will find that it is taken; each gives back its own.
            place = new Place(instanceId, workflow);
            _places.TryAdd(instanceId, place);
            return null;
        }
    }

    private Task RefreshAsync(TimeSpan age, CancellationToken cancellationToken) => IsYoung(age) ? Task.CompletedTask : ScanInTurnAsync(age, cancellationToken);

    /// <summary>Scans when the scan before has ended, unless that is young enough by then.</summary>
    private async Task<Counts> ScanInTurnAsync(TimeSpan? age, CancellationToken cancellationToken)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task before;
        lock (_lock)
        {
            (before, _turn) = (_turn, done.Task);
        }

        try
        {
            await before.WaitAsync(cancellationToken);
            return age is { } enough && IsYoung(enough) ? _last! : await ScanAsync(cancellationToken);
        }
        finally
        {
            // Who gave up waits no longer, and the next one waits for the one before.
            _ = before.ContinueWith(_ => done.TrySetResult(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    private bool IsYoung(TimeSpan age)
    {
        lock (_lock)
        {
            return _last is { } last && timeProvider.GetElapsedTime(last.Begun) < age;
        }
    }

    private async Task<Counts> ScanAsync(CancellationToken cancellationToken)
    {
        var begun = timeProvider.GetTimestamp();
        var rows = new List<DurableRow>();
        var hasAllRows = true;
        var query = new DurableQuery { Statuses = [DurableStatus.Pending, DurableStatus.Running, DurableStatus.Suspended], PageSize = PageSize, FetchInputsAndOutputs = false };
        var wanted = new OrchestrationQuery();
        await foreach (var found in client().GetAllInstancesAsync(query).WithCancellation(cancellationToken))
        {
            if (rows.Count == MaxRows)
            {
                hasAllRows = false;
                break;
            }

            // Entities are kept among the instances; the adapters' own orchestrations last for a moment.
            if (!found.InstanceId.StartsWith('@') && found.Name is not (EventSender.Name or InstanceStarts.Name)
                && (found.Name == TaskNames.MailboxOrchestration || wanted.WantsName(found.Name)) && found.Name != TaskNames.ItemsOrchestration)
            {
                rows.Add(new DurableRow(found.InstanceId, found.Name, found.CreatedAt));
            }
        }

        var known = await LearnAsync(rows, cancellationToken);
        var counts = new Counts(begun, hasAllRows, rows, known);
        lock (_lock)
        {
            _known = known;
            _last = counts;
            foreach (var place in _places.Values.Where(place => counts.Counted.Contains(place.InstanceId) || (place.FilledAt is { } filled && filled <= begun)).ToList())
            {
                _places.Remove(place.InstanceId);
            }
        }

        return counts;
    }

    private async Task<Dictionary<string, Known>> LearnAsync(List<DurableRow> rows, CancellationToken cancellationToken)
    {
        var known = new Dictionary<string, Known>(StringComparer.Ordinal);
        var unknown = new List<string>();
        foreach (var row in rows.Where(row => row.Name != TaskNames.MailboxOrchestration))
        {
            if (_known.TryGetValue(row.InstanceId, out var before))
            {
                known[row.InstanceId] = before;
            }
            else if (unknown.Count < MaxReads)
            {
                unknown.Add(row.InstanceId);
            }
        }

        var wanted = new OrchestrationQuery();
        foreach (var each in await ReadAllAsync(unknown, cancellationToken))
        {
            known[each.InstanceId] = new Known(
                wanted.Wants(each.Name, each.ParentInstanceId),
                each.ParentInstanceId is null && each.Name == TaskNames.WorkflowOrchestration ? each.Tags.GetValueOrDefault(WorkflowClient.WorkflowTag, "") : null);
        }

        return known;
    }

    private async Task<List<OrchestrationMetadata>> ReadAllAsync(IEnumerable<string> ids, CancellationToken cancellationToken)
    {
        var found = new List<OrchestrationMetadata>();
        foreach (var batch in ids.Chunk(ParallelReads))
        {
            found.AddRange((await Task.WhenAll(batch.Select(id => read(id, cancellationToken)))).OfType<OrchestrationMetadata>());
        }

        return found;
    }

    /// <summary>A place that a start of this process has taken, until a count shows what was started.</summary>
    internal sealed class Place(string instanceId, string workflow)
    {
        public string InstanceId => instanceId;

        public string Workflow => workflow;

        public long? FilledAt { get; set; }
    }

    private readonly record struct DurableRow(string InstanceId, string Name, DateTimeOffset CreatedAt);

    /// <summary>What never changes of an instance.</summary>
    private readonly record struct Known(bool IsListed, string? Workflow);

    private sealed class Counts
    {
        public Counts(long begun, bool hasAllRows, List<DurableRow> rows, Dictionary<string, Known> known)
        {
            (Begun, HasAllRows, Rows) = (begun, hasAllRows, rows);
            IsComplete = hasAllRows && known.Count >= rows.Count(row => row.Name != TaskNames.MailboxOrchestration);
            foreach (var (id, each) in known)
            {
                if (each.IsListed)
                {
                    Listed.Add(id);
                }

                if (each.Workflow is { } workflow)
                {
                    Counted.Add(id);
                    OfWorkflows[workflow] = OfWorkflows.GetValueOrDefault(workflow) + 1;
                }
            }
        }

        public long Begun { get; }

        public bool HasAllRows { get; }

        public bool IsComplete { get; }

        public List<DurableRow> Rows { get; }

        public HashSet<string> Listed { get; } = new(StringComparer.Ordinal);

        public HashSet<string> Counted { get; } = new(StringComparer.Ordinal);

        public Dictionary<string, int> OfWorkflows { get; } = new(StringComparer.Ordinal);

        public int Admitted => Counted.Count;
    }
}
