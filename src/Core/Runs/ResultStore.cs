using System.Collections.Immutable;
using Polyphony.Core.Graph;

namespace Polyphony.Core.Runs;

/// <summary>
/// The results of a run's nodes: those of the round that each is in, and those of the last round of each loop. A node sees the results of what is upstream of it and nothing
/// else, each as of the round it is in, so what it sees does not depend on timing.
/// </summary>
internal sealed class ResultStore(WorkflowPlan plan, NodeSchedule schedule)
{
    /// <summary>Above twice this the results' values go to the payload store, so that the state fits one history event.</summary>
    private const int MaxInlineBytes = 12 * 1024;

    private ChunkedArray<NodeResult?> _results = ChunkedArray.Create<NodeResult?>(new NodeResult?[plan.Graph.Nodes.Length]);
    private ImmutableArray<ChunkedArray<NodeResult?>> _snapshots = [.. plan.Graph.Loops.Select(_ => ChunkedArray.Create<NodeResult?>(new NodeResult?[plan.Graph.Nodes.Length]))];

    /// <summary>Gets the results of the current round, by node.</summary>
    public IReadOnlyList<NodeResult?> Current => _results;

    private WorkflowGraph Graph => plan.Graph;

    /// <summary>Keeps a node's result.</summary>
    /// <returns>The result, with the messages of earlier rounds that are still wanted.</returns>
    public NodeResult Keep(int node, NodeResult result)
    {
        var kept = result with { Earlier = EarlierOf(node, result) };
        _results = _results.SetItem(node, kept);
        return kept;
    }

    /// <summary>Sets a result as it is, or takes it away.</summary>
    public void Set(int node, NodeResult? result) => _results = _results.SetItem(node, result);

    /// <summary>Takes over what a change of the graph means for results: nodes that it skipped, and loops that began another round.</summary>
    /// <param name="before">The graph's state before the change.</param>
    public void Follow(GraphState before)
    {
        RecordSkipped(before);
        BeginRounds(before);
    }

    /// <summary>
    /// Finds the result of one node that another sees: of a node before it in the same round, or of a loop before it, the latest; of one that comes before it only
    /// through a back edge, that of the last round of the loop that holds both. Neither depends on when things happen.
    /// </summary>
    public NodeResult? ViewOf(int node, int reader)
    {
        if (plan.IsBefore(node, reader))
        {
            return _results[node];
        }

        var loop = plan.CommonLoop(node, reader);
        return loop < 0 ? null : _snapshots[loop][node];
    }

    /// <summary>Finds the messages of one node that another may be given, oldest first. What a node has said stays, also when it was skipped since, or has yet to come in this round (<c>join: any</c>).</summary>
    public IReadOnlyList<NodeResult> MessagesOf(int node, int reader) =>
        (ViewOf(node, reader) ?? (plan.IsBefore(node, reader) ? LastRoundOf(node) : null))?.Messages ?? [];

    /// <summary>Gets a node's result for the output: its last, whichever round that was.</summary>
    /// <param name="node">The node.</param>
    /// <param name="until">The order of the last result that counts; <see langword="null"/> if all do.</param>
    public NodeResult? FinalOf(int node, string? until)
    {
        var result = _results[node];
        for (var loop = Graph.InnermostLoop[node]; result is null && loop >= 0; loop = Graph.Loops[loop].Parent)
        {
            result = _snapshots[loop][node];
        }

        return result is not null && until is not null && string.CompareOrdinal(result.Order, until) > 0 ? null : result;
    }

    /// <summary>Gets the results of a loop's body in its last round.</summary>
    public IEnumerable<(int Node, NodeResult Result)> LastRound(int loop)
    {
        foreach (var node in Graph.Loops[loop].Body)
        {
            if (_snapshots[loop][node] is { } result)
            {
                yield return (node, result);
            }
        }
    }

    public void Restore(NodeResult?[] results, IEnumerable<NodeResult?[]> snapshots)
    {
        _results = ChunkedArray.Create<NodeResult?>(results);
        _snapshots = [.. snapshots.Select(snapshot => ChunkedArray.Create<NodeResult?>(snapshot))];
    }

    /// <summary>Moves values in place to the payload store when they are too many for the state.</summary>
    /// <param name="calls">The calls.</param>
    /// <param name="others">Results that are held elsewhere.</param>
    /// <returns>What gives for a result of <paramref name="others"/> the one that takes its place; <see langword="null"/> if nothing was moved.</returns>
    public async Task<Func<NodeResult, NodeResult>?> MoveLargeAsync(RunCalls calls, IEnumerable<NodeResult> others)
    {
        var held = new Dictionary<NodeResult, NodeResult>(ReferenceEqualityComparer.Instance);
        void Hold(NodeResult? result)
        {
            if (result is not null)
            {
                held[result] = result;
                result.Earlier.ForEach(Hold);
            }
        }

        foreach (var result in _results.Concat(Enumerable.Range(0, Graph.Loops.Length).SelectMany(LastRound).Select(pair => pair.Result)).Concat(others))
        {
            Hold(result);
        }

        var inline = held.Keys.Where(result => result.Output is { IsInline: true } && RunCalls.SizeOf(result.Output) > 64).ToList();
        if (inline.Sum(result => RunCalls.SizeOf(result.Output)) <= MaxInlineBytes)
        {
            return null;
        }

        var stored = await calls.StoreAllAsync([.. inline.Select(result => result.Output!)]);
        for (var i = 0; i < inline.Count; i++)
        {
            held[inline[i]] = inline[i] with { Output = stored[i] };
        }

        NodeResult Moved(NodeResult result) => !held.TryGetValue(result, out var moved)
            ? result
            : moved.Earlier.IsEmpty ? moved : moved with { Earlier = [.. moved.Earlier.Select(Moved)] };

        _results = MoveAll(_results);
        _snapshots = [.. _snapshots.Select(MoveAll)];
        return Moved;

        ChunkedArray<NodeResult?> MoveAll(ChunkedArray<NodeResult?> results) =>
            ChunkedArray.Create<NodeResult?>([.. results.Select(result => result is null ? null : Moved(result))]);
    }

    private NodeResult? LastRoundOf(int node) => Graph.InnermostLoop[node] is >= 0 and var loop ? _snapshots[loop][node] : null;

    /// <summary>Gets the messages of a node's earlier rounds that some agent may still be given beside this result.</summary>
    private ImmutableList<NodeResult> EarlierOf(int node, NodeResult result)
    {
        var loop = Graph.InnermostLoop[node];
        var (first, last) = plan.Retain(node);
        last = result.IsMessage ? Math.Max(0, last - 1) : last;
        if (loop < 0 || (first == 0 && last == 0) || LastRoundOf(node) is not { } previous)
        {
            return [];
        }

        var all = previous.IsMessage ? previous.Earlier.Add(previous with { Earlier = [] }) : previous.Earlier;
        return first >= all.Count || first + last >= all.Count ? all : [.. all.Take(first), .. all.Skip(Math.Max(first, all.Count - last))];
    }

    private void RecordSkipped(GraphState before)
    {
        var results = new ChunkedArray<NodeResult?>.Changes(_results);
        foreach (var node in schedule.State.Changed)
        {
            if (schedule.State.Nodes[node].Phase == NodePhase.Skipped && before.Nodes[node].Phase == NodePhase.Pending)
            {
                results[node] = Skipped(node, schedule.State);
            }
        }

        _results = results.Finish();
    }

    /// <summary>Loops that began another round: their bodies' results become the past.</summary>
    private void BeginRounds(GraphState before)
    {
        var now = schedule.State;
        for (var loop = 0; loop < Graph.Loops.Length; loop++)
        {
            if (now.Loops[loop].Round <= before.Loops[loop].Round || before.Loops[loop].Phase != LoopPhase.Open)
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
                results[node] = Skipped(node, before);
            }
        }

        return results.Finish();
    }

    private NodeResult Skipped(int node, GraphState state)
    {
        var skipped = new NodeResult { Status = NodeResult.Skipped, Order = schedule.OrderOf(node, state) };
        return skipped with { Earlier = EarlierOf(node, skipped) };
    }
}
