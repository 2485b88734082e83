using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;

namespace Polyphony.Engine.Orchestrations;

/// <summary>
/// The orchestrator code of one generation, running or waiting in memory. Each event of a step is applied in turn, and the code runs
/// on until it waits again before the next is applied: the same in the first run and in a replay.
/// </summary>
/// <remarks>
/// Code runs only inside <see cref="Start"/> and <see cref="Apply"/>, under its own synchronisation context. Tasks are completed
/// there too, so that continuations run at once and in order. Code that shows up on another thread, or is posted back while no step is
/// under way, waited for something that is not in the history.
/// </remarks>
internal sealed partial class Execution : OrchestrationContext
{
    [ThreadStatic]
    private static Execution? _current;

    private readonly ExecutionFacts _facts;
    private readonly Context _context;
    private readonly List<HistoryEvent> _actions = [];
    private readonly Dictionary<int, OpenTask> _open = [];
    private Queue<(SendOrPostCallback Callback, object? State)>? _posted;
    private Dictionary<string, OpenTask>? _waits;
    private List<EventRaised>? _buffered;
    private List<int>? _cancelledTimers;
    private Task<string?>? _code;
    private int _nextTask;
    private int _nextGuid;
    private DateTimeOffset _now;
    private bool _replaying;

    internal Execution(ExecutionFacts facts)
    {
        _facts = facts;
        _context = new Context(this);
    }

    /// <summary>Gets the code's task once it has ended.</summary>
    internal Task<string?>? Ended => _code is { IsCompleted: true } ? _code : null;

    internal bool HasStarted => _code is not null;

    /// <summary>Gets a value indicating whether the code waits for something that the history can bring.</summary>
    internal bool Waits => _open.Count > 0 || _waits is { Count: > 0 };

    /// <summary>Gets what the code did that it must not do.</summary>
    internal string? Illegal { get; private set; }

    internal bool ContinuesAsNew { get; private set; }

    internal string? NextInput { get; private set; }

    internal bool CustomStatusSet { get; private set; }

    internal string? CustomStatus { get; private set; }

    internal bool PreservesEvents { get; private set; }

    /// <summary>Gets events that nobody has waited for, oldest first.</summary>
    internal IReadOnlyList<EventRaised> UnprocessedEvents => _buffered ?? [];

    internal void BeginStep(DateTimeOffset time, bool replaying)
    {
        _now = time;
        _replaying = replaying;
        CustomStatusSet = false;
    }

    /// <summary>Runs the code from its beginning until it waits.</summary>
    internal void Start(OrchestrationFunction function, string? input) => Run(() =>
    {
        try
        {
            _code = function(this, input);
        }
        catch (Exception e)
        {
            // A function that is not async throws directly; that is the same failure.
            _code = Task.FromException<string?>(e);
        }
    });

    /// <summary>Says whether an event would change anything.</summary>
    internal bool Expects(HistoryEvent arrived) => HistoryEvents.TaskIdOfResult(arrived) is not { } task || _open.ContainsKey(task);

    /// <summary>Applies an event and runs the code on until it waits again.</summary>
    internal void Apply(HistoryEvent arrived) => Run(() =>
    {
        switch (arrived)
        {
            case EventRaised raised when _waits is not null && _waits.Remove(raised.Name, out var wait):
                wait.Complete(raised.Payload);
                break;
            case EventRaised raised:
                (_buffered ??= []).Add(raised);
                break;
            default:
                if (HistoryEvents.TaskIdOfResult(arrived) is { } id && _open.Remove(id, out var task))
                {
                    task.Complete(arrived);
                }

                break;
        }
    });

    /// <summary>Takes what the code asked for since the last time.</summary>
    internal List<HistoryEvent> TakeActions()
    {
        var actions = new List<HistoryEvent>(_actions);
        _actions.Clear();
        return actions;
    }

    internal IReadOnlyList<HistoryEvent> PeekActions() => _actions;

    /// <summary>Takes away the first actions, which are in the history.</summary>
    internal void DropActions(int count) => _actions.RemoveRange(0, count);

    internal List<int>? TakeCancelledTimers()
    {
        var cancelled = _cancelledTimers;
        _cancelledTimers = null;
        return cancelled;
    }

    private void Run(Action start)
    {
        var outer = SynchronizationContext.Current;
        var outerExecution = _current;
        SynchronizationContext.SetSynchronizationContext(_context);
        _current = this;
        try
        {
            start();
            while (_posted is not null && _posted.TryDequeue(out var next))
            {
                next.Callback(next.State);
            }
        }
        finally
        {
            _current = outerExecution;
            SynchronizationContext.SetSynchronizationContext(outer);
        }
    }

    private void Post(SendOrPostCallback callback, object? state)
    {
        if (_current == this)
        {
            (_posted ??= new()).Enqueue((callback, state));
            return;
        }

        Report("awaited a task that is not one of its context's calls (such as Task.Delay, Task.Run or I/O), which has completed now");
    }

    private void Report(string what)
    {
        Illegal ??= what;
        _facts.OnIllegalAwait(this);
    }

    private void CheckInside()
    {
        if (_current != this)
        {
            const string What = "used its context outside its own flow (after ConfigureAwait(false), in Task.Run, or from another thread)";
            Report(What);
            throw new InvalidOperationException($"The code of orchestration \"{_facts.Name}\", instance \"{_facts.Id}\", {What}.");
        }
    }

    private sealed class Context(Execution execution) : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state) => execution.Post(d, state);

        public override void Send(SendOrPostCallback d, object? state) =>
            throw new NotSupportedException("Orchestrator code runs one continuation at a time; nothing can be sent to it synchronously.");

        public override SynchronizationContext CreateCopy() => this;
    }

    /// <summary>A task that the history completes.</summary>
    private sealed class OpenTask(string name) : TaskCompletionSource<string?>
    {
        private CancellationTokenRegistration _registration;

        internal void CancelOn(Action cancelled, CancellationToken token)
        {
            if (token.CanBeCanceled)
            {
                _registration = token.Register(cancelled);
            }
        }

        internal void Complete(string? result)
        {
            _registration.Dispose();
            TrySetResult(result);
        }

        private void Fail(FailureDetails details)
        {
            _registration.Dispose();
            TrySetException(new TaskFailedException(name, details));

            // Code may ignore a failed task; that is no unobserved exception of the process.
            _ = Task.Exception;
        }

        internal void Complete(HistoryEvent arrived)
        {
            switch (arrived)
            {
                case TaskCompleted e:
                    Complete(e.Result);
                    break;
                case SubOrchestrationCompleted e:
                    Complete(e.Result);
                    break;
                case EntityOperationCompleted e:
                    Complete(e.Result);
                    break;
                case TimerFired:
                    Complete((string?)null);
                    break;
                case TaskFailed e:
                    Fail(e.FailureDetails);
                    break;
                case SubOrchestrationFailed e:
                    Fail(e.FailureDetails);
                    break;
                case EntityOperationFailed e:
                    Fail(e.FailureDetails);
                    break;
                default:
                    throw new UnreachableException();
            }
        }
    }
}

/// <summary>What an execution knows of its instance.</summary>
internal sealed class ExecutionFacts
{
    internal required string Name { get; init; }

    internal required string Id { get; init; }

    internal required int Generation { get; init; }

    internal required ParentInstance? Parent { get; init; }

    internal required ILoggerFactory Loggers { get; init; }

    /// <summary>Gets a value indicating whether a replay compares what the code passes to others.</summary>
    internal required bool ComparesInputs { get; init; }

    internal required Action<Execution> OnIllegalAwait { get; init; }
}
