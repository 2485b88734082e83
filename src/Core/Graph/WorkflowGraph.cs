using System.Collections;
using System.Collections.Immutable;
using Polyphony.Core.Definitions;

namespace Polyphony.Core.Graph;

/// <summary>The nodes and edges of a workflow with what follows from their shape. Immutable. Nodes, edges and loops are named by index.</summary>
/// <remarks>
/// A back edge closes a natural loop: its target, the header, dominates its source; the body is every node that reaches the source
/// without passing the header (Aho, Sethi, Ullman, "Compilers", 10.4). Back edges to one header form one loop.
/// </remarks>
public sealed class WorkflowGraph
{
    private readonly Lazy<BitArray[]> _upstream;
    private readonly Lazy<Dictionary<string, NodeDefinition>> _byName;

    internal WorkflowGraph(
        ImmutableArray<NodeDefinition> nodes, ImmutableArray<GraphEdge> edges, ImmutableArray<GraphLoop> loops, ImmutableArray<int> order, ImmutableArray<int> innermostLoop)
    {
        Nodes = nodes;
        Edges = edges;
        Loops = loops;
        Order = order;
        InnermostLoop = innermostLoop;
        var position = new int[nodes.Length];
        for (var i = 0; i < order.Length; i++)
        {
            position[order[i]] = i;
        }

        Position = [.. position];
        Incoming = Group(edges, nodes.Length, edge => edge.To);
        Outgoing = Group(edges, nodes.Length, edge => edge.From);
        _upstream = new Lazy<BitArray[]>(FindUpstream);
        _byName = new Lazy<Dictionary<string, NodeDefinition>>(() => Nodes.ToDictionary(node => node.Name, StringComparer.Ordinal));
    }

    /// <summary>Gets the nodes in the order of the file.</summary>
    public ImmutableArray<NodeDefinition> Nodes { get; }

    /// <summary>Gets the edges in the order of the file.</summary>
    public ImmutableArray<GraphEdge> Edges { get; }

    /// <summary>Gets the loops, outer before inner.</summary>
    public ImmutableArray<GraphLoop> Loops { get; }

    /// <summary>Gets the nodes in topological order (back edges aside), each loop's body in one piece, ties in the order of the file.</summary>
    public ImmutableArray<int> Order { get; }

    /// <summary>Gets each node's place in <see cref="Order"/>.</summary>
    public ImmutableArray<int> Position { get; }

    /// <summary>Gets the innermost loop of each node, or -1.</summary>
    public ImmutableArray<int> InnermostLoop { get; }

    /// <summary>Gets the edges into each node, back edges included, in the order of the file.</summary>
    public ImmutableArray<ImmutableArray<int>> Incoming { get; }

    /// <summary>Gets the edges out of each node, back edges included, in the order of the file.</summary>
    public ImmutableArray<ImmutableArray<int>> Outgoing { get; }

    /// <summary>Finds a node by its name.</summary>
    /// <param name="name">The name.</param>
    /// <returns>The node, or <see langword="null"/> if there is none.</returns>
    public NodeDefinition? Find(string name) => _byName.Value.GetValueOrDefault(name);

    /// <summary>
    /// Determines whether a node is upstream of another: whether some way leads from it to the other, back edges included. In a loop every node is
    /// upstream of every other and of itself.
    /// </summary>
    /// <param name="node">The one that may come before.</param>
    /// <param name="of">The other.</param>
    /// <returns><see langword="true"/> if so; otherwise, <see langword="false"/>.</returns>
    public bool IsUpstream(int node, int of) => _upstream.Value[of][node];

    /// <summary>Lists the nodes upstream of a node.</summary>
    /// <param name="of">The node.</param>
    /// <returns>The nodes in the graph's order.</returns>
    public IEnumerable<int> Upstream(int of) => Order.Where(node => IsUpstream(node, of));

    // In the graph's order; the body of an outermost loop is entered by its header alone and shares one answer.
    private BitArray[] FindUpstream()
    {
        var upstream = new BitArray[Nodes.Length];
        foreach (var node in Order)
        {
            if (upstream[node] is not null)
            {
                continue;
            }

            var found = upstream[node] = new BitArray(Nodes.Length);
            foreach (var edge in Incoming[node])
            {
                if (Edges[edge].IsBackEdge)
                {
                    continue;
                }

                found[Edges[edge].From] = true;
                found.Or(upstream[Edges[edge].From]);
            }

            if (InnermostLoop[node] < 0)
            {
                continue;
            }

            foreach (var member in Loops[InnermostLoop[node]].Body)
            {
                found[member] = true;
                upstream[member] = found;
            }
        }

        return upstream;
    }

    /// <summary>Determines whether a node belongs to a loop, or to one inside it.</summary>
    /// <param name="node">The node.</param>
    /// <param name="loop">The loop.</param>
    /// <returns><see langword="true"/> if so; otherwise, <see langword="false"/>.</returns>
    public bool IsInLoop(int node, int loop)
    {
        for (var each = InnermostLoop[node]; each >= 0; each = Loops[each].Parent)
        {
            if (each == loop)
            {
                return true;
            }
        }

        return false;
    }

    private static ImmutableArray<ImmutableArray<int>> Group(ImmutableArray<GraphEdge> edges, int nodes, Func<GraphEdge, int> end)
    {
        var lists = new ImmutableArray<int>.Builder[nodes];
        for (var i = 0; i < nodes; i++)
        {
            lists[i] = ImmutableArray.CreateBuilder<int>();
        }

        for (var i = 0; i < edges.Length; i++)
        {
            lists[end(edges[i])].Add(i);
        }

        return [.. lists.Select(list => list.ToImmutable())];
    }
}

/// <summary>An edge between nodes by index.</summary>
/// <param name="From">The source.</param>
/// <param name="To">The target.</param>
/// <param name="Definition">The edge as written.</param>
/// <param name="BackEdgeOf">The loop that it closes, or -1 for a forward edge.</param>
public sealed record GraphEdge(int From, int To, EdgeDefinition Definition, int BackEdgeOf)
{
    /// <summary>Gets a value indicating whether it closes a loop.</summary>
    public bool IsBackEdge => BackEdgeOf >= 0;
}

/// <summary>A natural loop.</summary>
/// <param name="Header">The node by which it is entered.</param>
/// <param name="Body">All its nodes, inner loops' included, in the graph's order; the header first.</param>
/// <param name="BackEdges">The edges that close it.</param>
/// <param name="Parent">The loop around it, or -1.</param>
public sealed record GraphLoop(int Header, ImmutableArray<int> Body, ImmutableArray<int> BackEdges, int Parent)
{
    /// <summary>Determines whether a node belongs to the loop.</summary>
    /// <param name="node">The node.</param>
    /// <returns><see langword="true"/> if so; otherwise, <see langword="false"/>.</returns>
    public bool Contains(int node) => Body.Contains(node);
}
