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

/// <summary>The thread pool, with nothing in between.</summary>
internal sealed class ThreadPoolScheduler : IWorkScheduler
{
    public bool RunsCommits => false;

    // Local first: the thread that commits a step goes on with what the step asked for, without a hand-over.
    public void Schedule(IThreadPoolWorkItem work) => ThreadPool.UnsafeQueueUserWorkItem(work, preferLocal: true);

    public Task<string?> Invoke<TState>(Func<TState, Task<string?>> function, TState state) => function(state);
}
