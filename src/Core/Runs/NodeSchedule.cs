using Polyphony.Core.Graph;

namespace Polyphony.Core.Runs;

/// <summary>Which nodes of a run are ready, under way and ended in the course of a run. The rules are in <see cref="GraphState"/>, which never changes; this holds the current one.</summary>
internal sealed class NodeSchedule
{
    private readonly WorkflowPlan _plan;
    private readonly SortedSet<int> _underWay;
    private readonly SortedSet<int> _ready;

    public NodeSchedule(WorkflowPlan plan)
    {
        _plan = plan;
        ByPosition = Comparer<int>.Create((one, other) => plan.Graph.Position[one].CompareTo(plan.Graph.Position[other]));
        _underWay = new SortedSet<int>(ByPosition);
        _ready = new SortedSet<int>(ByPosition);
        State = GraphState.Create(plan.Graph);
        CollectReady();
    }

    public GraphState State { get; private set; }

    /// <summary>Gets what compares nodes by their place in the order of the graph.</summary>
    public Comparer<int> ByPosition { get; }

    /// <summary>Gets the nodes under way, in the order of the graph.</summary>
    public IReadOnlyCollection<int> UnderWay => _underWay;

    public bool IsUnderWay(int node) => _underWay.Contains(node);

    public int RoundOf(int node) => State.Nodes[node].Round;

    /// <summary>Starts the first node that is ready.</summary>
    /// <returns>The node; <see langword="null"/> if none is.</returns>
    public int? StartNext()
    {
        if (_ready.Count == 0)
        {
            return null;
        }

        var node = _ready.Min;
        _ready.Remove(node);
        State = State.Start(node);
        _underWay.Add(node);
        return node;
    }

    /// <summary>Takes a node off those under way. One that was stopped stays as running: the run ends, or sets it back after a rewind.</summary>
    public void Leave(int node) => _underWay.Remove(node);

    public void Complete(int node, IReadOnlyList<bool> decisions, ulong digest) => Change(State.Complete(node, decisions, digest));

    public void Skip(int node) => Change(State.Skip(node));

    public void Fail(int node) => Change(State.Fail(node));

    public void Retry(int node) => Change(State.Retry(node));

    public void Restore(GraphState state)
    {
        _ready.Clear();
        Change(state);
    }

    /// <summary>
    /// Gets a node's place among all results: for each loop around it, from the outside in, the loop's place and round, then the node's
    /// own place. Ordinal comparison gives the order of the graph.
    /// </summary>
    /// <param name="node">The node.</param>
    /// <param name="state">The state that tells the round; the current one by default.</param>
    public string OrderOf(int node, GraphState? state = null)
    {
        if (_plan.FixedOrderOf(node) is { } known)
        {
            return known;
        }

        var loop = _plan.Graph.InnermostLoop[node];
        return $"{(loop < 0 ? "" : PrefixOf(loop, state))}{_plan.Graph.Position[node]:D4}";
    }

    /// <summary>Gets what the places of the results of a loop's round begin with: those of earlier rounds come before it.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="state">The state that tells the round; the current one by default.</param>
    public string PrefixOf(int loop, GraphState? state = null)
    {
        var graph = _plan.Graph;
        var outer = graph.Loops[loop].Parent is >= 0 and var parent ? PrefixOf(parent, state) : "";
        return $"{outer}{graph.Position[graph.Loops[loop].Header]:D4}.{(state ?? State).Loops[loop].Round:D6}.";
    }

    /// <summary>Makes the end of a node that failed as a whole, not by one of its activations.</summary>
    public NodeEnd FailedEnd(int node, CallError error) => new(
        node,
        new NodeResult { Status = NodeResult.Failed, Error = ErrorText.Shorten(error), Order = OrderOf(node) },
        FailedActivation: _plan.Graph.Nodes[node].Name);

    private void Change(GraphState state)
    {
        State = state;
        CollectReady();
    }

    /// <summary>Takes note of nodes that the last change has made ready.</summary>
    private void CollectReady()
    {
        foreach (var node in State.Changed)
        {
            if (State.Nodes[node].Phase == NodePhase.Ready)
            {
                _ready.Add(node);
            }
        }
    }
}
