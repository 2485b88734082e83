using Microsoft.Extensions.Logging;
using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;

namespace Polyphony.Engine.Runtime;

/// <summary>
/// Runs activities: as many at a time as allowed, the others in the order in which they became ready. Cancels those whose result nobody waits for any more. Thread-safe.
/// </summary>
internal sealed class ActivityDispatcher
{
    private readonly DurableRegistry _registry;
    private readonly IWorkScheduler _scheduler;
    private readonly InstanceTable _instances;
    private readonly ILogger _log;
    private readonly int _limit;
    private readonly Lock _gate = new();
    private readonly Queue<Run> _ready = new();
    private TaskCompletionSource? _drained;
    private int _running;
    private int _cancelledReady;
    private bool _stopped;

    internal ActivityDispatcher(DurableRegistry registry, IWorkScheduler scheduler, InstanceTable instances, int limit, ILogger log)
    {
        _registry = registry;
        _scheduler = scheduler;
        _instances = instances;
        _limit = limit;
        _log = log;
    }

    internal (int Running, int Ready) Counts
    {
        get
        {
            lock (_gate)
            {
                return (_running, _ready.Count - _cancelledReady);
            }
        }
    }

    internal void Start(Instance instance, int generation, TaskScheduled task)
    {
        var run = new Run(this, instance, generation, task);
        lock (_gate)
        {
            if (_stopped)
            {
                return;
            }

            run.Link();
            if (_running >= _limit)
            {
                run.IsReady = true;
                _ready.Enqueue(run);
                return;
            }

            _running++;
        }

        _scheduler.Schedule(run);
    }

    /// <summary>Cancels a call that the code of an instance no longer waits for: one that was not begun is not begun.</summary>
    internal void Cancel(Instance instance, int generation, int taskId) => CancelAll(instance, run => run.Generation == generation && run.TaskId == taskId);

    /// <summary>Cancels what an instance has called, because it, or a generation of it, has ended.</summary>
    internal void Cancel(Instance instance)
    {
        if (instance.FirstActivity is not null)
        {
            CancelAll(instance, static _ => true);
        }
    }

    /// <summary>Starts no more, asks those under way to end, and waits for them.</summary>
    internal async Task StopAsync(TimeSpan atMost)
    {
        Task drained;
        List<Run> running;
        lock (_gate)
        {
            running = Stop();
            drained = _running == 0 ? Task.CompletedTask : (_drained = new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }

        await Task.WhenAll(running.Select(run => run.CancelAsync()));
        try
        {
            await drained.WaitAsync(atMost);
        }
        catch (TimeoutException)
        {
            // What does not end is given up: it is handed out again at the next start.
        }
    }

    /// <summary>Starts no more and asks those under way to end, because the engine has stopped by itself.</summary>
    internal void Abort()
    {
        List<Run> running;
        lock (_gate)
        {
            running = Stop();
        }

        // Not here: what is registered on a token is the user's code, and the caller is in the middle of a failure.
        foreach (var run in running)
        {
            _ = run.CancelAsync();
        }
    }

    private List<Run> Stop()
    {
        _stopped = true;
        _ready.Clear();
        _cancelledReady = 0;
        var running = new List<Run>();
        foreach (var instance in _instances.Values)
        {
            for (var run = instance.FirstActivity; run is not null; run = run.Next)
            {
                run.IsCancelled = true;
                running.Add(run);
            }
        }

        return running;
    }

    private void CancelAll(Instance instance, Func<Run, bool> isMeant)
    {
        List<Run>? begun = null;
        lock (_gate)
        {
            for (var run = instance.FirstActivity; run is not null; run = run.Next)
            {
                if (run.IsCancelled || !isMeant(run))
                {
                    continue;
                }

                run.IsCancelled = true;
                if (run.IsBegun)
                {
                    (begun ??= []).Add(run);
                }
                else if (run.IsReady)
                {
                    _cancelledReady++;
                }
            }
        }

        // As work of its own: what is registered on a token is the user's code.
        foreach (var run in begun ?? [])
        {
            _scheduler.Schedule(new Cancellation(this, run));
        }
    }

    /// <summary>Notes that a run begins, unless it was cancelled before.</summary>
    private bool TryBegin(Run run)
    {
        lock (_gate)
        {
            return run.IsBegun = !run.IsCancelled;
        }
    }

    private void End(Run ended, HistoryEvent? result)
    {
        Run? next = null;
        lock (_gate)
        {
            ended.Unlink();
            while (next is null && _ready.TryDequeue(out var ready))
            {
                if (ready.IsCancelled)
                {
                    _cancelledReady--;
                    ready.Unlink();
                }
                else
                {
                    next = ready;
                    next.IsReady = false;
                }
            }

            if (next is null)
            {
                _running--;
                if (_running == 0)
                {
                    _drained?.TrySetResult();
                }
            }
        }

        if (result is not null)
        {
            ended.Instance.Post(new Message { Event = result, Generation = ended.Generation });
        }

        if (next is not null)
        {
            _scheduler.Schedule(next);
        }
    }

    /// <summary>One run of an activity. Those of an instance form a list.</summary>
#pragma warning disable CA1001 // A source of cancellation without a timer and a handle holds nothing to be disposed of.
    internal sealed class Run(ActivityDispatcher dispatcher, Instance instance, int generation, TaskScheduled task) : IThreadPoolWorkItem
    {
        private readonly CancellationTokenSource _source = new();
        private Run? _previous;

        internal Instance Instance => instance;

        internal int Generation => generation;

        internal int TaskId => task.TaskId;

        internal Run? Next { get; private set; }

        internal bool IsReady { get; set; }

        internal bool IsBegun { get; set; }

        internal bool IsCancelled { get; set; }

        internal void Link()
        {
            Next = instance.FirstActivity;
            Next?._previous = this;
            instance.FirstActivity = this;
        }

        internal void Unlink()
        {
            Next?._previous = _previous;
            if (_previous is null)
            {
                instance.FirstActivity = Next;
            }
            else
            {
                _previous.Next = Next;
            }
        }

        internal Task CancelAsync() => _source.CancelAsync();

        internal void Cancel() => _source.Cancel();

        public void Execute()
        {
            if (!dispatcher.TryBegin(this))
            {
                dispatcher.End(this, null);
                return;
            }

            if (!dispatcher._registry.Activities.TryGetValue(task.Name, out var function))
            {
                dispatcher.End(this, new TaskFailed(task.TaskId, new FailureDetails(
                    "unknown_activity",
                    $"No activity \"{task.Name}\" is registered on this host. Register it, or correct the name; then rewind the instance.")));
                return;
            }

            var context = new ActivityContext
            {
                Name = task.Name,
                InstanceId = instance.Id,
                TaskId = task.TaskId,
                CancellationToken = _source.Token,
            };
            Task<string?> running;
            try
            {
                running = dispatcher._scheduler.Invoke(static call => call.Function(call.Context, call.Input), (Function: function, Context: context, task.Input));
            }
            catch (Exception e)
            {
                running = Task.FromException<string?>(e);
            }

            if (running.IsCompleted)
            {
                End(running);
            }
            else
            {
                _ = running.ContinueWith(static (done, state) => ((Run)state!).End(done), this, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }
        }

        private void End(Task<string?> done) => dispatcher.End(this, Result(done));

        private HistoryEvent? Result(Task<string?> done)
        {
            if (done.IsCompletedSuccessfully)
            {
                try
                {
                    DurableLimits.CheckPayload(done.Result, $"result of activity \"{task.Name}\"");
                    return new TaskCompleted(task.TaskId, done.Result);
                }
                catch (PayloadTooLargeException e)
                {
                    return new TaskFailed(task.TaskId, FailureDetails.FromException(e));
                }
            }

            // An end because the host stops is no result: the activity is handed out again. One because nobody waits any more is none either.
            var cause = done.Exception?.InnerException ?? new TaskCanceledException(done);
            return IsCancelled ? null : new TaskFailed(task.TaskId, FailureDetails.FromException(cause));
        }
    }

#pragma warning restore CA1001

    /// <summary>Tells an activity under way that it is cancelled.</summary>
    private sealed class Cancellation(ActivityDispatcher dispatcher, Run run) : IThreadPoolWorkItem
    {
        public void Execute()
        {
            try
            {
                _ = dispatcher._scheduler.Invoke(
                    static run =>
                    {
                        run.Cancel();
                        return Task.FromResult<string?>(null);
                    },
                    run);
            }
            catch (Exception e)
            {
                // What the user's code does when it is told is its own affair; the activity's end shows it.
                Log.CancellationFailed(dispatcher._log, e, run.Instance.Id);
            }
        }
    }
}
