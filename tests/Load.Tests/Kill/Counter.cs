namespace Polyphony.Load.Tests.Kill;

/// <summary>A count that can be waited for. Thread-safe.</summary>
internal sealed class Counter
{
    private readonly Lock _lock = new();
    private readonly List<(int Target, TaskCompletionSource Reached)> _awaited = [];

    public int Value { get; private set; }

    public void Increment()
    {
        lock (_lock)
        {
            Value++;
            foreach (var (_, reached) in _awaited.Where(each => each.Target <= Value))
            {
                reached.TrySetResult();
            }

            _awaited.RemoveAll(each => each.Target <= Value);
        }
    }

    /// <summary>Completes once there are so many more than now.</summary>
    public Task MoreAsync(int count)
    {
        lock (_lock)
        {
            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _awaited.Add((Value + count, reached));
            return reached.Task;
        }
    }
}
