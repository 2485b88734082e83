using System.Text.Json;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;
using Polyphony.Core.Workflows;

namespace Polyphony.Core.Interpreter;

/// <content>Termination conditions.</content>
internal sealed partial class WorkflowInstance
{
    private readonly SortedDictionary<string, (int Node, NodeResult Result)> _uncounted = new(StringComparer.Ordinal);
    private readonly HashSet<int> _met = [];
    private int _countedMessages;
    private long _countedTokens;
    private string? _terminationOrder;

    /// <summary>
    /// Counts messages in the order of the graph, each only once no earlier one can still come, and looks at the conditions after each: whether and where a
    /// run stops does not depend on timing.
    /// </summary>
    private async Task CheckTerminationAsync()
    {
        if (_plan.Definition.Termination is not { } termination || _uncounted.Count == 0 || _stop.IsRequested)
        {
            return;
        }

        string? frontier = null;
        for (var node = 0; node < Graph.Nodes.Length; node++)
        {
            if (_graph.Nodes[node].Phase is NodePhase.Pending or NodePhase.Ready or NodePhase.Running)
            {
                var order = OrderOf(node);
                frontier = frontier is null || string.CompareOrdinal(order, frontier) < 0 ? order : frontier;
            }
        }

        while (_uncounted.Count > 0 && !_stop.IsRequested)
        {
            var (order, (node, message)) = _uncounted.First();
            if (frontier is not null && string.CompareOrdinal(order, frontier) > 0)
            {
                return;
            }

            _uncounted.Remove(order);
            _countedMessages++;
            _countedTokens += message.Tokens;
            await MeetAsync(termination, node, message);
            if (ReasonOf(termination, new Counter()) is { } reason)
            {
                _terminationOrder = order;
                _stop.Request(reason);
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
                || (conditions[i] is TextMentionTermination { From: { } from } && !_plan.Matches(new MessageFilter { From = from }, node)))
            {
                continue;
            }

            var value = await _calls.EvaluateAsync(new ExpressionSite(ExpressionSiteKind.Termination, i), new CallScope
            {
                DefinitionHash = _run.DefinitionHash,
                RootInstanceId = _calls.RootInstanceId,
                InstanceId = _logicalId,
                Node = Graph.Nodes[node].Name,
                Activation = Graph.Nodes[node].Name,
                Input = _run.Input,
                Variables = new Dictionary<string, Payload>(StringComparer.Ordinal)
                {
                    ["message"] = Payload.Inline(JsonSerializer.SerializeToElement(
                        new Dictionary<string, string> { ["node"] = Graph.Nodes[node].Name, ["agent"] = message.Agent ?? "", ["role"] = message.Role ?? "" },
                        CoreJsonContext.Default.DictionaryStringString)),
                    ["message.output"] = message.Output ?? Payload.Null,
                    ["usage"] = Payload.Inline(JsonSerializer.SerializeToElement(_budget.Used, CoreJsonContext.Default.Usage)),
                },
            });
            if (value.Error is { } error)
            {
                _stop.Request(StopReason.Failed, new WorkflowError(Graph.Nodes[node].Name, error.Code, error.Message), finishCalls: true);
                return;
            }

            if (value.Value?.Json is { ValueKind: JsonValueKind.True })
            {
                _met.Add(i);
            }
        }
    }

    /// <summary>Gets the stop reason of a condition that holds.</summary>
    private StopReason? ReasonOf(TerminationCondition condition, Counter counter)
    {
        switch (condition)
        {
            case AnyTermination any:
                StopReason? first = null;
                foreach (var each in any.Conditions)
                {
                    // Every condition is looked at, so that those about messages are numbered as everywhere.
                    var reason = ReasonOf(each, counter);
                    first ??= reason;
                }

                return first;
            case AllTermination all:
                StopReason? last = null;
                var holds = true;
                foreach (var each in all.Conditions)
                {
                    last = ReasonOf(each, counter);
                    holds &= last is not null;
                }

                return holds ? last : null;
            case MaxMessagesTermination max:
                return _countedMessages >= max.Count ? StopReason.MaxTurns : null;
            case MaxTokensTermination max:
                return _countedTokens >= max.Count ? StopReason.MaxTokens : null;
            case TimeoutTermination timeout:
                return _context.CurrentUtcDateTime >= _startedTime + timeout.After ? StopReason.Timeout : null;
            case HandoffTermination:
                return _met.Contains(counter.Next++) ? StopReason.Handoff : null;
            default:
                return _met.Contains(counter.Next++) ? StopReason.Completed : null;
        }
    }

    private void CountMessage(int node, NodeResult result)
    {
        if (_plan.Definition.Termination is not null && result is { Status: NodeResult.Completed, Role: not null })
        {
            _uncounted[result.Order] = (node, result);
        }
    }

    /// <summary>Times in termination conditions: when one comes, the conditions are looked at again.</summary>
    private void WatchTerminationTimes()
    {
        if (_plan.Definition.Termination is { } termination)
        {
            foreach (var timeout in ExpressionSites.Leaves(termination).OfType<TimeoutTermination>())
            {
                _ = WatchAsync(_calls.CreateTimerAsync(_startedTime + timeout.After, _stop.Token), () =>
                {
                    if (ReasonOf(termination, new Counter()) is { } reason)
                    {
                        _stop.Request(reason);
                    }
                });
            }
        }
    }

    /// <summary>Numbers the conditions about single messages in document order.</summary>
    private sealed class Counter
    {
        public int Next { get; set; }
    }
}
