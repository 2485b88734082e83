using System.Text.Json;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;

namespace Polyphony.Core.Runs;

/// <summary>The orchestrator function that runs some of the items of a <c>forEach</c>, for an instance with too many for one history.</summary>
internal sealed class ItemsInstance
{
    /// <summary>More than this many bytes of what is written to the state goes to the payload store.</summary>
    private const int MaxInlineBytes = 4 * 1024;

    private readonly ItemsInput _run;
    private readonly WorkflowPlan _plan;
    private readonly RunCalls _calls;
    private readonly RunBudget _budget;
    private readonly RunStop _stop = new(finishesAtLimits: true);
    private readonly ItemsReporter _reporter;
    private readonly ActivationRunner _runner;
    private readonly CallGatherer? _gatherer;
    private readonly List<Outcome?> _outcomes = [];
    private readonly List<StateChange?> _written = [];
    private int _next;

    public ItemsInstance(OrchestrationContext context, ItemsInput run, PlanCache plans)
    {
        var plan = plans.Get(run.Scope.DefinitionHash);
        _run = run;
        _plan = plan;
        _calls = new RunCalls(context, plan.Definition, run.Scope.RootInstanceId, run.Scope.RootWorkflow);
        _budget = new RunBudget(run.Limits);
        _reporter = new ItemsReporter(context, run, _budget);
        _runner = new ActivationRunner(new ActivationContext(
            _calls, plan, _budget, _stop, _reporter, run.SubWorkflows is { } hashes ? new PinnedWorkflows(plans, hashes, run.Depth) : null, run.Rewinds,
            new Publications(context, areHeld: false)));
        _gatherer = CallGatherer.For(_calls, plan.Graph.Nodes[plan.IndexOf(run.Scope.Node)]);
    }

    public async Task<string?> RunAsync()
    {
        var watches = Task.WhenAll(WatchAsync(EventNames.Stop, finishCalls: false), WatchAsync(EventNames.Finish, finishCalls: true));
        var lanes = Math.Min(_run.Concurrency, _run.Count);
        await (_gatherer is null ? BeginLanes() : _gatherer.Hold(BeginLanes));

        Task BeginLanes() => Task.WhenAll(Enumerable.Range(0, lanes).Select(_ => RunLaneAsync()));

        // Items are begun in order, but one that was stopped may lie before one that has ended. Where the rest is to follow, what counts is the first part without a gap.
        var reason = _stop.Reason;
        _stop.Request(StopReason.Completed);
        await watches;
        var ended = reason == StopReason.Cancelled ? _outcomes.Where(outcome => outcome is not null) : _outcomes.TakeWhile(outcome => outcome is not null);
        var done = ended.Select(outcome => outcome!).ToList();
        var written = (reason == StopReason.Cancelled ? _written : _written.Take(done.Count)).OfType<StateChange>()
            .Aggregate(StateChange.None, (sum, item) => sum.Then(_plan.Definition, item));
        var failed = done.Where(outcome => outcome.Status != NodeResult.Completed).ToList();
        var result = new ItemsResult
        {
            Outcomes = await _calls.PackAsync([.. done.Select(outcome => JsonSerializer.SerializeToUtf8Bytes(outcome, CoreJsonContext.Default.Outcome))]),
            Done = done.Count,
            Failed = failed.Count,
            FirstError = failed.Select(outcome => new WorkflowError(outcome.Activation, outcome.Error?.Code ?? "failed", outcome.Error?.Message ?? "")).FirstOrDefault(),
            Attempts = done.Sum(outcome => outcome.Attempts),
            CallsStarted = _budget.CallsStarted,
            Usage = _budget.Used,
            Provider = done.LastOrDefault(outcome => outcome.Provider is not null)?.Provider,
            Written = (await written.ShrinkAsync(_plan.Definition, _calls, MaxInlineBytes)).Save(),
            StopReason = reason,
        };
        return JsonSerializer.Serialize(result, CoreJsonContext.Default.ItemsResult);
    }

    /// <summary>Runs items one after another, as long as there are any.</summary>
    private async Task RunLaneAsync()
    {
        while (_next < _run.Count && !_stop.IsRequested)
        {
            var place = _next++;
            var index = _run.Start + place;
            _outcomes.Add(null);
            _written.Add(null);
            var node = _plan.Graph.Nodes[_plan.IndexOf(_run.Scope.Node)];
            var end = await _runner.RunAsync(new Activation
            {
                Node = node,
                Order = $"{_run.OrderPrefix}.{index:D6}",
                Context = _run.Context,
                PackedContext = _run.PackedContext,
                Gatherer = _gatherer,
                Scope = _run.Scope with
                {
                    Activation = Activation.Name(node.Name, index, _run.Scope.Round),
                    Item = _run.Items.Item(index),
                    Index = index,
                },
            });
            _outcomes[place] = end.Outcome;
            _written[place] = end.Written;
            if (end.Outcome is { } outcome)
            {
                _reporter.CountItem(outcome);
            }

            if (end.Abandoned is { } abandoned)
            {
                // The call still takes this lane's slot.
                await abandoned;
            }
        }
    }

    private async Task WatchAsync(string stopEvent, bool finishCalls)
    {
        try
        {
            await _calls.WaitForEventAsync(stopEvent, _stop.Calls);
            _stop.Request(StopReason.Cancelled, finishCalls: finishCalls);
        }
        catch (OperationCanceledException)
        {
            // All items have ended.
        }
    }
}
