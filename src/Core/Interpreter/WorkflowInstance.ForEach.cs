using System.Globalization;
using System.Text.Json;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;
using Polyphony.Core.Workflows;

namespace Polyphony.Core.Interpreter;

/// <content>Running a node over the items of a list.</content>
internal sealed partial class WorkflowInstance
{
    private static readonly Payload EmptyList = Payload.Inline(JsonElement.Parse("[]"u8));

    /// <summary>Of each <c>forEach</c> that runs: lists of outcomes, by the index of their first item. They arrive in any order, and are used in this one.</summary>
    private readonly Dictionary<int, SortedList<int, Payload>> _itemOutcomes = [];

    private async Task<NodeEnd> RunForEachAsync(int node)
    {
        var definition = Graph.Nodes[node];
        var reads = ReadsOf(node);
        var scope = ScopeOf(node, reads);
        var list = await _calls.EvaluateAsync(
            new ExpressionSite(ExpressionSiteKind.ForEach), ScopeOf(node, _plan.ReadsOf(node, new ExpressionSite(ExpressionSiteKind.ForEach))));
        if (list.Error is { } error)
        {
            return FailedNode(node, error);
        }

        if (CountOf(list.Value!) is not { } count)
        {
            return FailedNode(node, new CallError(
                ErrorCodes.ExpressionError,
                $"forEach of \"{definition.Name}\" needs a list, found {KindOf(list.Value!)}.",
                ErrorKind.Terminal));
        }

        if (count > WorkflowLimits.MaxItems)
        {
            return FailedNode(node, new CallError(
                ErrorCodes.TooManyItems,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"forEach of \"{definition.Name}\" takes up to {WorkflowLimits.MaxItems:N0} items, found {count:N0}. Divide the list, or run a sub-workflow for each part of it."),
                ErrorKind.Terminal));
        }

        SetItems(node, count);
        var items = new ItemsProgress();
        _itemOutcomes[node] = [];
        var divided = count > _options.MaxDirectItems && definition is (AgentNode or ToolNode or TransformNode);
        var outcomes = divided
            ? await RunChildrenAsync(node, scope, list.Value!, count, items)
            : await RunItemsAsync(node, scope, list.Value!, count, items);
        if (outcomes is null)
        {
            return new NodeEnd(node, null);
        }

        var end = await JoinAsync(node, outcomes, items, count);
        _itemOutcomes.Remove(node);
        return end;
    }

    /// <summary>Nodes that were stopped give the items that had ended: what is finished is not thrown away.</summary>
    private async Task KeepFinishedItemsAsync()
    {
        foreach (var (node, outcomes) in _itemOutcomes.OrderBy(pair => pair.Key).ToList())
        {
            if (outcomes.Count > 0)
            {
                _results = _results.SetItem(node, new NodeResult
                {
                    Status = NodeResult.Stopped,
                    Output = await _calls.PackAsync([.. outcomes.Values], PackMode.Results),
                    Order = OrderOf(node),
                });
            }
        }
    }

    /// <summary>Runs the items here, each in a slot of its own.</summary>
    private async Task<IReadOnlyList<Payload>?> RunItemsAsync(int node, CallScope scope, Payload list, int count, ItemsProgress progress)
    {
        var definition = Graph.Nodes[node];
        var template = await WithContextAsync(new Activation { Node = definition, Scope = scope, Order = OrderOf(node) }, node);
        var outcomes = new byte[count][];
        var gatherer = CallGatherer.For(_calls, definition);
        template = template with { Gatherer = gatherer };
        var ends = await (gatherer is null ? BeginItems() : gatherer.Hold(BeginItems));
        if (ends.Any(end => end.IsStopped))
        {
            return null;
        }

        return [await _calls.PackAsync(outcomes)];

        Task<ActivationEnd[]> BeginItems() => Task.WhenAll(Enumerable.Range(0, count).Select(RunItemAsync));

        async Task<ActivationEnd> RunItemAsync(int index)
        {
            var id = Activation.Name(definition.Name, index, scope.Round);
            var end = await RunInSlotAsync(template with
            {
                Order = $"{template.Order}.{index:D6}",
                Scope = scope with { Activation = id, Item = list.Item(index), Index = index },
                Wait = _carriedWaits.Remove(id, out var wait) ? wait : null,
            });
            if (end.Outcome is { } outcome)
            {
                progress.Add(outcome);
                outcomes[index] = AddOutcome(outcome);
                _itemOutcomes[node].Add(index, Payload.FromText(Packing.Write([outcomes[index]])));
                CountItem(node, outcome);
                Wake();
            }
            else
            {
                CountStopped(node, end.Stopped);
            }

            return end;
        }
    }

    /// <summary>
    /// Divides the items among child orchestrations, so that no history holds them all. Each child runs its part in the slots that it was given;
    /// as one ends, the next begins.
    /// </summary>
    private async Task<IReadOnlyList<Payload>?> RunChildrenAsync(int node, CallScope scope, Payload list, int count, ItemsProgress progress)
    {
        var definition = Graph.Nodes[node];
        var slots = _limits.MaxConcurrency ?? WorkflowLimits.DefaultMaxConcurrency;
        var (size, perChild) = Divide(count, slots);
        var template = await WithContextAsync(new Activation { Node = definition, Scope = scope, Order = OrderOf(node) }, node);
        if (list.IsInline)
        {
            // The list goes to every child: as a reference.
            list = (await _calls.StoreAllAsync([list]))[0];
        }

        template = template with { Scope = await _calls.ShrinkAsync(template.Scope, RunCalls.MaxCallBytes / 2) };
        var lists = await Task.WhenAll(Enumerable.Range(0, (count + size - 1) / size).Select(part => RunPartAsync(part * size, Math.Min(size, count - (part * size)))));
        return lists.Any(outcomes => outcomes is null) ? null : [.. lists.SelectMany(outcomes => outcomes!)];

        async Task<List<Payload>?> RunPartAsync(int start, int length)
        {
            var outcomes = new List<Payload>();
            for (var attempt = 1; ; attempt++)
            {
                var taken = await _slots.AcquireAsync(perChild);
                try
                {
                    if (definition is AgentNode)
                    {
                        await _budget.WaitForTurnsAsync(1, _stop.Token);
                    }

                    // What needs turns only when it fails is begun, and stopped when it comes back with nothing done.
                    if (!_stop.IsRequested && (definition is AgentNode || attempt > 1) && _budget.Reached is { } reached)
                    {
                        _stop.RequestAtLimit(reached);
                    }

                    if (_stop.IsRequested)
                    {
                        return null;
                    }

                    var part = await RunChildAsync(template, list, start, length, taken, attempt);
                    outcomes.Add(part.Outcomes);
                    if (part.Done > 0)
                    {
                        _itemOutcomes[node].Add(start, part.Outcomes);
                    }

                    progress.Add(part);
                    AddOutcomeList(part.Outcomes);
                    CountItems(node, part);
                    Wake();
                    if (part.StopReason == StopReason.Cancelled)
                    {
                        return null;
                    }

                    start += part.Done;
                    length -= part.Done;
                    if (length == 0)
                    {
                        return outcomes;
                    }

                    if (part.StopReason is not { } stopped || (part.Done == 0 && stopped is not (StopReason.MaxTokens or StopReason.MaxCost or StopReason.MaxTurns)))
                    {
                        throw new PolyphonyException("items_lost", $"A child of \"{definition.Name}\" ended after {part.Done} of its items without a reason.");
                    }
                }
                finally
                {
                    _slots.Release(taken);
                }
            }
        }
    }

    /// <summary>Finds how many items a child gets, and how many slots.</summary>
    private (int Size, int Slots) Divide(int count, int slots)
    {
        var least = Math.Min(_run.Revision >= 2 ? _options.MinItemsPerChild : 8, _options.MaxItemsPerChild);
        if (_run.Revision >= 2)
        {
            return Divide(count, slots, least, _options.MaxItemsPerChild);
        }

        var size = Math.Clamp((count + slots - 1) / slots, least, _options.MaxItemsPerChild);
        return (size, Math.Max(1, (int)Math.Ceiling((double)slots * size / count)));
    }

    /// <summary>
    /// Gives children their share of the items and of the slots, so that no slot is idle before the end, however large the children are. Of the sizes allowed it is the smallest of those
    /// that leave the fewest slots over. When a slot's share of the items is more than a child may have, the children of one slot follow one another, all of the same size.
    /// </summary>
    private static (int Size, int Slots) Divide(int count, int slots, int least, int most)
    {
        var turns = Math.Max(1, Ceiling(count, (long)slots * most));
        var best = (Size: (int)Ceiling(count, slots * turns), Slots: 1);
        var busy = 0L;
        for (var perChild = 1; perChild <= slots && turns == 1; perChild++)
        {
            var size = (int)Ceiling((long)perChild * count, slots);
            if (size > most)
            {
                break;
            }

            var full = count / size;
            var used = ((long)full * perChild) + Math.Min(Math.Min(perChild, slots - (full * perChild)), count - (full * size));
            if (best.Size < least || used > busy)
            {
                best = (size, perChild);
                busy = used;
            }
        }

        return best;

        static long Ceiling(long a, long b) => (a + b - 1) / b;
    }

    private async Task<ItemsResult> RunChildAsync(Activation template, Payload list, int start, int count, int concurrency, int attempt)
    {
        var takesTurns = template.Node is AgentNode || template.Node.OnError.Kind == ErrorPolicyKind.Agent;
        var share = _budget.Reserve(takesTurns ? count : 0, Math.Max(1, (_limits.MaxConcurrency ?? WorkflowLimits.DefaultMaxConcurrency) / concurrency));
        var run = new ItemsRun
        {
            Scope = template.Scope,
            Items = list,
            Start = start,
            Count = count,
            Concurrency = concurrency,
            Context = template.Context,
            PackedContext = template.PackedContext,
            Limits = share.Limits,
            OrderPrefix = template.Order,
            Rewinds = _failures + _run.Rewinds,
            SubWorkflows = _run.SubWorkflows,
            Depth = _run.Depth,
        };
        var id = _runner.ChildId(template, attempt, $".{start}");
        using var stopping = _runner.StopChildWith(id, _stop.Calls);
        var json = await _calls.CallChildAsync(ActivityNames.ItemsOrchestration, id, JsonSerializer.Serialize(run, CoreJsonContext.Default.ItemsRun));
        var result = JsonSerializer.Deserialize(json!, CoreJsonContext.Default.ItemsResult)!;
        _budget.Settle(share, result.TurnsStarted, result.Usage);
        _stop.StopOthersAtLimit(_budget);
        return result;
    }

    /// <summary>Makes the node's result of its items' outcomes.</summary>
    private async Task<NodeEnd> JoinAsync(int node, IReadOnlyList<Payload> outcomes, ItemsProgress progress, int count)
    {
        var definition = Graph.Nodes[node];
        var handled = definition.OnError.Kind != ErrorPolicyKind.Fail;
        var required = definition.Require?.Of(count) ?? (handled ? 0 : count);
        var output = progress.Completed == 0 ? EmptyList : await _calls.PackAsync(outcomes, PackMode.Results);
        var errors = progress.Completed == count ? null : await _calls.PackAsync(outcomes, PackMode.Errors);
        var error = progress.Completed >= required
            ? null
            : ErrorText.Shorten(new CallError(
                ErrorCodes.TooFewResults,
                $"{progress.Completed} of {count} items of \"{definition.Name}\" succeeded, {required} are required.{(progress.FirstError is { } first ? $" First failure: {first.Activation}: {first.Message}" : "")}",
                ErrorKind.Terminal));
        return new NodeEnd(
            node,
            new NodeResult
            {
                Status = error is null ? NodeResult.Completed : NodeResult.Failed,
                Output = output,
                Errors = errors,
                Error = error,
                Order = OrderOf(node),
                Role = RoleOf(definition),
                Agent = (definition as AgentNode)?.Agent,
                Tokens = progress.Tokens,
            },
            FailedActivation: progress.FirstError?.Activation ?? definition.Name);
    }

    private static int? CountOf(Payload list) => list switch
    {
        { Json: { ValueKind: JsonValueKind.Array } json } => json.GetArrayLength(),
        { Reference: { Type: "array", Count: { } count } } when string.IsNullOrEmpty(list.Pointer) => count,
        _ => null,
    };

    /// <summary>Counts the items of a <c>forEach</c> as they end.</summary>
    private sealed class ItemsProgress
    {
        public int Completed { get; private set; }

        public long Tokens { get; private set; }

        public WorkflowError? FirstError { get; private set; }

        public void Add(Outcome outcome)
        {
            Tokens += outcome.Usage.Tokens;
            if (outcome.Status == NodeResult.Completed)
            {
                Completed++;
            }
            else if (outcome.Error is { } error && (FirstError is null || string.CompareOrdinal(outcome.Activation, FirstError.Activation) < 0))
            {
                FirstError = new WorkflowError(outcome.Activation, error.Code, error.Message);
            }
        }

        public void Add(ItemsResult part)
        {
            Tokens += part.Usage.Tokens;
            Completed += part.Done - part.Failed;
            FirstError ??= part.FirstError;
        }
    }
}
