namespace Polyphony.Core.Locks;

/// <summary>
/// Who has a lock and who waits for it. First come, first served; one holder at a time, or as many as there are places; every message may come more than once and late. Pure, and for one
/// orchestration: not thread-safe.
/// </summary>
internal sealed class LockQueue
{
    /// <summary>The most that wait: the queue passes from one generation of the keeper to the next.</summary>
    public const int MaxWaiting = 1_000;

    /// <summary>So many requests that are over are remembered.</summary>
    public const int MaxReleased = 500;

    private readonly List<LockRequest> _holders;
    private readonly LinkedList<LockRequest> _waiting = new();
    private readonly Dictionary<string, LinkedListNode<LockRequest>> _places = new(StringComparer.Ordinal);
    private readonly Queue<string> _released = new();
    private readonly HashSet<string> _isReleased = new(StringComparer.Ordinal);
    private LockPlaces? _count;

    /// <summary>Takes a state up.</summary>
    /// <param name="state">The state; <see langword="null"/> for a new lock.</param>
    public LockQueue(LockState? state = null)
    {
        _holders = [.. state?.Holders ?? []];
        _count = state?.Places;
        foreach (var request in state?.Waiting ?? [])
        {
            _places[request.Id] = _waiting.AddLast(request);
        }

        foreach (var id in state?.Released ?? [])
        {
            Remember(id);
        }
    }

    /// <summary>Gets who has it, those that had it first before others. If nobody has it, nobody waits.</summary>
    public IReadOnlyList<LockRequest> Holders => _holders;

    /// <summary>Gets who waits, in order.</summary>
    public IReadOnlyCollection<LockRequest> Waiting => _waiting;

    /// <summary>Gets the state for the next generation.</summary>
    public LockState State => new() { Holders = [.. _holders], Places = _count, Waiting = [.. _waiting], Released = [.. _released] };

    private bool HasPlace => _holders.Count < (_count?.Count ?? 1);

    /// <summary>Somebody wants the lock.</summary>
    /// <param name="request">The request.</param>
    /// <param name="isRefused">Whether too many wait.</param>
    /// <returns>Whom to tell that it has the lock: this request, and others that were behind a holder that is no more or get a place that there was not before.</returns>
    public IReadOnlyList<LockRequest> Request(LockRequest request, out bool isRefused)
    {
        isRefused = false;
        if (_isReleased.Contains(request.Id) || _places.ContainsKey(request.Id))
        {
            return [];
        }

        if (_holders.Find(holder => holder.Id == request.Id) is { } holder)
        {
            // It may not have heard.
            return [holder];
        }

        if (request.Places is { } count && (_count is null || count.Time >= _count.Time))
        {
            _count = count;
        }

        // An instance that has the id of an earlier one is the proof that the earlier one has ended.
        RemoveAll(each => each.InstanceId == request.InstanceId && each.Started < request.Started);
        var granted = Advance();
        if (HasPlace)
        {
            _holders.Add(request);
            return [.. granted, request];
        }

        isRefused = _waiting.Count >= MaxWaiting;
        if (!isRefused)
        {
            _places[request.Id] = _waiting.AddLast(request);
        }

        return granted;
    }

    /// <summary>A request is over, whether it was granted or not.</summary>
    /// <param name="id">The request's id.</param>
    /// <returns>Whom to tell that it has the lock now.</returns>
    public IReadOnlyList<LockRequest> Release(string id)
    {
        Remove(id);
        return Advance();
    }

    /// <summary>An instance has ended: what it had or wanted is over.</summary>
    /// <param name="instanceId">The instance.</param>
    /// <returns>Whom to tell that it has the lock now.</returns>
    public IReadOnlyList<LockRequest> End(string instanceId)
    {
        RemoveAll(request => request.InstanceId == instanceId);
        return Advance();
    }

    private void RemoveAll(Predicate<LockRequest> isOver)
    {
        foreach (var request in _waiting.Concat(_holders).Where(each => isOver(each)).ToList())
        {
            Remove(request.Id);
        }
    }

    private void Remove(string id)
    {
        Remember(id);
        if (_places.Remove(id, out var place))
        {
            _waiting.Remove(place);
        }

        _holders.RemoveAll(holder => holder.Id == id);
    }

    private List<LockRequest> Advance()
    {
        var granted = new List<LockRequest>();
        while (HasPlace && _waiting.First is { } first)
        {
            _waiting.RemoveFirst();
            _places.Remove(first.Value.Id);
            _holders.Add(first.Value);
            granted.Add(first.Value);
        }

        return granted;
    }

    private void Remember(string id)
    {
        if (_isReleased.Add(id))
        {
            _released.Enqueue(id);
            if (_released.Count > MaxReleased)
            {
                _isReleased.Remove(_released.Dequeue());
            }
        }
    }
}
