using Polyphony.Core.Graph;
using Polyphony.Core.Payloads;

namespace Polyphony.Core.Runs;

/// <summary>Makes the result of a run when it ends: why it ended, its output, and its outcomes.</summary>
internal sealed class ResultBuilder(
    RunContext run, NodeSchedule schedule, ResultStore results, OutcomeLog outcomes, ProgressReporter progress, TerminationMonitor termination, ForEachRunner forEach, SharedState shared)
{
    public async Task<WorkflowResult> BuildAsync()
    {
        // A run out of time does not wait for anything any more, its last bookkeeping aside.
        var reason = run.Stop.Reason ?? LoopStopReason() ?? StopReason.Completed;
        var error = run.Stop.Error;
        Payload? output = null;
        progress.ShowStopped();
        await forEach.KeepFinishedAsync();
        var evaluated = await OutputAsync();
        if (evaluated.Error is { } failed && reason is StopReason.Completed)
        {
            reason = StopReason.Failed;
            error = new WorkflowError(null, failed.Code, failed.Message);
        }
        else
        {
            output = evaluated.Value;
        }

        IReadOnlyDictionary<string, Payload>? state = null;
        if (shared.Exists)
        {
            (reason, error, state) = await StateAsync(reason, error);
        }

        await outcomes.FlushAsync();
        run.Stop.Request(reason, error);
        progress.Publish();
        var lists = await outcomes.CollectAsync();
        return new WorkflowResult
        {
            StopReason = reason,
            Output = output,
            Error = error,
            Usage = run.Budget.Used,
            State = state,
            Published = run.Publications.Held,
            Outcomes = lists.Count == 1 ? lists[0] : null,
            OutcomeLists = lists.Count == 1 ? null : lists,
        };
    }

    /// <summary>Loops that ended by their cap, or without progress, say so at the end: the first in the order of the graph.</summary>
    private StopReason? LoopStopReason()
    {
        foreach (var loop in schedule.State.Loops)
        {
            if (loop.Phase is LoopPhase.CapReached or LoopPhase.NoProgress)
            {
                return loop.Phase == LoopPhase.CapReached ? StopReason.MaxRounds : StopReason.NoProgress;
            }
        }

        return null;
    }

    /// <summary>Reads the state as it is at the end.</summary>
    private async Task<(StopReason Reason, WorkflowError? Error, IReadOnlyDictionary<string, Payload>? State)> StateAsync(StopReason reason, WorkflowError? error)
    {
        try
        {
            return (reason, error, await shared.ReadAllAsync(termination.Order));
        }
        catch (Exception exception) when (RunCalls.ErrorOf(exception) is { } failed)
        {
            return reason == StopReason.Completed ? (StopReason.Failed, new WorkflowError(null, failed.Code, failed.Message), null) : (reason, error, null);
        }
    }

    private Dictionary<string, NodeValue> ValuesOf(ExpressionSite site)
    {
        var values = new Dictionary<string, NodeValue>(StringComparer.Ordinal);
        foreach (var node in run.Plan.ReadsOf(-1, site).Nodes)
        {
            values[run.Graph.Nodes[node].Name] = results.FinalOf(node, termination.Order)?.ToValue() ?? new NodeValue { Status = "pending" };
        }

        return values;
    }

    private async Task<EvaluateResult> OutputAsync()
    {
        var site = new ExpressionSite(ExpressionSiteKind.Output);
        var values = ValuesOf(site);
        if (run.Plan.Definition.Output is null && values.Count == 1)
        {
            // The last node's output as it is, wherever it is.
            return new EvaluateResult(values.Values.Single().Output ?? Payload.Null);
        }

        var reads = run.Plan.ReadsOf(-1, site);
        try
        {
            return await run.Calls.EvaluateAsync(site, ScopeOf(reads, values, reads.State.IsEmpty ? null : await shared.ReadFinalAsync(reads.State, termination.Order)));
        }
        catch (CallFailedException failed)
        {
            return new EvaluateResult(null, failed.Error);
        }
    }

    private CallScope ScopeOf(WorkflowPlan.Reads reads, Dictionary<string, NodeValue> values, IReadOnlyDictionary<string, Payload>? state) => new()
    {
        DefinitionHash = run.Input.DefinitionHash,
        RootInstanceId = run.Calls.RootInstanceId,
        RootWorkflow = run.Input.RootWorkflow,
        InstanceId = run.LogicalId,
        Node = "",
        Activation = "",
        Input = reads.Input ? run.Input.Input : null,
        Message = run.Input.Message?.Scope,
        State = state,
        Nodes = values,
    };
}
