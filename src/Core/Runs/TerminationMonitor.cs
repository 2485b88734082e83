using Polyphony.Core.Definitions;
using Polyphony.Core.Graph;
using Polyphony.Core.Payloads;

namespace Polyphony.Core.Runs;

/// <summary>Looks whether a run's termination conditions are met.</summary>
internal sealed class TerminationMonitor(RunContext run, NodeSchedule schedule)
{
    private readonly TerminationCount? _count =
        run.Plan.Definition.Termination is { } condition ? new TerminationCount(condition, ExpressionSiteKind.Termination, run.Calls) : null;

    private readonly SortedDictionary<string, (int Node, NodeResult Result)> _pending = new(StringComparer.Ordinal);

    /// <summary>Gets the order of the message at which the run stopped: what comes after it does not count.</summary>
    public string? Order { get; private set; }

    /// <summary>Gets the messages that are not counted yet.</summary>
    public IEnumerable<NodeResult> Pending => _pending.Values.Select(pair => pair.Result);

    /// <summary>Gets a value indicating whether some messages are not counted yet: one of them may be where the run stops.</summary>
    public bool HasPending => _pending.Count > 0;

    /// <summary>Gets what was counted so far; <see langword="null"/> without a condition.</summary>
    /// <param name="save">Makes what the state keeps of a result.</param>
    public TerminationState? Save(Func<int, NodeResult, SavedResult> save) => _count is null
        ? null
        : new TerminationState(_count.Messages, _count.Tokens, [.. _count.Met], [.. _pending.Values.Select(pair => save(pair.Node, pair.Result))]);

    public void Restore(TerminationState state, Func<SavedResult, NodeResult> restore)
    {
        _count?.Restore(state.Messages, state.Tokens, state.Met);
        foreach (var pending in state.Pending)
        {
            var result = restore(pending);
            _pending[result.Order] = (pending.Node, result);
        }
    }

    /// <summary>Puts others in the place of the messages that are not counted yet.</summary>
    public void Replace(Func<NodeResult, NodeResult> moved)
    {
        foreach (var (order, (node, result)) in _pending.ToList())
        {
            _pending[order] = (node, moved(result));
        }
    }

    /// <summary>
    /// Counts messages in the order of the graph, each only once no earlier one can still come, and looks at the conditions after each: whether and where a
    /// run stops does not depend on timing.
    /// </summary>
    public async Task CheckAsync()
    {
        if (_count is not { } count || _pending.Count == 0 || run.Stop.IsRequested)
        {
            return;
        }

        string? frontier = null;
        for (var node = 0; node < run.Graph.Nodes.Length; node++)
        {
            if (schedule.State.Nodes[node].Phase is NodePhase.Pending or NodePhase.Ready or NodePhase.Running)
            {
                var order = schedule.OrderOf(node);
                frontier = frontier is null || string.CompareOrdinal(order, frontier) < 0 ? order : frontier;
            }
        }

        while (_pending.Count > 0 && !run.Stop.IsRequested)
        {
            var (order, (node, message)) = _pending.First();
            if (frontier is not null && string.CompareOrdinal(order, frontier) > 0)
            {
                return;
            }

            _pending.Remove(order);
            await AddAsync(count, node, message);
            if (count.Reason(Elapsed) is { } reason)
            {
                Order = order;
                run.Stop.Request(reason);
            }
        }
    }

    private TimeSpan Elapsed => run.Now - run.StartedTime;

    private async Task AddAsync(TerminationCount count, int node, NodeResult message)
    {
        var name = run.Graph.Nodes[node].Name;
        var scope = new CallScope
        {
            DefinitionHash = run.Input.DefinitionHash,
            RootInstanceId = run.Calls.RootInstanceId,
            RootWorkflow = run.Input.RootWorkflow,
            InstanceId = run.LogicalId,
            Node = name,
            Activation = name,
            Input = run.Input.Input,
            Message = run.Input.Message?.Scope,
        };
        var error = await count.AddAsync(
            new ContextMessage(name, message.Role ?? "", message.Output ?? Payload.Null, message.Agent),
            message.Tokens,
            run.Budget.Used,
            scope,
            from => run.Plan.Matches(new MessageFilter { From = from }, node));
        if (error is not null)
        {
            run.Stop.Request(StopReason.Failed, new WorkflowError(name, error.Code, error.Message), finishCalls: true);
        }
    }

    /// <summary>Takes note of a message, which counts once no earlier one can come.</summary>
    public void Count(int node, NodeResult result)
    {
        if (_count is not null && result is { Status: NodeResult.Completed, Role: not null })
        {
            _pending[result.Order] = (node, result);
        }
    }

    /// <summary>Times in termination conditions: when one comes, the conditions are looked at again.</summary>
    public void WatchTimes(RunSignal signal)
    {
        if (_count is { } count && run.Plan.Definition.Termination is { } termination)
        {
            foreach (var timeout in ExpressionSites.Leaves(termination).OfType<TimeoutTermination>())
            {
                _ = signal.WatchAsync(run.Calls.CreateTimerAsync(run.StartedTime + timeout.After, run.Stop.Token), () =>
                {
                    if (count.Reason(Elapsed) is { } reason)
                    {
                        run.Stop.Request(reason);
                    }
                });
            }
        }
    }
}
