using System.Text.Json;
using Polyphony.Core.Definitions;
using Polyphony.Core.Graph;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;

namespace Polyphony.Core.Runs;

/// <summary>Looks whether a run's termination conditions are met.</summary>
internal sealed class TerminationMonitor(RunContext run, NodeSchedule schedule)
{
    private readonly TerminationCondition? _condition = run.Plan.Definition.Termination;
    private readonly SortedDictionary<string, (int Node, NodeResult Result)> _pending = new(StringComparer.Ordinal);
    private readonly HashSet<int> _met = [];
    private int _messages;
    private long _tokens;

    /// <summary>Gets the order of the message at which the run stopped: what comes after it does not count.</summary>
    public string? Order { get; private set; }

    /// <summary>Gets the messages that are not counted yet.</summary>
    public IEnumerable<NodeResult> Pending => _pending.Values.Select(pair => pair.Result);

    /// <summary>Gets what was counted so far; <see langword="null"/> without a condition.</summary>
    /// <param name="save">Makes what the state keeps of a result.</param>
    public TerminationState? Save(Func<int, NodeResult, SavedResult> save) => _condition is null
        ? null
        : new TerminationState(_messages, _tokens, [.. _met.Order()], [.. _pending.Values.Select(pair => save(pair.Node, pair.Result))]);

    public void Restore(TerminationState state, Func<SavedResult, NodeResult> restore)
    {
        _messages = state.Messages;
        _tokens = state.Tokens;
        _met.UnionWith(state.Met);
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
        if (_condition is not { } termination || _pending.Count == 0 || run.Stop.IsRequested)
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
            _messages++;
            _tokens += message.Tokens;
            await MeetAsync(termination, node, message);
            if (ReasonOf(termination, new ConditionCounter()) is { } reason)
            {
                Order = order;
                run.Stop.Request(reason);
            }
        }
    }

    /// <summary>Looks which conditions about single messages a message meets; once met, they stay met.</summary>
    private async Task MeetAsync(TerminationCondition termination, int node, NodeResult message)
    {
        var conditions = ExpressionSites.TerminationConditions(termination);
        for (var i = 0; i < conditions.Count; i++)
        {
            if (_met.Contains(i)
                || (conditions[i] is TextMentionTermination { From: { } from } && !run.Plan.Matches(new MessageFilter { From = from }, node)))
            {
                continue;
            }

            var value = await run.Calls.EvaluateAsync(new ExpressionSite(ExpressionSiteKind.Termination, i), new CallScope
            {
                DefinitionHash = run.Input.DefinitionHash,
                RootInstanceId = run.Calls.RootInstanceId,
                InstanceId = run.LogicalId,
                Node = run.Graph.Nodes[node].Name,
                Activation = run.Graph.Nodes[node].Name,
                Input = run.Input.Input,
                Variables = new Dictionary<string, Payload>(StringComparer.Ordinal)
                {
                    ["message"] = Payload.Inline(JsonSerializer.SerializeToElement(
                        new Dictionary<string, string> { ["node"] = run.Graph.Nodes[node].Name, ["agent"] = message.Agent ?? "", ["role"] = message.Role ?? "" },
                        CoreJsonContext.Default.DictionaryStringString)),
                    ["message.output"] = message.Output ?? Payload.Null,
                    ["usage"] = Payload.Inline(JsonSerializer.SerializeToElement(run.Budget.Used, CoreJsonContext.Default.Usage)),
                },
            });
            if (value.Error is { } error)
            {
                run.Stop.Request(StopReason.Failed, new WorkflowError(run.Graph.Nodes[node].Name, error.Code, error.Message), finishCalls: true);
                return;
            }

            if (value.Value?.Json is { ValueKind: JsonValueKind.True })
            {
                _met.Add(i);
            }
        }
    }

    /// <summary>Gets the stop reason of a condition that holds. Every condition is looked at, so that those about messages are numbered as everywhere.</summary>
    private StopReason? ReasonOf(TerminationCondition condition, ConditionCounter counter) => condition switch
    {
        AnyTermination any => any.Conditions.Select(each => ReasonOf(each, counter)).ToList().Find(reason => reason is not null),
        AllTermination all => all.Conditions.Select(each => ReasonOf(each, counter)).ToList() is { Count: > 0 } reasons && reasons.TrueForAll(reason => reason is not null) ? reasons[^1] : null,
        MaxMessagesTermination max => _messages >= max.Count ? StopReason.MaxTurns : null,
        MaxTokensTermination max => _tokens >= max.Count ? StopReason.MaxTokens : null,
        TimeoutTermination timeout => run.Now >= run.StartedTime + timeout.After ? StopReason.Timeout : null,
        HandoffTermination => _met.Contains(counter.Next++) ? StopReason.Handoff : null,
        _ => _met.Contains(counter.Next++) ? StopReason.Completed : null,
    };

    /// <summary>Takes note of a message, which counts once no earlier one can come.</summary>
    public void Count(int node, NodeResult result)
    {
        if (_condition is not null && result is { Status: NodeResult.Completed, Role: not null })
        {
            _pending[result.Order] = (node, result);
        }
    }

    /// <summary>Times in termination conditions: when one comes, the conditions are looked at again.</summary>
    public void WatchTimes(RunSignal signal)
    {
        if (_condition is { } termination)
        {
            foreach (var timeout in ExpressionSites.Leaves(termination).OfType<TimeoutTermination>())
            {
                _ = signal.WatchAsync(run.Calls.CreateTimerAsync(run.StartedTime + timeout.After, run.Stop.Token), () =>
                {
                    if (ReasonOf(termination, new ConditionCounter()) is { } reason)
                    {
                        run.Stop.Request(reason);
                    }
                });
            }
        }
    }

    /// <summary>Numbers the conditions about single messages in document order.</summary>
    private sealed class ConditionCounter
    {
        public int Next { get; set; }
    }
}
