namespace Polyphony.Core.Runs;

/// <summary>Holds the number of activations under way to a limit. For one orchestration: not thread-safe, first come first served.</summary>
internal sealed class SlotGate(int slots)
{
    private readonly Queue<(int Wanted, TaskCompletionSource<int> Granted)> _waiting = new();
    private int _free = slots;

    /// <summary>Takes between one and <paramref name="wanted"/> slots, as soon as there is one.</summary>
    /// <returns>How many were taken.</returns>
    public Task<int> AcquireAsync(int wanted = 1)
    {
        if (_free > 0 && _waiting.Count == 0)
        {
            return Task.FromResult(Take(wanted));
        }

        // Continuations run in place: an orchestration has one thread, and its order is part of its determinism.
        var granted = new TaskCompletionSource<int>();
        _waiting.Enqueue((wanted, granted));
        return granted.Task;
    }

    public void Release(int count)
    {
        _free += count;
        while (_free > 0 && _waiting.TryDequeue(out var next))
        {
            next.Granted.SetResult(Take(next.Wanted));
        }
    }

    private int Take(int wanted)
    {
        var taken = Math.Min(wanted, _free);
        _free -= taken;
        return taken;
    }
}
