using System.Collections.Concurrent;
using System.Collections.Immutable;
using Polyphony.Core.Definitions;
using Polyphony.Core.Graph;

namespace Polyphony.Core.Runs;

/// <summary>What the interpreter needs to know of a definition beyond its text, worked out once. Thread-safe.</summary>
internal sealed class WorkflowPlan
{
    private readonly Dictionary<string, int> _index;
    private readonly ConcurrentDictionary<int, bool[]> _forward = new();
    private readonly ConcurrentDictionary<(int Node, ExpressionSite Site), Reads> _reads = new();
    private readonly (int First, int Last)[] _retain;
    private readonly string?[] _orders;
    private readonly Lazy<Precedence> _precedence;

    public WorkflowPlan(WorkflowDefinition definition)
    {
        Definition = definition;
        var nodes = definition.Graph.Nodes;
        _index = new Dictionary<string, int>(nodes.Length, StringComparer.Ordinal);
        for (var i = 0; i < nodes.Length; i++)
        {
            _index.Add(nodes[i].Name, i);
        }

        _retain = Retention();
        _precedence = new Lazy<Precedence>(() => new Precedence(definition.Graph));
        _orders = [.. Enumerable.Range(0, nodes.Length).Select(node => Graph.InnermostLoop[node] < 0 ? $"{Graph.Position[node]:D4}" : null)];
    }

    public WorkflowDefinition Definition { get; }

    /// <summary>Gets which nodes have ended when others begin.</summary>
    public Precedence Precedence => _precedence.Value;

    public WorkflowGraph Graph => Definition.Graph;

    public int IndexOf(string node) => _index[node];

    /// <summary>Determines whether a node comes before another within the same round.</summary>
    public bool IsForwardAncestor(int ancestor, int node) => (_forward.TryGetValue(node, out var found) ? found : _forward.GetOrAdd(node, FindForwardAncestors))[ancestor];

    /// <summary>Determines whether a node's latest result is there when another runs: it comes before it within the same round, or belongs to a loop that has ended by then, wherever that is left.</summary>
    public bool IsBefore(int ancestor, int node)
    {
        if (IsForwardAncestor(ancestor, node))
        {
            return true;
        }

        for (var loop = Graph.InnermostLoop[ancestor]; loop >= 0 && !Graph.IsInLoop(node, loop); loop = Graph.Loops[loop].Parent)
        {
            if (IsForwardAncestor(Graph.Loops[loop].Header, node))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Finds the innermost loop that holds both nodes, or -1.</summary>
    public int CommonLoop(int a, int b)
    {
        var loop = Graph.InnermostLoop[a];
        while (loop >= 0 && !Graph.IsInLoop(b, loop))
        {
            loop = Graph.Loops[loop].Parent;
        }

        return loop;
    }

    /// <summary>Gets what an expression reads.</summary>
    /// <param name="node">The node that it belongs to (an edge's condition: to the edge's source), or -1.</param>
    /// <param name="site">The expression.</param>
    public Reads ReadsOf(int node, ExpressionSite site) => _reads.TryGetValue((node, site), out var found) ? found : _reads.GetOrAdd((node, site), FindReads);

    /// <summary>Gets the <see cref="Outcome.Order"/> of a node that is in no loop; <see langword="null"/> for others, where it depends on the round.</summary>
    public string? FixedOrderOf(int node) => _orders[node];

    /// <summary>Gets how many of its first and last messages a node keeps, because some agent may be given them.</summary>
    public (int First, int Last) Retain(int node) => _retain[node];

    private (int First, int Last)[] Retention()
    {
        // Without a filter an agent gets the latest.
        var retain = new (int First, int Last)[Graph.Nodes.Length];
        if (Definition.Agents.Values.Any(agent => agent.Context is null))
        {
            Array.Fill(retain, (0, 1));
        }

        foreach (var filter in Definition.Agents.Values.SelectMany(agent => agent.Context ?? []))
        {
            for (var i = 0; i < retain.Length; i++)
            {
                if (Matches(filter, i))
                {
                    var all = filter.First is null && filter.Last is null;
                    retain[i] = (
                        Math.Max(retain[i].First, all ? int.MaxValue : filter.First ?? 0),
                        Math.Max(retain[i].Last, filter.Last ?? 0));
                }
            }
        }

        return retain;
    }

    /// <summary>Determines whether a filter is about a node: by its name, its agent's, or because it names none.</summary>
    public bool Matches(MessageFilter filter, int node) =>
        filter.From is null || Graph.Nodes[node].Name == filter.From || Graph.Nodes[node].Kind.AgentOf(Graph.Nodes[node]) == filter.From;

    private bool[] FindForwardAncestors(int node)
    {
        var found = new bool[Graph.Nodes.Length];
        var open = new Stack<int>([node]);
        while (open.TryPop(out var next))
        {
            foreach (var edge in Graph.Incoming[next])
            {
                var from = Graph.Edges[edge].From;
                if (!Graph.Edges[edge].IsBackEdge && !found[from])
                {
                    found[from] = true;
                    open.Push(from);
                }
            }
        }

        return found;
    }

    private Reads FindReads((int Node, ExpressionSite Site) key)
    {
        var (node, site) = key;
        var references = ExpressionSites.References(Definition, node < 0 ? "" : Graph.Nodes[node].Name, site);
        var nodes = new SortedSet<int>();
        var state = new SortedSet<string>(StringComparer.Ordinal);
        var input = false;
        foreach (var reference in references)
        {
            if (reference.Path[0] == "input")
            {
                input = true;
            }
            else if (reference.Path[0] == "state")
            {
                state.UnionWith(reference.Path.Count > 1 ? [reference.Path[1]] : Definition.State.Select(value => value.Name));
            }
            else if (reference.Path[0] == "nodes")
            {
                if (reference.Path.Count > 1 && _index.TryGetValue(reference.Path[1], out var index))
                {
                    nodes.Add(index);
                }
                else if (reference.Path.Count == 1)
                {
                    // The node is computed: any that came before.
                    nodes.UnionWith(node < 0 ? Enumerable.Range(0, Graph.Nodes.Length) : Graph.Upstream(node));
                }
            }
        }

        return new Reads(input, [.. state], [.. nodes]);
    }

    /// <summary>What an expression reads of the state.</summary>
    /// <param name="Input">Whether it reads the input.</param>
    /// <param name="State">The values of the state that it reads.</param>
    /// <param name="Nodes">The nodes that it reads.</param>
    public sealed record Reads(bool Input, ImmutableArray<string> State, ImmutableArray<int> Nodes)
    {
        public static Reads None { get; } = new(false, [], []);

        public Reads And(Reads other) => new(Input || other.Input, State.IsEmpty ? other.State : [.. State.Union(other.State)], [.. Nodes.Union(other.Nodes).Order()]);
    }
}
