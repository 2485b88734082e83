using System.Text.Json;
using Polyphony.Core.CodeFirst;
using Polyphony.Core.Durable;
using Polyphony.Core.Graph;
using Polyphony.Core.Json;
using Polyphony.Core.Telemetry;

namespace Polyphony.Core.Runs;

/// <summary>
/// One instance of a workflow: the orchestrator function that runs any workflow file.
/// </summary>
/// <remarks>
/// A main loop owns the state. It launches what is ready, then sleeps until something has ended, applies that, and looks again. Each node runs
/// as its own asynchronous method beside the loop (<see cref="NodeRunner"/>); it evaluates its expressions, takes a slot, runs its activations,
/// decides its edges, and leaves its end in a queue. Nothing but the loop changes the graph and the results.
/// </remarks>
internal sealed class WorkflowRunner
{
    private readonly RunContext _run;
    private readonly RunSignal _signal = new();
    private readonly Queue<NodeEnd> _ended = new();
    private readonly NodeSchedule _schedule;
    private readonly ResultStore _results;
    private readonly SharedState _shared;
    private readonly ProgressReporter _progress;
    private readonly TerminationMonitor _termination;
    private readonly ActivationSlots _slots;
    private readonly ForEachRunner _forEach;
    private readonly NodeRunner _nodes;
    private readonly Continuation _continuation;
    private readonly ResultBuilder _result;
    private bool _isOutOfTime;

    public WorkflowRunner(OrchestrationContext context, WorkflowInput input, PlanCache plans, InterpreterOptions options, CodeWorkflows? code)
    {
        var waits = new WaitStates();
        _run = new RunContext(context, input, plans, options, code);
        var outcomes = new OutcomeLog(_run.Calls);
        _schedule = new NodeSchedule(_run.Plan);
        _results = new ResultStore(_run.Plan, _schedule);
        _shared = new SharedState(_run.Plan, _schedule, _run.Calls);
        _progress = new ProgressReporter(_run, _schedule, waits, _signal, _shared);
        _termination = new TerminationMonitor(_run, _schedule);
        var codec = new StateCodec(_run, _schedule, _results, outcomes, waits, _progress, _termination, _shared);
        if (input.State is { } state)
        {
            codec.Restore(state);
        }
        else
        {
            _shared.Begin(input.Message?.State);
        }

        var contexts = new ContextBuilder(_run, _schedule, _results, _shared);
        _slots = new ActivationSlots(_run, _progress, outcomes, _signal);
        _forEach = new ForEachRunner(_run, _schedule, _results, contexts, _slots, waits, outcomes, _progress, _signal);
        _nodes = new NodeRunner(_run, _schedule, contexts, _slots, waits, outcomes, _progress, _forEach, _signal);
        _continuation = new Continuation(_run, _schedule, _results, outcomes, waits, _progress, _termination, _slots, codec, _shared, _signal);
        _result = new ResultBuilder(_run, _schedule, _results, outcomes, _progress, _termination, _forEach, _shared);
    }

    /// <summary>Runs the instance to the end of this generation.</summary>
    /// <returns>The result, JSON; <see langword="null"/> if it continued as new.</returns>
    public async Task<string?> RunAsync()
    {
        if (_run.Input.Place is { Keeper: null } place)
        {
            _progress.ShowStart(new PendingWait("", PendingWait.Place, null, null, null) { Lock = place.Name });
            await _run.Locks.TakePlaceAsync(place);
            _progress.ShowStart(null);

            // What it waited does not count for its time limit.
            _run.StartedTime = _run.Now;
        }

        while (true)
        {
            // These end with the run, or with its failure.
            WatchTimeLimit();
            WatchStopEvents();
            _termination.WatchTimes(_signal);
            if (!await RunGraphAsync())
            {
                return null;
            }

            // What a call holds that nobody waits for any more.
            _run.Locks.ReleaseAll();

            var result = await _result.BuildAsync();
            if (RunTrace.IsSampled(_run.Input.Trace))
            {
                await _run.Calls.TraceEndAsync(TracedEnd.Of(_run, result));
            }

            if (result.StopReason != StopReason.Failed || !_run.IsRoot)
            {
                return JsonSerializer.Serialize(result, CoreJsonContext.Default.WorkflowResult);
            }

            await FailAsync(result);
        }
    }

    /// <summary>The main loop: until the graph is finished, the run is stopped, or it continues as new.</summary>
    /// <returns>Whether the run has ended; false: it continued as new.</returns>
    private async Task<bool> RunGraphAsync()
    {
        while (true)
        {
            LaunchReady();
            while (_ended.TryDequeue(out var end))
            {
                Apply(end);
                await _termination.CheckAsync();
                if (!_termination.HasPending && !_run.Stop.IsRequested)
                {
                    _shared.Compact();
                }

                LaunchReady();
            }

            ThrowIfFaulted();
            _progress.Publish();
            if (HasEnded())
            {
                return true;
            }

            if (await _continuation.TryContinueAsNewAsync(_ended))
            {
                return false;
            }

            if (_ended.Count == 0 && !_signal.IsFaulted)
            {
                await _signal.WaitAsync();
            }
        }
    }

    private void ThrowIfFaulted()
    {
        if (_signal.IsFaulted)
        {
            // Durable Task ends no instance that has timers set and calls under way.
            _run.Stop.Request(StopReason.Failed);
            _signal.ThrowIfFaulted();
        }
    }

    private bool HasEnded() => _run.Stop.IsRequested
        ? _schedule.UnderWay.Count == 0 || _isOutOfTime || _run.Stop.Reason == StopReason.Timeout
        : _schedule.State.IsFinished && _schedule.UnderWay.Count == 0;

    private void LaunchReady()
    {
        if (_run.Stop.IsRequested || _continuation.IsDraining)
        {
            return;
        }

        // A node that runs leaves its end in a queue, so the state changes here alone.
        while (_schedule.StartNext() is { } node)
        {
            _ = _nodes.RunAsync(node, _ended);
        }
    }

    private void Apply(NodeEnd end)
    {
        _schedule.Leave(end.Node);
        if (end.Result is not { } result)
        {
            // Stopped before it had a result. It stays as running: the run ends, or sets it back after a rewind.
            return;
        }

        _continuation.HasApplied = true;
        var before = _schedule.State;
        var kept = _results.Keep(end.Node, result);
        switch (result.Status)
        {
            case NodeResult.Completed:
                _shared.Add(end.Node, end.Written ?? StateChange.None);
                _schedule.Complete(end.Node, end.Decisions!, end.Digest);
                break;
            case NodeResult.Skipped:
                _schedule.Skip(end.Node);
                break;
            default:
                _schedule.Fail(end.Node);

                // What is under way may be of use after a rewind.
                _run.Stop.Request(StopReason.Failed, new WorkflowError(end.FailedActivation, result.Error!.Code, result.Error.Message), finishCalls: true);
                break;
        }

        _results.Follow(before);
        _progress.Follow(before);
        _termination.Count(end.Node, kept);
    }

    private void WatchTimeLimit()
    {
        if (_run.Limits.TimeoutMs is { } milliseconds)
        {
            // It holds for a run that has failed too, while that waits for its calls under way.
            _ = _signal.WatchAsync(
                _run.Calls.CreateTimerAsync(_run.StartedTime + TimeSpan.FromMilliseconds(milliseconds), _run.Stop.Calls),
                () =>
                {
                    _isOutOfTime = true;
                    _run.Stop.Request(StopReason.Timeout);
                });
        }
    }

    /// <summary>A parent that stops asks its children to stop too, with what they have.</summary>
    private void WatchStopEvents()
    {
        if (!_run.IsRoot)
        {
            _ = _signal.WatchAsync(_run.Calls.WaitForEventAsync(EventNames.Stop, _run.Stop.Calls), () => _run.Stop.Request(StopReason.Cancelled));
            _ = _signal.WatchAsync(_run.Calls.WaitForEventAsync(EventNames.Finish, _run.Stop.Calls), () => _run.Stop.Request(StopReason.Cancelled, finishCalls: true));
        }
    }

    /// <summary>
    /// Ends a failed run by an activity that throws, so that the engine shows it as failed and can rewind it. When that activity returns, the run was
    /// rewound: what failed or was stopped runs again, and what was answered before comes from the ledger.
    /// </summary>
    private async Task FailAsync(WorkflowResult result)
    {
        _run.Failures++;
        _progress.Publish(result);
        try
        {
            await _run.Calls.FailAsync(
                new FailCall(_run.Durable.InstanceId, _run.Failures, result.Error ?? new WorkflowError(null, "failed", "The workflow failed.")));
        }
        catch (TaskFailedException failed)
        {
            throw new PolyphonyException(failed.FailureDetails.ErrorType, failed.FailureDetails.ErrorMessage);
        }

        _run.Stop.Reset();
        _isOutOfTime = false;
        _forEach.Reset();
        _slots.Renew();
        for (var node = 0; node < _run.Graph.Nodes.Length; node++)
        {
            if (_schedule.State.Nodes[node].Phase is NodePhase.Failed or NodePhase.Running)
            {
                _results.Set(node, null);
                _schedule.Retry(node);
                _progress.Reset(node);
            }
        }
    }
}
