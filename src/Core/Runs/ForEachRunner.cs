using System.Globalization;
using System.Text.Json;
using Polyphony.Core.Definitions;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;

namespace Polyphony.Core.Runs;

/// <summary>Runs a node over the items of a list: here, each in its own slot, or divided among child orchestrations.</summary>
internal sealed class ForEachRunner(
    RunContext run,
    NodeSchedule schedule,
    ResultStore results,
    ContextBuilder contexts,
    ActivationSlots slots,
    WaitStates waits,
    OutcomeLog log,
    ProgressReporter progress,
    RunSignal signal)
{
    /// <summary>Of each <c>forEach</c> that runs: lists of outcomes, by the index of their first item. They arrive in any order, and are used in this one.</summary>
    private readonly Dictionary<int, SortedList<int, Payload>> _itemOutcomes = [];

    /// <summary>Forgets what was under way, for a run that was rewound.</summary>
    public void Reset() => _itemOutcomes.Clear();

    public async Task<NodeEnd> RunAsync(int node)
    {
        var definition = run.Graph.Nodes[node];
        var reads = contexts.ReadsOf(node);
        var scope = await contexts.ScopeOfAsync(node, reads);
        var list = await run.Calls.EvaluateAsync(
            new ExpressionSite(ExpressionSiteKind.ForEach), await contexts.ScopeOfAsync(node, run.Plan.ReadsOf(node, new ExpressionSite(ExpressionSiteKind.ForEach))));
        if (list.Error is { } error)
        {
            return schedule.FailedEnd(node, error);
        }

        if (CountOf(list.Value!) is not { } count)
        {
            return schedule.FailedEnd(node, new CallError(
                ErrorCodes.ExpressionError,
                $"forEach of \"{definition.Name}\" needs an array, found {list.Value!.DescribeKind()}.",
                ErrorKind.Terminal));
        }

        if (count > WorkflowLimits.MaxItems)
        {
            return schedule.FailedEnd(node, new CallError(
                ErrorCodes.TooManyItems,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"forEach of \"{definition.Name}\" takes up to {WorkflowLimits.MaxItems:N0} items, found {count:N0}. Divide the array, or run a sub-workflow for each part of it."),
                ErrorKind.Terminal));
        }

        progress.SetItems(node, count);
        var items = new ItemsProgress();
        _itemOutcomes[node] = [];
        var divided = count > run.Options.MaxDirectItems && definition.Kind.IsDivisible && definition.Lock is null && !definition.Kind.MayWaitForTools(definition, run.Plan.Definition);
        var ended = divided
            ? await RunChildrenAsync(node, scope, list.Value!, count, items)
            : await RunItemsAsync(node, scope, list.Value!, count, items);
        if (ended is null)
        {
            return new NodeEnd(node, null);
        }

        var end = await JoinAsync(node, ended.Outcomes, items, count);
        _itemOutcomes.Remove(node);
        return end with { Written = ended.Written };
    }

    /// <summary>Nodes that were stopped give the items that had ended: what is finished is not thrown away.</summary>
    public async Task KeepFinishedAsync()
    {
        foreach (var (node, outcomes) in _itemOutcomes.OrderBy(pair => pair.Key).ToList())
        {
            if (outcomes.Count > 0)
            {
                results.Set(node, new NodeResult
                {
                    Status = NodeResult.Stopped,
                    Output = await run.Calls.PackAsync([.. outcomes.Values], PackMode.Results),
                    Order = schedule.OrderOf(node),
                });
            }
        }
    }

    /// <summary>Runs the items here, each in its own slot.</summary>
    private async Task<EndedItems?> RunItemsAsync(int node, CallScope scope, Payload list, int count, ItemsProgress items)
    {
        var definition = run.Graph.Nodes[node];
        var template = await contexts.WithContextAsync(new Activation { Node = definition, Scope = scope, Order = schedule.OrderOf(node) }, node);
        var outcomes = new byte[count][];
        var gatherer = CallGatherer.For(run.Calls, definition);
        template = template with { Gatherer = gatherer };
        var ends = await (gatherer is null ? BeginItems() : gatherer.Hold(BeginItems));
        if (ends.Any(end => end.IsStopped))
        {
            return null;
        }

        return new EndedItems([await run.Calls.PackAsync(outcomes)], Together(ends.Select(end => end.Written)));

        Task<ActivationEnd[]> BeginItems() => Task.WhenAll(Enumerable.Range(0, count).Select(RunItemAsync));

        async Task<ActivationEnd> RunItemAsync(int index)
        {
            var id = Activation.Name(definition.Name, index, scope.Round);
            var end = await slots.RunAsync(template with
            {
                Order = $"{template.Order}.{index:D6}",
                Scope = scope with { Activation = id, Item = list.Item(index), Index = index },
                Wait = waits.Take(id),
            });
            if (end.Outcome is { } outcome)
            {
                items.Add(outcome);
                outcomes[index] = log.Add(outcome);
                _itemOutcomes[node].Add(index, Payload.FromText(Packing.Write([outcomes[index]])));
                progress.CountItem(node, outcome);
                signal.Raise();
            }
            else
            {
                progress.CountStopped(node, end.Stopped);
            }

            return end;
        }
    }

    /// <summary>
    /// Divides the items among child orchestrations, so that no history holds them all. Each child runs its part in the slots that it was given;
    /// as one ends, the next begins.
    /// </summary>
    private async Task<EndedItems?> RunChildrenAsync(int node, CallScope scope, Payload list, int count, ItemsProgress items)
    {
        var definition = run.Graph.Nodes[node];
        var agent = definition.Kind.AgentOf(definition);
        var (size, perChild) = ItemPartition.Divide(count, run.MaxConcurrency, Math.Min(run.Options.MinItemsPerChild, run.Options.MaxItemsPerChild), run.Options.MaxItemsPerChild);
        var template = await contexts.WithContextAsync(new Activation { Node = definition, Scope = scope, Order = schedule.OrderOf(node) }, node);
        if (list.IsInline)
        {
            // The list goes to every child: as a reference.
            list = (await run.Calls.StoreAllAsync([list]))[0];
        }

        template = template with { Scope = await run.Calls.ShrinkAsync(template.Scope, RunCalls.MaxCallBytes / 2) };
        var lists = await Task.WhenAll(Enumerable.Range(0, (count + size - 1) / size).Select(part => RunPartAsync(part * size, Math.Min(size, count - (part * size)))));
        return lists.Any(ended => ended is null) ? null : new EndedItems([.. lists.SelectMany(ended => ended!.Outcomes)], Together(lists.Select(ended => ended!.Written)));

        async Task<EndedItems?> RunPartAsync(int start, int length)
        {
            var outcomes = new List<Payload>();
            var written = StateChange.None;
            for (var attempt = 1; ; attempt++)
            {
                // No more than it has items: with more slots than items, others may use the rest.
                var taken = await run.Slots.AcquireAsync(Math.Min(perChild, length));
                try
                {
                    if (agent is not null)
                    {
                        await run.Budget.WaitForCallsAsync(1, run.Stop.Token);
                    }

                    // What needs model calls only when it fails is begun, and stopped when it comes back with nothing done.
                    if (!run.Stop.IsRequested && (agent is not null || attempt > 1) && run.Budget.Reached is { } reached)
                    {
                        run.Stop.RequestAtLimit(reached);
                    }

                    if (run.Stop.IsRequested)
                    {
                        return null;
                    }

                    var part = await RunChildAsync(node, template, list, start, length, taken, attempt);
                    outcomes.Add(part.Outcomes);
                    written = written.Then(run.Plan.Definition, StateChange.Restore(part.Written));
                    if (part.Done > 0)
                    {
                        _itemOutcomes[node].Add(start, part.Outcomes);
                    }

                    items.Add(part);
                    log.AddList(part.Outcomes);
                    progress.CountItems(node, part);
                    signal.Raise();
                    if (part.StopReason == StopReason.Cancelled)
                    {
                        return null;
                    }

                    start += part.Done;
                    length -= part.Done;
                    if (length == 0)
                    {
                        return new EndedItems(outcomes, written);
                    }

                    if (part.StopReason is not { } stopped || (part.Done == 0 && stopped is not (StopReason.MaxTokens or StopReason.MaxCost or StopReason.MaxModelCalls)))
                    {
                        throw new PolyphonyException("items_lost", $"A child of \"{definition.Name}\" ended after {part.Done} of its items without a reason.");
                    }
                }
                finally
                {
                    run.Slots.Release(taken);
                }
            }
        }
    }

    private async Task<ItemsResult> RunChildAsync(int node, Activation template, Payload list, int start, int count, int concurrency, int attempt)
    {
        var takesTurns = template.Node.Kind.AgentOf(template.Node) is not null || template.Node.OnError.Kind == ErrorPolicyKind.Agent;
        var share = run.Budget.Reserve(takesTurns ? count : 0, Math.Max(1, run.MaxConcurrency / concurrency));
        var input = new ItemsInput
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
            Rewinds = run.Rewinds,
            SubWorkflows = run.Input.SubWorkflows,
            Depth = run.Input.Depth,
        };
        var part = ChildRuns.PartOf(start, attempt, run.Rewinds);
        var id = ChildRuns.IdOfPart(run.Durable.InstanceId, template.Node.Name, template.Scope.Round, part);
        using var stopping = slots.Runner.Children.StopWith(id, run.Stop.Calls);
        progress.BeginPart(node, part);
        string? json;
        try
        {
            json = await run.Calls.CallChildAsync(TaskNames.ItemsOrchestration, id, JsonSerializer.Serialize(input, CoreJsonContext.Default.ItemsInput));
        }
        finally
        {
            progress.EndPart(node, part);
        }

        var result = JsonSerializer.Deserialize(json!, CoreJsonContext.Default.ItemsResult)!;
        run.Budget.Settle(share, result.CallsStarted, result.Usage);
        run.Stop.StopOthersAtLimit(run.Budget);
        return result;
    }

    /// <summary>Makes the node's result of its items' outcomes.</summary>
    private async Task<NodeEnd> JoinAsync(int node, IReadOnlyList<Payload> outcomes, ItemsProgress items, int count)
    {
        var definition = run.Graph.Nodes[node];
        var handled = definition.OnError.Kind != ErrorPolicyKind.Fail;
        var required = definition.Require?.Of(count) ?? (handled ? 0 : count);
        var output = items.Completed == 0 ? Packing.EmptyList : await run.Calls.PackAsync(outcomes, PackMode.Results);
        var errors = items.Completed == count ? null : await run.Calls.PackAsync(outcomes, PackMode.Errors);
        var error = items.Completed >= required
            ? null
            : ErrorText.Shorten(new CallError(
                ErrorCodes.TooFewResults,
                $"{items.Completed} of {count} items of \"{definition.Name}\" succeeded, {required} are required.{(items.FirstError is { } first ? $" First failure: {first.Activation}: {first.Message}" : "")}",
                ErrorKind.Terminal));
        return new NodeEnd(
            node,
            new NodeResult
            {
                Status = error is null ? NodeResult.Completed : NodeResult.Failed,
                Output = output,
                Errors = errors,
                Error = error,
                Order = schedule.OrderOf(node),
                Role = definition.Kind.RoleOf(definition),
                Agent = definition.Kind.AgentOf(definition),
                Tokens = items.Tokens,
            },
            FailedActivation: items.FirstError?.Activation ?? definition.Name);
    }

    /// <summary>Puts together what items have written, in their order.</summary>
    private StateChange Together(IEnumerable<StateChange?> items) => items.OfType<StateChange>().Aggregate(StateChange.None, (sum, item) => sum.Then(run.Plan.Definition, item));

    private static int? CountOf(Payload list) => list switch
    {
        { Json: { ValueKind: JsonValueKind.Array } json } => json.GetArrayLength(),
        { Reference: { Type: "array", Count: { } count } } when string.IsNullOrEmpty(list.Pointer) => count,
        _ => null,
    };

    /// <summary>Items that have all ended.</summary>
    /// <param name="Outcomes">Lists of their outcomes, in item order.</param>
    /// <param name="Written">What they have written to the state, put together in item order.</param>
    private sealed record EndedItems(IReadOnlyList<Payload> Outcomes, StateChange Written);
}
