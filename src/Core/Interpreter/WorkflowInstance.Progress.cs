using Polyphony.Core.Durable;
using Polyphony.Core.Workflows;

namespace Polyphony.Core.Interpreter;

/// <content>What clients see while it runs.</content>
internal sealed partial class WorkflowInstance
{
    /// <summary>Graphs of up to so many nodes show all of them; larger ones what is under way and what ended last.</summary>
    private const int MaxShownNodes = 40;

    private const int MaxShownWaits = 8;

    private readonly ProgressWriter _progress;
    private readonly SortedDictionary<string, PendingWait> _pendingWaits = new(StringComparer.Ordinal);
    private readonly Dictionary<int, SortedDictionary<string, CallWait>> _delays = [];
    private readonly Queue<int> _lastEnded = new();
    private bool _progressChanged = true;

    void IRunObserver.OnAttempt(Activation activation)
    {
        var node = _plan.IndexOf(activation.Node.Name);
        var progress = _progress[node];
        Show(node, progress with
        {
            Status = activation.Node is HumanNode or WaitNode ? "waiting" : "running",
            Round = activation.Scope.Round,
            StartedTime = progress.StartedTime ?? _context.CurrentUtcDateTime,
        });
        Wake();
    }

    void IRunObserver.OnDelayed(Activation activation, CallWait wait, CallError? error)
    {
        var node = _plan.IndexOf(activation.Node.Name);
        if (!_delays.TryGetValue(node, out var delays))
        {
            _delays[node] = delays = new SortedDictionary<string, CallWait>(StringComparer.Ordinal);
        }

        delays[activation.Id] = wait;
        var progress = _progress[node];
        ShowDelay(node, progress with { Status = error is null ? "waiting" : "retrying", Error = error?.Code ?? progress.Error });
        Wake();
    }

    void IRunObserver.OnDelayEnded(Activation activation)
    {
        var node = _plan.IndexOf(activation.Node.Name);

        // Several tool calls of one activation may wait at the same time: it shows the last that began, until the first goes on.
        if (_delays.TryGetValue(node, out var delays) && delays.Remove(activation.Id) && delays.Count == 0)
        {
            _delays.Remove(node);
        }

        ShowDelay(node, _progress[node]);
    }

    /// <summary>Shows until when a node's calls wait: of several, the one that goes on first.</summary>
    private void ShowDelay(int node, NodeProgress progress)
    {
        var first = _delays.GetValueOrDefault(node)?.Values.MinBy(wait => wait.Until);
        Show(node, progress with { WaitingUntil = first?.Until, WaitReason = first?.Reason, WaitMessage = first?.Message });
    }

    void IRunObserver.OnWaiting(Activation activation, PendingWait wait, WaitState state)
    {
        _waits[activation.Id] = state;
        _pendingWaits[activation.Id] = wait;
        _progressChanged = true;
        Wake();
    }

    void IRunObserver.OnWaited(Activation activation)
    {
        _waits.Remove(activation.Id);
        _pendingWaits.Remove(activation.Id);
        _progressChanged = true;
    }

    private void Show(int node, NodeProgress progress)
    {
        _progress[node] = progress;
        _progressChanged = true;
    }

    private void SetItems(int node, int count) =>
        Show(node, _progress[node] with
        {
            Status = "running",
            Items = count,
            ItemsDone = 0,
            ItemsFailed = 0,
            Round = _graph.Nodes[node].Round,
            StartedTime = _context.CurrentUtcDateTime,
        });

    private void CountActivation(int node, Outcome outcome) => Count(node, outcome.Attempts, outcome.Usage, outcome.Provider, outcome.Error?.Code);

    /// <summary>What a stopped activation had begun was begun all the same.</summary>
    private void CountStopped(int node, WorkResult? work)
    {
        if (work is { Attempts: > 0 })
        {
            Count(node, work.Attempts, work.Usage, work.Provider, _progress[node].Error);
        }
    }

    private void CountItem(int node, Outcome outcome)
    {
        Count(node, outcome.Attempts, outcome.Usage, outcome.Provider, outcome.Status == NodeResult.Completed ? null : outcome.Error?.Code);
        AddItems(node, 1, outcome.Status == NodeResult.Completed ? 0 : 1);
    }

    private void CountItems(int node, ItemsResult part)
    {
        Count(node, part.Attempts, part.Usage, part.Provider, part.FirstError?.Code);
        AddItems(node, part.Done, part.Failed);
    }

    private void Count(int node, int attempts, Usage usage, string? provider, string? error)
    {
        var progress = _progress[node];
        Show(node, progress with
        {
            Attempts = progress.Attempts + attempts,
            Tokens = progress.Tokens + usage.Tokens,
            CostUsd = progress.CostUsd + usage.CostUsd,
            UnpricedTurns = progress.UnpricedTurns + usage.UnpricedTurns,
            EstimatedTurns = progress.EstimatedTurns + usage.EstimatedTurns,
            FinishReason = usage.CutOffTurns > 0 ? FinishReasons.Length : progress.FinishReason,
            Provider = provider ?? progress.Provider,
            Error = error,
        });
    }

    private void AddItems(int node, int done, int failed)
    {
        var progress = _progress[node];
        Show(node, progress with { ItemsDone = (progress.ItemsDone ?? 0) + done, ItemsFailed = (progress.ItemsFailed ?? 0) + failed });
    }

    /// <summary>Takes over what a step of the graph has changed.</summary>
    private void UpdateProgress(GraphState before)
    {
        foreach (var node in _graph.Changed)
        {
            var phase = _graph.Nodes[node].Phase;
            if (phase == before.Nodes[node].Phase && _graph.Nodes[node].Round == before.Nodes[node].Round)
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
                    EndedTime = _context.CurrentUtcDateTime,
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
                Show(node, new NodeProgress { Node = Graph.Nodes[node].Name, Status = "pending", Round = _graph.Nodes[node].Round + (phase == NodePhase.Pending ? 1 : 0) });
            }
        }
    }

    /// <summary>Nodes that were under way when the run stopped do not run any more.</summary>
    private void ShowStopped()
    {
        for (var node = 0; node < Graph.Nodes.Length; node++)
        {
            if (_progress[node].Status is "running" or "retrying" or "waiting")
            {
                Show(node, _progress[node] with
                {
                    Status = NodeResult.Stopped,
                    EndedTime = _context.CurrentUtcDateTime,
                    WaitingUntil = null,
                    WaitReason = null,
                    WaitMessage = null,
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
        foreach (var node in _underWay)
        {
            if (shown.Count == MaxShownNodes)
            {
                break;
            }

            shown.Add(node);
        }

        shown.AddRange(_lastEnded.Where(node => !_underWay.Contains(node)).Distinct());
        shown.Sort(_byPosition);
        return shown.Count <= MaxShownNodes ? shown : shown.GetRange(0, MaxShownNodes);
    }

    private void PublishProgress(WorkflowResult? result = null)
    {
        if (!_progressChanged && result is null)
        {
            return;
        }

        _progressChanged = false;
        var progress = new WorkflowProgress
        {
            Total = Graph.Nodes.Length,
            Done = _graph.Ended,
            WaitingFor = _pendingWaits.Count == 0 ? [] : [.. _pendingWaits.Values.Take(MaxShownWaits)],
            Usage = _budget.Used,
            Result = result,
            Failures = _failures,
        };

        // Where long prompts and names in scripts of several bytes a letter leave no room, what providers said goes first, then the nodes, then most of what it waits for.
        _context.SetCustomStatus(
            _progress.Write(progress, Shown(), DurableLimits.MaxCustomStatusBytes)
            ?? _progress.Write(progress, Shown(), DurableLimits.MaxCustomStatusBytes, withMessages: false)
            ?? ProgressWriter.WriteShort(progress, DurableLimits.MaxCustomStatusBytes));
    }
}
