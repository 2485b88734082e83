namespace Polyphony.Engine.Simulation;

/// <summary>The thread pool under a skipping clock.</summary>
internal sealed class SkippingScheduler(SkippingClock clock) : WatchedScheduler(clock)
{
    private int _poked;

    public override void Poke()
    {
        if (IsIdle && Interlocked.Exchange(ref _poked, 1) == 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static state => ((SkippingScheduler)state!).Skip(), this);
        }
    }

    protected override void Queue(Action work) => ThreadPool.UnsafeQueueUserWorkItem(static work => ((Action)work!)(), work);

    private void Skip()
    {
        Volatile.Write(ref _poked, 0);
        if (TrySkip())
        {
            Poke();
        }
    }
}
