using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Workflows;

namespace Polyphony.Core.Interpreter;

/// <summary>
/// One instance of a workflow: the orchestrator function that runs any workflow file.
/// </summary>
/// <remarks>
/// <para>A main loop owns the state. It launches what is ready, then sleeps until something has ended, applies that, and looks again. Each node runs
/// as an asynchronous method of its own beside the loop (Nodes); it evaluates its expressions, takes a slot, runs its activations,
/// decides its edges, and leaves its end in a queue. Nothing but the loop changes the state.</para>
/// <para>Nodes see the results of what is upstream of them and nothing else, each as of the round they are in (Views), so what they see
/// does not depend on timing. Outcomes go to the payload store in batches (Outcomes). When a generation has done enough
/// operations, and nothing is under way but waits, the state is saved and the instance continues as new (State).</para>
/// </remarks>
internal sealed partial class WorkflowInstance : IRunObserver
{
    private readonly OrchestrationContext _context;
    private readonly WorkflowRun _run;
    private readonly PinnedWorkflows? _subWorkflows;
    private readonly WorkflowPlan _plan;
    private readonly InterpreterOptions _options;
    private readonly RunLimits _limits;
    private readonly RunCalls _calls;
    private readonly RunBudget _budget;
    private readonly RunStop _stop = new();
    private readonly SlotGate _slots;
    private readonly string _logicalId;
    private readonly bool _isRoot;
    private readonly Queue<NodeEnd> _ended = new();
    private readonly Comparer<int> _byPosition;
    private readonly SortedSet<int> _underWay;
    private readonly SortedSet<int> _ready;
    private readonly Dictionary<string, WaitState> _waits = new(StringComparer.Ordinal);
    private readonly Dictionary<string, WaitState> _carriedWaits = new(StringComparer.Ordinal);
    private readonly List<Task> _lingering = [];

    private GraphState _graph;
    private ChunkedArray<NodeResult?> _results;
    private ImmutableArray<ChunkedArray<NodeResult?>> _snapshots;
    private DateTimeOffset _startedTime;
    private TaskCompletionSource? _wake;
    private Exception? _fatal;
    private ActivationRunner _runner;
    private int _failures;
    private bool _hasApplied;
    private bool _isOutOfTime;

    public WorkflowInstance(OrchestrationContext context, WorkflowRun run, PlanCache plans, InterpreterOptions options)
    {
        var plan = plans.Get(run.DefinitionHash);
        _subWorkflows = run.SubWorkflows is { } hashes ? new PinnedWorkflows(plans, hashes, run.Depth) : null;
        _context = context;
        _run = run;
        _plan = plan;
        _options = options;
        _isRoot = run.RootInstanceId is null;
        _byPosition = Comparer<int>.Create((one, other) => plan.Graph.Position[one].CompareTo(plan.Graph.Position[other]));
        _underWay = new SortedSet<int>(_byPosition);
        _ready = new SortedSet<int>(_byPosition);
        _logicalId = run.LogicalId ?? context.InstanceId;
        var own = plan.Definition.Limits;
        _limits = new RunLimits(
            run.Limits?.MaxConcurrency ?? own.MaxConcurrency,
            run.Limits?.MaxTurns ?? own.MaxTurns,
            run.Limits?.MaxTokens ?? own.MaxTokens,
            run.Limits?.MaxCostUsd ?? own.MaxCostUsd,
            run.Limits?.TimeoutMs ?? (long?)own.Timeout?.TotalMilliseconds);
        _calls = new RunCalls(context, plan.Definition, run.RootInstanceId ?? context.InstanceId);
        _budget = new RunBudget(_limits);
        _slots = new SlotGate(_limits.MaxConcurrency ?? WorkflowLimits.DefaultMaxConcurrency);
        _startedTime = context.CurrentUtcDateTime;
        _graph = GraphState.Create(plan.Graph);
        _results = ChunkedArray.Create<NodeResult?>(new NodeResult?[plan.Graph.Nodes.Length]);
        _snapshots = [.. plan.Graph.Loops.Select(_ => _results)];
        _progress = new ProgressWriter(plan.Graph.Nodes.Select(node => new NodeProgress { Node = node.Name, Status = "pending" }));
        if (run.State is { } state)
        {
            Restore(state);
        }

        CollectReady();
        _runner = NewRunner();
    }

    private WorkflowGraph Graph => _plan.Graph;

    public async Task<string?> RunAsync()
    {
        while (true)
        {
            // These end with the run, or with its failure.
            WatchTimeLimit();
            WatchStopEvents();
            WatchTerminationTimes();
            await RunGraphAsync();
            if (_continueAsNew)
            {
                return null;
            }

            var result = await FinishAsync();
            if (result.StopReason != StopReason.Failed || !_isRoot)
            {
                return JsonSerializer.Serialize(result, CoreJsonContext.Default.WorkflowResult);
            }

            await FailAsync(result);
        }
    }

    /// <summary>The main loop: until the graph is finished, the run is stopped, or it continues as new.</summary>
    private async Task RunGraphAsync()
    {
        while (true)
        {
            LaunchReady();
            while (_ended.TryDequeue(out var end))
            {
                Apply(end);
                await CheckTerminationAsync();
                LaunchReady();
            }

            ThrowIfFatal();
            PublishProgress();
            if (_stop.IsRequested ? _underWay.Count == 0 || _isOutOfTime || _stop.Reason == StopReason.Timeout : _graph.IsFinished && _underWay.Count == 0)
            {
                return;
            }

            if (await TryContinueAsNewAsync())
            {
                return;
            }

            if (_ended.Count == 0 && _fatal is null)
            {
                _wake = new TaskCompletionSource();
                await _wake.Task;
            }
        }
    }

    private void LaunchReady()
    {
        if (_stop.IsRequested || IsDraining)
        {
            return;
        }

        // A node that runs leaves its end in a queue, so the state changes here alone.
        while (_ready.Count > 0)
        {
            var node = _ready.Min;
            _ready.Remove(node);
            _graph = _graph.Start(node);
            _underWay.Add(node);
            _ = RunNodeAsync(node);
        }
    }

    /// <summary>Takes note of nodes that the last change of the graph has made ready.</summary>
    private void CollectReady()
    {
        foreach (var node in _graph.Changed)
        {
            if (_graph.Nodes[node].Phase == NodePhase.Ready)
            {
                _ready.Add(node);
            }
        }
    }

    private void Apply(NodeEnd end)
    {
        _underWay.Remove(end.Node);
        if (end.Result is not { } result)
        {
            // Stopped before it had a result. It stays as running: the run ends, or sets it back after a rewind.
            return;
        }

        _hasApplied = true;
        var before = _graph;
        var keep = result with { Earlier = EarlierOf(end.Node, result) };
        _results = _results.SetItem(end.Node, keep);
        switch (result.Status)
        {
            case NodeResult.Completed:
                _graph = _graph.Complete(end.Node, end.Decisions!, end.Digest);
                break;
            case NodeResult.Skipped:
                _graph = _graph.Skip(end.Node);
                break;
            default:
                _graph = _graph.Fail(end.Node);
                // What is under way may be of use after a rewind.
                _stop.Request(StopReason.Failed, new WorkflowError(end.FailedActivation, result.Error!.Code, result.Error.Message), finishCalls: true);
                break;
        }

        CollectReady();
        RecordSkipped(before);
        BeginRounds(before);
        UpdateProgress(before);
        CountMessage(end.Node, keep);
    }

    /// <summary>Loops that began another round: their bodies' results become the past.</summary>
    private void BeginRounds(GraphState before)
    {
        for (var loop = 0; loop < Graph.Loops.Length; loop++)
        {
            if (_graph.Loops[loop].Round <= before.Loops[loop].Round || before.Loops[loop].Phase != LoopPhase.Open)
            {
                continue;
            }

            var past = _results = WithSkipped(loop, before);
            var results = new ChunkedArray<NodeResult?>.Changes(_results);
            foreach (var node in Graph.Loops[loop].Body)
            {
                results[node] = null;
            }

            _results = results.Finish();
            for (var inner = loop; inner < Graph.Loops.Length; inner++)
            {
                if (Graph.IsInLoop(Graph.Loops[inner].Header, loop))
                {
                    _snapshots = _snapshots.SetItem(inner, past);
                }
            }
        }
    }

    /// <summary>Nodes that were skipped by the very change that ended the round are in the next one already: they get what they had in that round.</summary>
    private ChunkedArray<NodeResult?> WithSkipped(int loop, GraphState before)
    {
        var results = new ChunkedArray<NodeResult?>.Changes(_results);
        foreach (var node in Graph.Loops[loop].Body)
        {
            if (_results[node] is null)
            {
                var skipped = new NodeResult { Status = NodeResult.Skipped, Order = OrderOf(node, before) };
                results[node] = skipped with { Earlier = EarlierOf(node, skipped) };
            }
        }

        return results.Finish();
    }

    private void RecordSkipped(GraphState before)
    {
        var results = new ChunkedArray<NodeResult?>.Changes(_results);
        foreach (var node in _graph.Changed)
        {
            if (_graph.Nodes[node].Phase == NodePhase.Skipped && before.Nodes[node].Phase == NodePhase.Pending)
            {
                var skipped = new NodeResult { Status = NodeResult.Skipped, Order = OrderOf(node) };
                results[node] = skipped with { Earlier = EarlierOf(node, skipped) };
            }
        }

        _results = results.Finish();
    }

    private void End(NodeEnd end)
    {
        _ended.Enqueue(end);
        Wake();
    }

    private void Wake()
    {
        var wake = _wake;
        _wake = null;
        wake?.SetResult();
    }

    private void Die(Exception exception)
    {
        _fatal ??= exception;
        Wake();
    }

    private void ThrowIfFatal()
    {
        if (_fatal is not null)
        {
            throw new PolyphonyException(
                (_fatal as PolyphonyException)?.Code ?? "interpreter_failed", $"The interpreter failed: {_fatal.Message}", _fatal);
        }
    }

    private void WatchTimeLimit()
    {
        if (_limits.TimeoutMs is { } milliseconds)
        {
            // It holds for a run that has failed too, while that waits for its calls under way.
            _ = WatchAsync(
                _calls.CreateTimerAsync(_startedTime + TimeSpan.FromMilliseconds(milliseconds), _stop.Calls),
                () =>
                {
                    _isOutOfTime = true;
                    _stop.Request(StopReason.Timeout);
                });
        }
    }

    /// <summary>A parent that stops asks its children to stop too, with what they have.</summary>
    private void WatchStopEvents()
    {
        if (!_isRoot)
        {
            _ = WatchAsync(_calls.WaitForEventAsync(EventNames.Stop, _stop.Calls), () => _stop.Request(StopReason.Cancelled));
            _ = WatchAsync(_calls.WaitForEventAsync(EventNames.Finish, _stop.Calls), () => _stop.Request(StopReason.Cancelled, finishCalls: true));
        }
    }

    /// <summary>Does something when a task has ended, unless the run was stopped before.</summary>
    private async Task WatchAsync(Task task, Action then)
    {
        try
        {
            await task;
            then();
            Wake();
        }
        catch (OperationCanceledException)
        {
            // Stopped for another reason.
        }
        catch (Exception exception)
        {
            Die(exception);
        }
    }

    private ActivationRunner NewRunner() =>
        new(_calls, _plan, _budget, _stop, this, _subWorkflows, _failures + _run.Rewinds);

    /// <summary>A digest of a result, by which rounds of a loop are compared. People's answers and the passing of time are always news.</summary>
    private ulong DigestOf(int node, NodeResult result)
    {
        if (Graph.InnermostLoop[node] < 0)
        {
            return 0;
        }

        if (Graph.Nodes[node] is HumanNode or WaitNode)
        {
            return (ulong)_graph.Nodes[node].Round;
        }

        var text = result.Output switch
        {
            { Json: { } json } => json.GetRawText(),
            { Reference: { } reference } payload => $"{reference.Hash}{payload.Pointer}",
            _ => "",
        };
        return BitConverter.ToUInt64(SHA256.HashData(Encoding.UTF8.GetBytes($"{result.Status}:{text}")));
    }

    /// <summary>How a node ended.</summary>
    /// <param name="Node">The node.</param>
    /// <param name="Result">Its result; <see langword="null"/> if it was stopped.</param>
    /// <param name="Decisions">Whether each outgoing edge's condition holds.</param>
    /// <param name="Digest">The result's digest.</param>
    /// <param name="FailedActivation">The activation that failed.</param>
    private sealed record NodeEnd(int Node, NodeResult? Result, IReadOnlyList<bool>? Decisions = null, ulong Digest = 0, string? FailedActivation = null);
}
