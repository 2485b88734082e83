namespace Polyphony.Engine.Runtime;

/// <content>Keeps the number of live executions within its limit: those that rested longest are dropped and replayed when needed.</content>
internal sealed partial class Kernel
{
    private readonly Lock _restGate = new();
    private readonly Queue<(Instance Instance, long Used)> _resting = new();
    private long _used;

    private void Evict(Instance instance)
    {
        lock (_restGate)
        {
            instance.LastUsed = ++_used;
            _resting.Enqueue((instance, _used));

            // An instance that was used again has a newer entry; its older ones only take up room.
            while (_resting.TryPeek(out var oldest) &&
                (oldest.Instance.LastUsed != oldest.Used || oldest.Instance.Live is null || _resting.Count > Options.MaxLiveInstances))
            {
                _resting.Dequeue();
                oldest.Instance.TryEvict(oldest.Used);
            }
        }
    }
}
