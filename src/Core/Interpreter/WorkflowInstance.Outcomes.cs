using System.Text.Json;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;

namespace Polyphony.Core.Interpreter;

/// <content>Outcomes, and the end of a run.</content>
internal sealed partial class WorkflowInstance
{
    private const int MaxOutcomeLists = 60;

    /// <summary>Up to so many bytes the lists themselves, most of them references, are a part of the run's result.</summary>
    private const int MaxResultBytes = 6 * 1024;

    private readonly List<Payload> _outcomeLists = [];
    private readonly List<Task> _housekeeping = [];
    private List<byte[]> _outcomes = [];
    private int _outcomeBytes;

    private int MaxOutcomeBytes => (_run.Revision >= 2 ? 32 : 16) * 1024;

    /// <summary>Keeps an outcome until there are enough of them to go to the payload store. They are written once, here.</summary>
    /// <returns>The outcome, UTF-8 JSON.</returns>
    private byte[] AddOutcome(Outcome outcome)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(outcome, CoreJsonContext.Default.Outcome);
        _outcomes.Add(json);
        _outcomeBytes += SizeOf(outcome.Result);
        if (_outcomeBytes > MaxOutcomeBytes)
        {
            _housekeeping.Add(StoreOutcomesAsync());
        }

        return json;
    }

    // An estimate, so that when they are stored does not depend on how exactly they are written.
    private static int SizeOf(Payload? result) => RunCalls.SizeOf(result) + 400;

    private void AddOutcomeList(Payload list)
    {
        _outcomeLists.Add(list);
        if (_outcomeLists.Count > MaxOutcomeLists)
        {
            _housekeeping.Add(JoinOutcomeListsAsync());
        }
    }

    private async Task StoreOutcomesAsync()
    {
        var batch = _outcomes;
        _outcomes = [];
        _outcomeBytes = 0;
        AddOutcomeList(await _calls.PackAsync(batch));
    }

    private async Task JoinOutcomeListsAsync()
    {
        var batch = _outcomeLists.ToList();
        _outcomeLists.Clear();
        _outcomeLists.Add(await _calls.PackAsync(batch, PackMode.Concat));
    }

    private async Task SettleHousekeepingAsync()
    {
        while (_housekeeping.Count > 0)
        {
            var tasks = _housekeeping.ToList();
            _housekeeping.Clear();
            await Task.WhenAll(tasks);
        }
    }

    private async Task<WorkflowResult> FinishAsync()
    {
        // A run out of time does not wait for anything any more, its last bookkeeping aside.
        var reason = _stop.Reason ?? LoopStopReason() ?? StopReason.Completed;
        var error = _stop.Error;
        Payload? output = null;
        ShowStopped();
        await KeepFinishedItemsAsync();
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

        await SettleHousekeepingAsync();
        if (_outcomes.Count > 0)
        {
            await StoreOutcomesAsync();
        }

        _stop.Request(reason, error);
        PublishProgress();
        var outcomes = await CollectOutcomesAsync();
        return new WorkflowResult
        {
            StopReason = reason,
            Output = output,
            Error = error,
            Usage = _budget.Used,
            Outcomes = outcomes.Count == 1 ? outcomes[0] : null,
            OutcomeLists = outcomes.Count == 1 ? null : outcomes,
        };
    }

    /// <summary>Gets all outcomes as one list in order; as several, if joining them would take a call.</summary>
    private async Task<IReadOnlyList<Payload>> CollectOutcomesAsync()
    {
        if (_outcomeLists.Count == 0)
        {
            return [EmptyList];
        }

        return _run.Revision >= 2
            && RunCalls.TryPackHere(_outcomeLists, PackMode.Outcomes) is null
            && _outcomeLists.Sum(RunCalls.SizeOf) <= MaxResultBytes
                ? [.. _outcomeLists]
                : [await _calls.PackAsync([.. _outcomeLists], PackMode.Outcomes)];
    }

    /// <summary>Loops that ended by their cap, or without progress, say so at the end: the first in the order of the graph.</summary>
    private StopReason? LoopStopReason()
    {
        foreach (var loop in _graph.Loops)
        {
            if (loop.Phase is LoopPhase.CapReached or LoopPhase.NoProgress)
            {
                return loop.Phase == LoopPhase.CapReached ? StopReason.MaxRounds : StopReason.NoProgress;
            }
        }

        return null;
    }

    private async Task<EvaluateResult> OutputAsync()
    {
        var values = new Dictionary<string, NodeValue>(StringComparer.Ordinal);
        var site = new ExpressionSite(ExpressionSiteKind.Output);
        var reads = _plan.ReadsOf(-1, site);
        foreach (var node in reads.Nodes)
        {
            values[Graph.Nodes[node].Name] = FinalOf(node)?.ToValue() ?? new NodeValue { Status = "pending" };
        }

        if (_plan.Definition.Output is null && values.Count == 1)
        {
            // The last node's output as it is, wherever it is.
            return new EvaluateResult(values.Values.Single().Output ?? Payload.Null);
        }

        return await _calls.EvaluateAsync(site, new CallScope
        {
            DefinitionHash = _run.DefinitionHash,
            RootInstanceId = _calls.RootInstanceId,
            InstanceId = _logicalId,
            Node = "",
            Activation = "",
            Input = reads.Input ? _run.Input : null,
            Nodes = values,
        });
    }

    /// <summary>Gets a node's result for the output: its last, whichever round that was.</summary>
    private NodeResult? FinalOf(int node)
    {
        var result = _results[node];
        for (var loop = Graph.InnermostLoop[node]; result is null && loop >= 0; loop = Graph.Loops[loop].Parent)
        {
            result = _snapshots[loop][node];
        }

        return result is not null && _terminationOrder is { } order && string.CompareOrdinal(result.Order, order) > 0 ? null : result;
    }

    /// <summary>
    /// Ends a failed run by an activity that throws, so that the engine shows it as failed and can rewind it. When that activity returns, the run was
    /// rewound: what failed or was stopped runs again, and what was answered before comes from the ledger.
    /// </summary>
    private async Task FailAsync(WorkflowResult result)
    {
        _failures++;
        PublishProgress(result);
        try
        {
            await _calls.FailAsync(new FailCall(_context.InstanceId, _failures, result.Error ?? new WorkflowError(null, "failed", "The workflow failed.")));
        }
        catch (Durable.TaskFailedException failed)
        {
            throw new PolyphonyException(failed.FailureDetails.ErrorType, failed.FailureDetails.ErrorMessage);
        }

        _stop.Reset();
        _isOutOfTime = false;
        _itemOutcomes.Clear();
        _runner = NewRunner();
        for (var node = 0; node < Graph.Nodes.Length; node++)
        {
            if (_graph.Nodes[node].Phase is NodePhase.Failed or NodePhase.Running)
            {
                _results = _results.SetItem(node, null);
                _graph = _graph.Retry(node);
                CollectReady();
                _progress[node] = new NodeProgress { Node = Graph.Nodes[node].Name, Status = "pending", Round = _graph.Nodes[node].Round };
            }
        }
    }
}
