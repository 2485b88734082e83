using System.Text.Json;
using Polyphony.Core.Json;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Locks;

/// <summary>
/// The locks that a run holds and waits for. Every request has an id that outlives generations of the run and of the keeper, so it may be made any number of times. A grant that nobody waits for any
/// more is given back at once. For one orchestration: not thread-safe.
/// </summary>
internal sealed class RunLocks
{
    // A request is lost only when its keeper ends at that very moment: soon it is made again, and then ever more rarely, in case that somebody has removed the keeper.
    private static readonly TimeSpan FirstRepeat = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestRepeat = TimeSpan.FromHours(1);
    private static readonly TimeSpan LongestRefusal = TimeSpan.FromMinutes(1);

    private readonly Dictionary<(string Name, string Id), TaskCompletionSource<LockGrant>> _waiting = [];
    private readonly SortedDictionary<(string Name, string Id), string> _held = [];
    private readonly RunContext _run;
    private bool _listens;

    /// <param name="run">The run.</param>
    public RunLocks(RunContext run)
    {
        _run = run;
        if (run.Input.Place is { Id: { } id, Keeper: { } keeper } place)
        {
            Place = place;
            _held[(place.Name, id)] = keeper;
        }
    }

    /// <summary>Gets the place that the run has; <see langword="null"/>: it needs none, or waits for it.</summary>
    public RunPlace? Place { get; private set; }

    /// <summary>Gets a value indicating whether an activation above this run holds locks: it may take none, since two such runs could wait for each other.</summary>
    public bool AreHeldAbove => _run.Input.HoldsLock;

    /// <summary>Takes locks for an activation, one after the other, in the order of their names.</summary>
    /// <param name="activation">The activation.</param>
    /// <param name="hold">What it has so far; afterwards all of them, or some if it was stopped.</param>
    /// <param name="observer">Who is told that it waits.</param>
    /// <param name="limit">How long it waits.</param>
    /// <returns>How the activation ends without its locks; <see langword="null"/>: it has them.</returns>
    public async Task<WorkResult?> TakeAsync(Activation activation, LockHold hold, IRunObserver observer, WorkLimit limit)
    {
        if (AreHeldAbove)
        {
            return WorkResult.Failed(
                ErrorCodes.LockNested,
                $"\"{activation.Id}\" takes a lock, and runs within an activation that holds some: two such runs could wait for each other. Take all locks in one place.",
                attempts: 0);
        }

        activation.Slot?.Enter();
        try
        {
            foreach (var name in hold.Names)
            {
                if (await TakeAsync(activation, name, hold, observer, limit) is { } ended)
                {
                    return ended;
                }
            }

            hold.IsTaken = true;
            return null;
        }
        finally
        {
            activation.Slot?.Leave();
        }
    }

    /// <summary>Takes a place for the whole run, which it has until <see cref="ReleaseAll"/>. Waits as long as it takes.</summary>
    /// <param name="place">The place.</param>
    public async Task TakePlaceAsync(RunPlace place)
    {
        var id = LockNames.Request(_run.Durable.InstanceId, _run.StartedTime, "", _run.Rewinds);
        var request = new LockRequest(place.Name, id, _run.Durable.InstanceId, _run.StartedTime, "", place.Places);
        for (var delay = FirstRepeat; ; delay = delay < LongestRefusal / 2 ? delay * 2 : LongestRefusal)
        {
            var granted = _waiting[(place.Name, id)] = new TaskCompletionSource<LockGrant>();
            Listen();
            await WaitAsync(request, granted.Task, CancellationToken.None);
            if (await granted.Task is { IsRefused: false } grant)
            {
                Place = place with { Id = id, Keeper = grant.Keeper };
                return;
            }

            await _run.Calls.CreateTimerAsync(_run.Now + delay, CancellationToken.None);
        }
    }

    /// <summary>Gives locks back.</summary>
    /// <param name="hold">What is held.</param>
    public void Release(LockHold hold)
    {
        hold.IsTaken = false;
        foreach (var name in hold.Names)
        {
            if (_held.Remove((name, hold.Id), out var keeper))
            {
                _run.Calls.ReleaseLock(keeper, hold.Id);
            }
        }
    }

    /// <summary>Gives back what is still held when the run ends.</summary>
    public void ReleaseAll()
    {
        foreach (var ((_, id), keeper) in _held)
        {
            _run.Calls.ReleaseLock(keeper, id);
        }

        _held.Clear();
    }

    /// <summary>Makes what an activation is to hold.</summary>
    /// <param name="activation">The activation.</param>
    /// <param name="names">The names, each once.</param>
    public LockHold Hold(Activation activation, IEnumerable<string> names) =>
        new(LockNames.Request(_run.Durable.InstanceId, _run.StartedTime, activation.Id, _run.Rewinds), [.. names.Order(StringComparer.Ordinal)]);

    private async Task<WorkResult?> TakeAsync(Activation activation, string name, LockHold hold, IRunObserver observer, WorkLimit limit)
    {
        var request = new LockRequest(name, hold.Id, _run.Durable.InstanceId, _run.StartedTime, activation.Id);
        var granted = _waiting[(name, hold.Id)] = new TaskCompletionSource<LockGrant>();
        Listen();
        observer.OnAsking(activation);
        observer.OnWaiting(activation, new PendingWait(activation.Id, "lock", null, null, limit.Deadline) { Lock = name }, new WaitState(limit.Deadline) { IsForLock = true });
        activation.Slot?.BeginWait();
        var isGranted = await WaitAsync(request, granted.Task, limit.Ending);
        observer.OnWaited(activation);
        observer.OnAsked(activation);
        if (!isGranted)
        {
            activation.Slot?.AbandonWait();
            return WorkResult.Stopped;
        }

        if ((await granted.Task).IsRefused)
        {
            activation.Slot?.AbandonWait();
            return WorkResult.Failed(ErrorCodes.LockQueueFull, $"{LockQueue.MaxWaiting:N0} wait for the lock \"{name}\", the maximum.", attempts: 0);
        }

        if (activation.Slot is { } slot)
        {
            await slot.EndWaitAsync();
        }

        return limit.Ending.IsCancellationRequested ? WorkResult.Stopped : null;
    }

    /// <summary>Asks until there is an answer.</summary>
    /// <returns>Whether there is one; false: the activation or the run is ending, and the request is withdrawn.</returns>
    private async Task<bool> WaitAsync(LockRequest request, Task<LockGrant> granted, CancellationToken stop)
    {
        string? keeper = null;
        try
        {
            for (var delay = FirstRepeat; ; delay = delay < LongestRepeat / 2 ? delay * 2 : LongestRepeat)
            {
                stop.ThrowIfCancellationRequested();
                keeper = await _run.Calls.AskForLockAsync(request, stop) ?? keeper;
                using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop);
                var repeat = _run.Calls.CreateTimerAsync(_run.Now + delay, ending.Token);
                await Task.WhenAny(granted, repeat);
                if (granted.IsCompleted)
                {
                    ending.Cancel();
                    return true;
                }

                await repeat;
            }
        }
        catch (OperationCanceledException)
        {
            if (granted.IsCompleted)
            {
                // It came in the same moment: it is given back like others.
                return true;
            }

            _waiting.Remove((request.Name, request.Id));
            var (first, second) = LockNames.Keepers(request.Name);
            foreach (var each in keeper is null ? [first, second] : new[] { keeper })
            {
                _run.Calls.ReleaseLock(each, request.Id);
            }

            return false;
        }
    }

    private void Listen()
    {
        if (!_listens)
        {
            _listens = true;
            _ = ListenAsync();
        }
    }

    /// <summary>Takes grants as they come, to the end of the generation.</summary>
    private async Task ListenAsync()
    {
        while (true)
        {
            var json = await _run.Calls.WaitForEventAsync(EventNames.LockGranted, CancellationToken.None);
            var grant = JsonSerializer.Deserialize(json!, CoreJsonContext.Default.LockGrant)!;
            if (_waiting.Remove((grant.Name, grant.Id), out var waiting))
            {
                if (!grant.IsRefused)
                {
                    _held[(grant.Name, grant.Id)] = grant.Keeper;
                }

                waiting.SetResult(grant);
            }
            else if (!grant.IsRefused && !_held.ContainsKey((grant.Name, grant.Id)))
            {
                _run.Calls.ReleaseLock(grant.Keeper, grant.Id);
            }
        }
    }
}

/// <summary>The locks of one activation.</summary>
/// <param name="Id">The id of its requests.</param>
/// <param name="Names">The names, in the order in which they are taken: the same everywhere, so that no two wait for each other.</param>
internal sealed record LockHold(string Id, IReadOnlyList<string> Names)
{
    /// <summary>Gets or sets a value indicating whether all of them are held.</summary>
    public bool IsTaken { get; set; }
}
