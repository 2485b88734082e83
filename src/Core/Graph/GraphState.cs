using System.Collections.Immutable;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Graph;

/// <summary>Where a node stands in its current round.</summary>
internal enum NodePhase : byte
{
    /// <summary>Not all of its incoming edges are resolved.</summary>
    Pending,

    /// <summary>May run.</summary>
    Ready,

    /// <summary>Runs.</summary>
    Running,

    /// <summary>Has ended with an output.</summary>
    Completed,

    /// <summary>Does not run in this round: no incoming edge was taken, or it failed and its failure was to be skipped.</summary>
    Skipped,

    /// <summary>Has failed, and nothing handled that.</summary>
    Failed,
}

/// <summary>Where an edge stands in the current round of its source.</summary>
internal enum EdgePhase : byte
{
    /// <summary>Its source has not ended.</summary>
    Unresolved,

    /// <summary>Taken.</summary>
    Taken,

    /// <summary>Not taken.</summary>
    Skipped,

    /// <summary>Would be taken; counts when the loop that it leaves or closes has ended its round.</summary>
    HeldTaken,

    /// <summary>Would not be taken; counts when the loop that it leaves has ended.</summary>
    HeldSkipped,
}

/// <summary>How a loop stands.</summary>
internal enum LoopPhase : byte
{
    /// <summary>It may take further rounds.</summary>
    Open,

    /// <summary>Ended: no back edge asked for another round.</summary>
    Ended,

    /// <summary>Ended although a back edge asked for another round: its cap is reached.</summary>
    CapReached,

    /// <summary>Ended although a back edge asked for another round: the last two rounds had the same results.</summary>
    NoProgress,
}

/// <summary>A node's state.</summary>
/// <param name="Phase">Where it stands.</param>
/// <param name="Round">How many times it was made ready so far.</param>
/// <param name="Digest">A digest of its last result.</param>
internal readonly record struct NodeState(NodePhase Phase, int Round, ulong Digest)
{
    /// <summary>Gets a value indicating whether it needs nothing more in this round.</summary>
    public bool HasEnded => Phase is NodePhase.Completed or NodePhase.Skipped;
}

/// <summary>A loop's state.</summary>
/// <param name="Phase">How it stands.</param>
/// <param name="Round">Its round since it was entered, from 1.</param>
/// <param name="Taken">How many times each of its back edges was taken since it was entered.</param>
/// <param name="Digest">The digest of the round before; <see langword="null"/> in the first.</param>
internal sealed record LoopState(LoopPhase Phase, int Round, ImmutableArray<int> Taken, ulong? Digest);

/// <summary>
/// The state of a graph: which nodes may run, run and have ended, which edges are taken. Immutable: every change returns a new value and
/// leaves the old one as it was. What follows from a change is worked out at once, in the order of the graph, so that the state
/// depends only on what has ended and not on when.
/// </summary>
/// <remarks>
/// The rules are in docs/graph-semantics.md. In short: an edge is taken or skipped; a node runs once its incoming edges are resolved
/// and one is taken, and is skipped if none is; skipping propagates (dead-path elimination, as in WS-BPEL 2.0, 11.6.3). A loop's
/// round ends when all nodes of its body have ended; then its back edges decide about another round, and edges that leave the
/// loop count only after the last.
/// </remarks>
internal sealed partial class GraphState
{
    private readonly Counts _counts;

    private GraphState(
        WorkflowGraph graph, ChunkedArray<NodeState> nodes, ChunkedArray<EdgePhase> edges, ImmutableArray<LoopState> loops, Counts counts, ImmutableArray<int> changed)
    {
        Graph = graph;
        Nodes = nodes;
        Edges = edges;
        Loops = loops;
        _counts = counts;
        Changed = changed;
    }

    /// <summary>Gets the graph.</summary>
    public WorkflowGraph Graph { get; }

    /// <summary>Gets the nodes' states.</summary>
    public ChunkedArray<NodeState> Nodes { get; }

    /// <summary>Gets the edges' states.</summary>
    public ChunkedArray<EdgePhase> Edges { get; }

    /// <summary>Gets the loops' states.</summary>
    public ImmutableArray<LoopState> Loops { get; }

    /// <summary>Gets the nodes whose state the last change has changed, each once, in no order: what follows from a change need not be looked for in all nodes.</summary>
    public ImmutableArray<int> Changed { get; }

    /// <summary>Gets a value indicating whether no node may run or runs.</summary>
    public bool IsFinished => _counts.Active == 0;

    /// <summary>Gets how many nodes have ended in their current round: completed, skipped or failed.</summary>
    public int Ended => _counts.Ended;

    /// <summary>Makes the state of a graph in which nothing has run: its start nodes may.</summary>
    /// <param name="graph">The graph.</param>
    /// <returns>The state.</returns>
    public static GraphState Create(WorkflowGraph graph)
    {
        var work = new Transition(new GraphState(
            graph,
            ChunkedArray.Create<NodeState>(new NodeState[graph.Nodes.Length]),
            ChunkedArray.Create<EdgePhase>(new EdgePhase[graph.Edges.Length]),
            [.. graph.Loops.Select(NewLoop)],
            default,
            []));
        foreach (var node in graph.Order)
        {
            if (graph.Incoming[node].All(edge => graph.Edges[edge].IsBackEdge))
            {
                work.MakeReady(node);
            }
        }

        return work.Finish();
    }

    /// <summary>Makes a state of its parts, as an earlier generation left them.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="nodes">The nodes' states.</param>
    /// <param name="edges">The edges' states.</param>
    /// <param name="loops">The loops' states.</param>
    /// <returns>The state.</returns>
    public static GraphState Restore(WorkflowGraph graph, ReadOnlySpan<NodeState> nodes, ReadOnlySpan<EdgePhase> edges, ImmutableArray<LoopState> loops)
    {
        var counts = default(Counts);
        foreach (var node in nodes)
        {
            counts = counts.Add(node.Phase, 1);
        }

        return new GraphState(
            graph, ChunkedArray.Create<NodeState>(nodes), ChunkedArray.Create<EdgePhase>(edges), loops, counts, [.. Enumerable.Range(0, nodes.Length)]);
    }

    /// <summary>Lets a ready node run.</summary>
    /// <param name="node">The node.</param>
    /// <returns>The new state.</returns>
    public GraphState Start(int node)
    {
        Check(node, NodePhase.Ready);
        return With(node, NodePhase.Running);
    }

    /// <summary>Sets a node back that has failed or was stopped, to run again in the same round.</summary>
    /// <param name="node">The node.</param>
    /// <returns>The new state.</returns>
    public GraphState Retry(int node) => With(node, NodePhase.Ready);

    /// <summary>Records that a running node has failed and nothing handles that.</summary>
    /// <param name="node">The node.</param>
    /// <returns>The new state.</returns>
    public GraphState Fail(int node)
    {
        Check(node, NodePhase.Running);
        return With(node, NodePhase.Failed);
    }

    /// <summary>Records that a running node has an output, and works out what follows.</summary>
    /// <param name="node">The node.</param>
    /// <param name="decisions">Whether each outgoing edge's condition holds, in the order of <see cref="WorkflowGraph.Outgoing"/>.</param>
    /// <param name="digest">A digest of the result, by which rounds are compared.</param>
    /// <returns>The new state.</returns>
    public GraphState Complete(int node, IReadOnlyList<bool> decisions, ulong digest)
    {
        Check(node, NodePhase.Running);
        var work = new Transition(this);
        work.End(node, NodePhase.Completed, decisions, digest);
        return work.Finish();
    }

    /// <summary>Records that a running node has failed and counts as skipped, and works out what follows.</summary>
    /// <param name="node">The node.</param>
    /// <returns>The new state.</returns>
    public GraphState Skip(int node)
    {
        Check(node, NodePhase.Running);
        var work = new Transition(this);
        work.End(node, NodePhase.Skipped, decisions: null, digest: 0);
        return work.Finish();
    }

    private static LoopState NewLoop(GraphLoop loop) => new(LoopPhase.Open, 1, [.. new int[loop.BackEdges.Length]], Digest: null);

    private GraphState With(int node, NodePhase to) => new(
        Graph, Nodes.SetItem(node, Nodes[node] with { Phase = to }), Edges, Loops, _counts.Add(Nodes[node].Phase, -1).Add(to, 1), [node]);

    private void Check(int node, NodePhase expected)
    {
        if (Nodes[node].Phase != expected)
        {
            throw new InvalidOperationException($"Node \"{Graph.Nodes[node].Name}\" is {Nodes[node].Phase}, expected {expected}.");
        }
    }

    /// <summary>How many nodes are in some phases.</summary>
    /// <param name="Active">Nodes that may run, or run.</param>
    /// <param name="Ended">Nodes that completed, were skipped or failed.</param>
    private readonly record struct Counts(int Active, int Ended)
    {
        public Counts Add(NodePhase phase, int count) => phase switch
        {
            NodePhase.Ready or NodePhase.Running => this with { Active = Active + count },
            NodePhase.Completed or NodePhase.Skipped or NodePhase.Failed => this with { Ended = Ended + count },
            _ => this,
        };
    }
}
