using Polyphony.Engine.Runtime;

namespace Polyphony.Engine.Simulation;

/// <summary>A scheduler that knows whether anything is under way, so that a skipping clock knows when it may jump.</summary>
internal abstract class WatchedScheduler : IWorkScheduler, IIdleness, IDisposable
{
    private readonly SkippingClock _clock;
    private readonly Lock _gate = new();
    private readonly HashSet<WorkScope> _functions = [];
    private readonly Context _context;
    private int _work;

    protected WatchedScheduler(SkippingClock clock)
    {
        _clock = clock;
        _context = new Context(this);
        clock.Watch(this);
    }

    public bool RunsCommits => true;

    public bool IsIdle
    {
        get
        {
            lock (_gate)
            {
                return _work == 0 && _functions.All(static scope => scope.WaitsOnClock);
            }
        }
    }

    public void Schedule(IThreadPoolWorkItem work) => Count(static state => ((IThreadPoolWorkItem)state!).Execute(), work);

    public Task<string?> Invoke<TState>(Func<TState, Task<string?>> function, TState state)
    {
        var scope = new WorkScope();
        var outer = SynchronizationContext.Current;
        var outerScope = WorkScope.Current;
        lock (_gate)
        {
            _functions.Add(scope);
        }

        SynchronizationContext.SetSynchronizationContext(_context);
        WorkScope.Current = scope;
        Task<string?>? task = null;
        try
        {
            task = function(state);
            _ = task.ContinueWith(
                _ =>
                {
                    // Whoever takes the result does so right after this, and that is work too.
                    Count(static _ => { }, null);
                    Forget(scope);
                },
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default);
            return task;
        }
        finally
        {
            WorkScope.Current = outerScope;
            SynchronizationContext.SetSynchronizationContext(outer);
            if (task is null)
            {
                Forget(scope);
            }
        }
    }

    public abstract void Poke();

    public virtual void Dispose() => _clock.Unwatch(this);

    /// <summary>Has something run soon.</summary>
    protected abstract void Queue(Action work);

    /// <summary>Jumps if nothing is under way.</summary>
    protected bool TrySkip() => _clock.TrySkip();

    private void Forget(WorkScope scope)
    {
        lock (_gate)
        {
            _functions.Remove(scope);
        }
    }

    private void Count(SendOrPostCallback callback, object? state)
    {
        lock (_gate)
        {
            _work++;
        }

        Queue(() =>
        {
            try
            {
                callback(state);
            }
            finally
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
        });
    }

    /// <summary>Brings the continuations of activities back here, to be counted.</summary>
    private sealed class Context(WatchedScheduler scheduler) : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state) => scheduler.Count(
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
                }
            },
            null);

        public override SynchronizationContext CreateCopy() => this;
    }
}
