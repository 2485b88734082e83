using Polyphony.Core.Durable;
using Polyphony.Core.Graph;

namespace Polyphony.Core.Runs;

/// <summary>What clients see of a run while it runs: the custom status.</summary>
internal sealed class ProgressReporter(RunContext run, NodeSchedule schedule, WaitStates waits, RunSignal signal, SharedState shared) : IRunObserver
{
    /// <summary>Graphs of up to this many nodes show all of them; larger ones what is under way and what ended last.</summary>
    private const int MaxShownNodes = 40;

    private readonly ProgressWriter _progress = new(run.Graph.Nodes.Select(node => new NodeProgress { Node = node.Name, Status = "pending" }));
    private readonly SortedDictionary<string, PendingWait> _pendingWaits = new(StringComparer.Ordinal);
    private readonly Dictionary<int, DelayedCalls> _delays = [];
    private readonly Dictionary<int, SortedSet<string>> _parts = [];
    private readonly Dictionary<int, int> _asking = [];
    private readonly HashSet<int> _withCalls = [];
    private readonly Queue<int> _lastEnded = new();
    private bool _changed = true;

    private WorkflowGraph Graph => run.Graph;

    /// <summary>Gets the nodes' progress as the state keeps it; <see langword="null"/> for large graphs, which start over.</summary>
    public IReadOnlyList<NodeProgress>? Saved => Graph.Nodes.Length <= MaxShownNodes ? _progress.Nodes : null;

    /// <summary>Gets a value indicating whether a node's call waits before it is made, or made again.</summary>
    public bool IsDelayed(int node) => _delays.ContainsKey(node);

    /// <summary>Gets a value indicating whether a tool call of a node waits for a person.</summary>
    public bool IsAsking(int node) => _asking.ContainsKey(node);

    /// <summary>Gets how many items a node has.</summary>
    public int? ItemsOf(int node) => _progress[node].Items;

    public void Restore(IReadOnlyList<NodeProgress>? saved)
    {
        for (var node = 0; node < Graph.Nodes.Length; node++)
        {
            var state = schedule.State.Nodes[node];
            _progress[node] = saved is not null
                ? saved[node]
                : _progress[node] with { Status = state.Phase == NodePhase.Skipped ? NodeResult.Skipped : state.HasEnded ? NodeResult.Completed : "pending" };
        }
    }

    /// <summary>Shows for what the run waits before it begins.</summary>
    /// <param name="wait">The wait; <see langword="null"/>: it is over.</param>
    public void ShowStart(PendingWait? wait)
    {
        _pendingWaits.Clear();
        if (wait is not null)
        {
            _pendingWaits["1"] = wait;
        }

        _changed = true;
        Publish();
    }

    /// <summary>A node runs again from the start.</summary>
    public void Reset(int node) => _progress[node] = new NodeProgress { Node = Graph.Nodes[node].Name, Status = "pending", Round = schedule.RoundOf(node) };

    void IRunObserver.OnAttempt(Activation activation)
    {
        var node = run.Plan.IndexOf(activation.Node.Name);
        var progress = _progress[node];
        Show(node, progress with
        {
            Status = activation.Node.Kind.WaitsOutside ? "waiting" : "running",
            Round = activation.Scope.Round,
            StartedTime = progress.StartedTime ?? run.Now,
        });
        signal.Raise();
    }

    void IRunObserver.OnDelayed(Activation activation, CallWait wait, CallError? error)
    {
        var node = run.Plan.IndexOf(activation.Node.Name);
        if (!_delays.TryGetValue(node, out var delays))
        {
            _delays[node] = delays = new DelayedCalls();
        }

        delays.Begin(activation.Id, wait, error);
        var progress = _progress[node];
        ShowDelay(node, progress with { Error = error?.Code ?? progress.Error });
        signal.Raise();
    }

    void IRunObserver.OnDelayEnded(Activation activation)
    {
        var node = run.Plan.IndexOf(activation.Node.Name);
        if (_delays.TryGetValue(node, out var delays))
        {
            delays.End(activation.Id);
            if (!delays.Any)
            {
                _delays.Remove(node);
            }
        }

        ShowDelay(node, _progress[node]);
    }

    private void ShowDelay(int node, NodeProgress progress) =>
        Show(node, (_delays.GetValueOrDefault(node) ?? new DelayedCalls()).Show(progress));

    void IRunObserver.OnWaiting(Activation activation, PendingWait wait, WaitState state)
    {
        waits.Begin(activation.Id, state);
        _pendingWaits[WaitKey(activation, wait.Kind == "human")] = wait;
        _changed = true;
        signal.Raise();
    }

    void IRunObserver.OnWaited(Activation activation)
    {
        waits.End(activation.Id);
        _pendingWaits.Remove(WaitKey(activation, isQuestion: true));
        _pendingWaits.Remove(WaitKey(activation, isQuestion: false));
        _changed = true;
    }

    void IRunObserver.OnAsking(Activation activation)
    {
        var node = run.Plan.IndexOf(activation.Node.Name);
        _asking[node] = _asking.GetValueOrDefault(node) + 1;
        Show(node, _progress[node] with { Status = "waiting" });
    }

    void IRunObserver.OnAsked(Activation activation)
    {
        var node = run.Plan.IndexOf(activation.Node.Name);
        if (--_asking[node] == 0)
        {
            _asking.Remove(node);
            Show(node, _progress[node] with { Status = "running" });
        }

        signal.Raise();
    }

    void IRunObserver.OnInnerOutcome(Activation activation, Outcome outcome)
    {
        var node = run.Plan.IndexOf(activation.Node.Name);
        _withCalls.Add(node);
        Count(node, outcome);
        signal.Raise();
    }

    // People come first: a question that is not shown is answered by nobody.
    private static string WaitKey(Activation activation, bool isQuestion) => isQuestion ? $"0{activation.Id}" : $"1{activation.Id}";

    private void Show(int node, NodeProgress progress)
    {
        _progress[node] = progress;
        _changed = true;
    }

    public void SetItems(int node, int count) =>
        Show(node, _progress[node] with
        {
            Status = "running",
            Items = count,
            ItemsDone = 0,
            ItemsFailed = 0,
            Round = schedule.RoundOf(node),
            StartedTime = run.Now,
        });

    /// <summary>A child begins to run a part of a node's items: its own status has its progress.</summary>
    public void BeginPart(int node, string part)
    {
        if (!_parts.TryGetValue(node, out var parts))
        {
            _parts[node] = parts = new SortedSet<string>(StringComparer.Ordinal);
        }

        parts.Add(part);
        ShowParts(node, parts);
        signal.Raise();
    }

    public void EndPart(int node, string part)
    {
        _parts[node].Remove(part);
        ShowParts(node, _parts[node]);
    }

    private void ShowParts(int node, SortedSet<string> parts) => Show(node, _progress[node] with { Parts = parts.Count == 0 ? null : [.. parts.Take(NodeProgress.MostParts)] });

    /// <summary>Counts an activation. One that made calls of its own has their attempts already.</summary>
    public void CountActivation(int node, Outcome outcome) => Count(node, _withCalls.Contains(node) ? outcome with { Attempts = 0 } : outcome);

    /// <summary>What a stopped activation had begun was begun all the same.</summary>
    public void CountStopped(int node, WorkResult? work)
    {
        if (work is { Attempts: > 0 })
        {
            Count(node, work.Attempts, work.Usage, work.Provider, _progress[node].Error);
        }
    }

    public void CountItem(int node, Outcome outcome)
    {
        Count(node, outcome.Attempts, outcome.Usage, outcome.Provider, outcome.Status == NodeResult.Completed ? null : outcome.Error?.Code);
        AddItems(node, 1, outcome.Status == NodeResult.Completed ? 0 : 1);
    }

    public void CountItems(int node, ItemsResult part)
    {
        Count(node, part.Attempts, part.Usage, part.Provider, part.FirstError?.Code);
        AddItems(node, part.Done, part.Failed);
    }

    private void Count(int node, Outcome outcome) => Count(node, outcome.Attempts, outcome.Usage, outcome.Provider, outcome.Error?.Code);

    private void Count(int node, int attempts, Usage usage, string? provider, string? error) => Show(node, _progress[node].Count(attempts, usage, provider, error));

    private void AddItems(int node, int done, int failed)
    {
        var progress = _progress[node];
        Show(node, progress with { ItemsDone = (progress.ItemsDone ?? 0) + done, ItemsFailed = (progress.ItemsFailed ?? 0) + failed });
    }

    /// <summary>Takes over what a step of the graph has changed.</summary>
    public void Follow(GraphState before)
    {
        foreach (var node in schedule.State.Changed)
        {
            var phase = schedule.State.Nodes[node].Phase;
            if (phase == before.Nodes[node].Phase && schedule.RoundOf(node) == before.Nodes[node].Round)
            {
                continue;
            }

            if (phase is NodePhase.Completed or NodePhase.Skipped or NodePhase.Failed)
            {
                Show(node, _progress[node] with
                {
                    Status = phase switch
                    {
                        NodePhase.Completed => NodeResult.Completed,
                        NodePhase.Skipped => NodeResult.Skipped,
                        _ => NodeResult.Failed,
                    },
                    EndedTime = run.Now,
                });
                _lastEnded.Enqueue(node);
                while (_lastEnded.Count > 5)
                {
                    _lastEnded.Dequeue();
                }
            }
            else if (before.Nodes[node].Phase != NodePhase.Pending)
            {
                // Another round; the node that ended the last one was running until now.
                Show(node, new NodeProgress { Node = Graph.Nodes[node].Name, Status = "pending", Round = schedule.RoundOf(node) + (phase == NodePhase.Pending ? 1 : 0) });
            }
        }
    }

    /// <summary>Nodes that were under way when the run stopped do not run any more.</summary>
    public void ShowStopped()
    {
        for (var node = 0; node < Graph.Nodes.Length; node++)
        {
            if (_progress[node].Status is "running" or "retrying" or "waiting")
            {
                Show(node, _progress[node] with
                {
                    Status = NodeResult.Stopped,
                    EndedTime = run.Now,
                    WaitingUntil = null,
                    WaitReason = null,
                    WaitMessage = null,
                    Parts = null,
                });
            }
        }
    }

    /// <summary>Finds the nodes to show, in the order of the graph.</summary>
    private IReadOnlyList<int> Shown()
    {
        if (Graph.Nodes.Length <= MaxShownNodes)
        {
            return Graph.Order;
        }

        // Those under way are kept in order; thousands of them cost no more than the first forty.
        var shown = new List<int>();
        foreach (var node in schedule.UnderWay)
        {
            if (shown.Count == MaxShownNodes)
            {
                break;
            }

            shown.Add(node);
        }

        shown.AddRange(_lastEnded.Where(node => !schedule.IsUnderWay(node)).Distinct());
        shown.Sort(schedule.ByPosition);
        return shown.Count <= MaxShownNodes ? shown : shown.GetRange(0, MaxShownNodes);
    }

    public void Publish(WorkflowResult? result = null)
    {
        if (!_changed && result is null)
        {
            return;
        }

        _changed = false;
        var progress = new WorkflowProgress
        {
            Total = Graph.Nodes.Length,
            Done = schedule.State.Ended,
            WaitingFor = _pendingWaits.Count == 0 ? [] : [.. _pendingWaits.Values.Take(PendingWait.MostShown)],
            MoreWaiting = Math.Max(0, _pendingWaits.Count - PendingWait.MostShown),
            State = result is null ? shared.Show() : null,
            Usage = run.Budget.Used,
            Result = result,
            Failures = run.Failures,
        };

        run.Durable.SetCustomStatus(Write(progress));
    }

    /// <summary>Writes a status that fits. Where long prompts and names in scripts of several bytes a letter leave no room, most of what it waits for goes first, then what providers said and the state, then the nodes.</summary>
    private string Write(WorkflowProgress progress)
    {
        var shown = Shown();
        var few = progress;
        foreach (var most in (ReadOnlySpan<int>)[PendingWait.MostShown, 16, 8])
        {
            few = progress.WaitingFor.Count <= most ? progress : progress with { WaitingFor = [.. progress.WaitingFor.Take(most)], MoreWaiting = _pendingWaits.Count - most };
            if (_progress.Write(few, shown, DurableLimits.MaxCustomStatusBytes) is { } json)
            {
                return json;
            }

            if (progress.WaitingFor.Count <= 8)
            {
                break;
            }
        }

        few = few with { State = null };
        return _progress.Write(few, shown, DurableLimits.MaxCustomStatusBytes, withMessages: false) ?? ProgressWriter.WriteShort(progress with { State = null }, DurableLimits.MaxCustomStatusBytes);
    }
}
