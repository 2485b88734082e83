namespace Polyphony.Engine.Runtime;

/// <summary>Runs the engine's work: steps, activities, entities and, under test, commits.</summary>
internal interface IWorkScheduler
{
    /// <summary>Gets a value indicating whether commits are scheduled as work too, so that a test decides when they happen.</summary>
    bool RunsCommits { get; }

    /// <summary>Has something run soon.</summary>
    void Schedule(IThreadPoolWorkItem work);

    /// <summary>Runs a function of the user's (an activity or an entity operation) to its first wait.</summary>
    Task<string?> Invoke<TState>(Func<TState, Task<string?>> function, TState state);
}

/// <summary>
/// The thread pool. A thread that runs the engine's work continues with what that work has scheduled, once it has returned: what follows from
/// a step is done where the step was, without waking another thread.
/// </summary>
internal sealed class ThreadPoolScheduler : IWorkScheduler
{
    /// <summary>After so many milliseconds a thread lets others in.</summary>
    private const int MaxRowTime = 10;

    /// <summary>Whether this thread runs the engine's work, and no code of the user's inside it.</summary>
    [ThreadStatic]
    private static bool _goesOn;

    [ThreadStatic]
    private static IThreadPoolWorkItem? _next;

    public bool RunsCommits => false;

    /// <remarks>
    /// The first thing scheduled stays on this thread, the others are for all threads. Not from inside the user's code, which may block until
    /// what it has set off is done: an activity runs through <see cref="Invoke"/>, an orchestrator in its own context.
    /// </remarks>
    public void Schedule(IThreadPoolWorkItem work)
    {
        if (_goesOn && _next is null && SynchronizationContext.Current is null)
        {
            _next = work;
        }
        else
        {
            ThreadPool.UnsafeQueueUserWorkItem(new Row(work), preferLocal: true);
        }
    }

    public Task<string?> Invoke<TState>(Func<TState, Task<string?>> function, TState state)
    {
        var outer = _goesOn;
        _goesOn = false;
        try
        {
            return function(state);
        }
        finally
        {
            _goesOn = outer;
        }
    }

    /// <summary>Work that a thread of the pool takes up, and what follows from it.</summary>
    private sealed class Row(IThreadPoolWorkItem first) : IThreadPoolWorkItem
    {
        public void Execute()
        {
            _goesOn = true;
            var began = Environment.TickCount64;
            first.Execute();
            while (_next is { } next && Environment.TickCount64 - began < MaxRowTime)
            {
                _next = null;
                next.Execute();
            }

            _goesOn = false;
            if (_next is { } left)
            {
                _next = null;
                ThreadPool.UnsafeQueueUserWorkItem(new Row(left), preferLocal: false);
            }
        }
    }
}
