namespace Polyphony.Engine.Runtime;

/// <summary>Keeps the number of live executions within its limit: those that rested longest are dropped and replayed when needed. Thread-safe.</summary>
internal sealed class LiveExecutions(int limit)
{
    private readonly Lock _gate = new();
    private readonly Queue<(Instance Instance, long Used)> _resting = new();
    private long _used;

    /// <summary>Notes that a step of an instance has ended, and the instance is idle.</summary>
    internal void Rest(Instance instance)
    {
        if (instance.Live is null || limit == int.MaxValue)
        {
            return;
        }

        lock (_gate)
        {
            instance.LastUsed = ++_used;
            _resting.Enqueue((instance, _used));

            // An instance that was used again has a newer entry; its older ones only take up room.
            while (_resting.TryPeek(out var oldest) &&
                (oldest.Instance.LastUsed != oldest.Used || oldest.Instance.Live is null || _resting.Count > limit))
            {
                _resting.Dequeue();
                oldest.Instance.TryEvict(oldest.Used);
            }
        }
    }
}
