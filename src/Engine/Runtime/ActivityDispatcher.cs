using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;

namespace Polyphony.Engine.Runtime;

/// <summary>Runs activities: as many at a time as allowed, the others in the order in which they became ready. Thread-safe.</summary>
internal sealed class ActivityDispatcher : IDisposable
{
    private readonly Kernel _kernel;
    private readonly int _limit;
    private readonly Lock _gate = new();
    private readonly Queue<Run> _ready = new();
    private readonly CancellationTokenSource _stopping = new();
    private TaskCompletionSource? _drained;
    private int _running;
    private bool _stopped;

    internal ActivityDispatcher(Kernel kernel, int limit)
    {
        _kernel = kernel;
        _limit = limit;
        Stopping = _stopping.Token;
    }

    /// <summary>Gets a token that is cancelled when the host stops.</summary>
    internal CancellationToken Stopping { get; }

    internal (int Running, int Ready) Counts
    {
        get
        {
            lock (_gate)
            {
                return (_running, _ready.Count);
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

            if (_running >= _limit)
            {
                _ready.Enqueue(run);
                return;
            }

            _running++;
        }

        _kernel.Scheduler.Schedule(run);
    }

    /// <summary>Starts no more, asks those under way to end, and waits for them.</summary>
    internal async Task StopAsync(TimeSpan atMost)
    {
        Task drained;
        lock (_gate)
        {
            _stopped = true;
            _ready.Clear();
            drained = _running == 0 ? Task.CompletedTask : (_drained = new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }

        await _stopping.CancelAsync();
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
        lock (_gate)
        {
            _stopped = true;
            _ready.Clear();
        }

        // Not here: what is registered on the token is the user's code, and the caller is in the middle of a failure.
        _ = _stopping.CancelAsync();
    }

    public void Dispose() => _stopping.Dispose();

    private void End(Run ended, HistoryEvent? result)
    {
        Run? next;
        lock (_gate)
        {
            if (!_ready.TryDequeue(out next))
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
            _kernel.Scheduler.Schedule(next);
        }
    }

    private sealed class Run(ActivityDispatcher dispatcher, Instance instance, int generation, TaskScheduled task) : IThreadPoolWorkItem
    {
        internal Instance Instance => instance;

        internal int Generation => generation;

        public void Execute()
        {
            if (!dispatcher._kernel.Registry.Activities.TryGetValue(task.Name, out var function))
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
                CancellationToken = dispatcher.Stopping,
            };
            Task<string?> running;
            try
            {
                running = dispatcher._kernel.Scheduler.Invoke(static call => call.Function(call.Context, call.Input), (Function: function, Context: context, task.Input));
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

            // An end because the host stops is no result: the activity is handed out again.
            if (dispatcher.Stopping.IsCancellationRequested)
            {
                return null;
            }

            var cause = done.Exception?.InnerException ?? new TaskCanceledException(done);
            return new TaskFailed(task.TaskId, FailureDetails.FromException(cause));
        }
    }
}
