using Polyphony.Engine.Runtime;

namespace Polyphony.Engine.Simulation;

/// <summary>The thread pool, counting what is under way, so that a skipping clock knows when nothing is.</summary>
internal sealed class SkippingScheduler : IWorkScheduler, IIdleness, IDisposable
{
    private readonly SkippingClock _clock;
    private readonly Lock _gate = new();
    private readonly HashSet<WorkScope> _functions = [];
    private int _work;
    private int _poked;

    internal SkippingScheduler(SkippingClock clock)
    {
        _clock = clock;
        clock.Watch(this);
    }

    public bool RunsCommits => true;

    public bool IsIdle
    {
        get
        {
            lock (_gate)
            {
                return _work == 0 && _functions.All(scope => scope.WaitsOnClock);
            }
        }
    }

    public void Schedule(IThreadPoolWorkItem work)
    {
        Begin();
        ThreadPool.UnsafeQueueUserWorkItem(new Counted(this, work), preferLocal: false);
    }

    public Task<string?> Invoke<TState>(Func<TState, Task<string?>> function, TState state)
    {
        var scope = new WorkScope();
        var outer = SynchronizationContext.Current;
        var outerScope = WorkScope.Current;
        lock (_gate)
        {
            _functions.Add(scope);
        }

        SynchronizationContext.SetSynchronizationContext(new Context(this));
        WorkScope.Current = scope;
        try
        {
            var task = function(state);
            return task.ContinueWith(
                done =>
                {
                    lock (_gate)
                    {
                        _functions.Remove(scope);

                        // Whoever takes the result has work; it ends below, after that was scheduled.
                        _work++;
                    }

                    ThreadPool.UnsafeQueueUserWorkItem(static state => ((SkippingScheduler)state!).End(), this);
                    return done;
                },
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default).Unwrap();
        }
        catch
        {
            lock (_gate)
            {
                _functions.Remove(scope);
            }

            throw;
        }
        finally
        {
            WorkScope.Current = outerScope;
            SynchronizationContext.SetSynchronizationContext(outer);
        }
    }

    public void Poke()
    {
        if (IsIdle && Interlocked.Exchange(ref _poked, 1) == 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static state => ((SkippingScheduler)state!).Skip(), this);
        }
    }

    public void Dispose() => _clock.Unwatch(this);

    private void Skip()
    {
        Volatile.Write(ref _poked, 0);
        if (_clock.TrySkip())
        {
            Poke();
        }
    }

    private void Begin()
    {
        lock (_gate)
        {
            _work++;
        }
    }

    private void End()
    {
        bool idle;
        lock (_gate)
        {
            idle = --_work == 0;
        }

        if (idle)
        {
            Poke();
        }
    }

    private sealed class Counted(SkippingScheduler scheduler, IThreadPoolWorkItem work) : IThreadPoolWorkItem
    {
        public void Execute()
        {
            try
            {
                work.Execute();
            }
            finally
            {
                scheduler.End();
            }
        }
    }

    /// <summary>Counts what continues an activity after an await.</summary>
    private sealed class Context(SkippingScheduler scheduler) : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state)
        {
            scheduler.Begin();
            ThreadPool.UnsafeQueueUserWorkItem(
                _ =>
                {
                    var outer = Current;
                    SetSynchronizationContext(this);
                    try
                    {
                        d(state);
                    }
                    finally
                    {
                        SetSynchronizationContext(outer);
                        scheduler.End();
                    }
                },
                null);
        }

        public override SynchronizationContext CreateCopy() => this;
    }
}
