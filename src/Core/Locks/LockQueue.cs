namespace Polyphony.Core.Locks;

/// <summary>
/// Who has a lock and who waits for it. First come, first served; one holder at a time; every message may come more than once and late. Pure, and for one orchestration: not thread-safe.
/// </summary>
internal sealed class LockQueue
{
    /// <summary>The most that wait: the queue passes from one generation of the keeper to the next.</summary>
    public const int MaxWaiting = 1_000;

    /// <summary>So many requests that are over are remembered.</summary>
    public const int MaxReleased = 500;

    private readonly LinkedList<LockRequest> _waiting = new();
    private readonly Dictionary<string, LinkedListNode<LockRequest>> _places = new(StringComparer.Ordinal);
    private readonly Queue<string> _released = new();
    private readonly HashSet<string> _isReleased = new(StringComparer.Ordinal);

    /// <summary>Takes a state up.</summary>
    /// <param name="state">The state; <see langword="null"/> for a new lock.</param>
    public LockQueue(LockState? state = null)
    {
        Holder = state?.Holder;
        foreach (var request in state?.Waiting ?? [])
        {
            _places[request.Id] = _waiting.AddLast(request);
        }

        foreach (var id in state?.Released ?? [])
        {
            Remember(id);
        }
    }

    /// <summary>Gets who has it; <see langword="null"/>: nobody, and then nobody waits.</summary>
    public LockRequest? Holder { get; private set; }

    /// <summary>Gets who waits, in order.</summary>
    public IReadOnlyCollection<LockRequest> Waiting => _waiting;

    /// <summary>Gets the state for the next generation.</summary>
    public LockState State => new() { Holder = Holder, Waiting = [.. _waiting], Released = [.. _released] };

    /// <summary>Somebody wants the lock.</summary>
    /// <param name="request">The request.</param>
    /// <returns>Whom to tell that it has the lock: this request, or another that was behind a holder that is no more; <see langword="null"/>: nobody.</returns>
    /// <param name="isRefused">Whether too many wait.</param>
    public LockRequest? Request(LockRequest request, out bool isRefused)
    {
        isRefused = false;
        if (_isReleased.Contains(request.Id) || _places.ContainsKey(request.Id))
        {
            return null;
        }

        if (Holder?.Id == request.Id)
        {
            // It may not have heard.
            return Holder;
        }

        var granted = EndEarlier(request);
        if (Holder is null)
        {
            return Holder = request;
        }

        if (_waiting.Count >= MaxWaiting)
        {
            isRefused = true;
        }
        else
        {
            _places[request.Id] = _waiting.AddLast(request);
        }

        return granted;
    }

    /// <summary>A request is over, whether it was granted or not.</summary>
    /// <param name="id">The request's id.</param>
    /// <returns>Whom to tell that it has the lock now; <see langword="null"/>: nobody.</returns>
    public LockRequest? Release(string id)
    {
        Remember(id);
        if (_places.Remove(id, out var place))
        {
            _waiting.Remove(place);
        }

        return Holder?.Id == id ? Advance() : null;
    }

    /// <summary>An instance has ended: what it had or wanted is over.</summary>
    /// <param name="instanceId">The instance.</param>
    /// <returns>Whom to tell that it has the lock now; <see langword="null"/>: nobody.</returns>
    public LockRequest? End(string instanceId) => EndAll(request => request.InstanceId == instanceId);

    /// <summary>An instance that has the id of an earlier one is the proof that the earlier one has ended.</summary>
    private LockRequest? EndEarlier(LockRequest request) => EndAll(each => each.InstanceId == request.InstanceId && each.Started < request.Started);

    private LockRequest? EndAll(Func<LockRequest, bool> isOver)
    {
        foreach (var request in _waiting.Where(isOver).ToList())
        {
            Release(request.Id);
        }

        return Holder is { } holder && isOver(holder) ? Release(holder.Id) : null;
    }

    private LockRequest? Advance()
    {
        Holder = _waiting.First?.Value;
        if (Holder is not null)
        {
            _waiting.RemoveFirst();
            _places.Remove(Holder.Id);
        }

        return Holder;
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
