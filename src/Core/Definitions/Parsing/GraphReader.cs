using Polyphony.Core.Definitions.Sources;
using Polyphony.Core.Graph;

namespace Polyphony.Core.Definitions.Parsing;

/// <summary>Turns drafts of nodes and edges into a graph, and what is wrong with its shape into problems.</summary>
/// <param name="context">Takes the problems.</param>
/// <param name="nodes">The nodes.</param>
/// <param name="edges">The edges.</param>
/// <param name="hasTermination">Whether conditions of the workflow may end a run at any message.</param>
internal sealed class GraphReader(ParseContext context, List<NodeDraft> nodes, List<EdgeDraft> edges, bool hasTermination)
{
    private readonly Dictionary<string, int> _index = Index(nodes);

    /// <summary>Gets the shape, or <see langword="null"/> if there are problems with it.</summary>
    public GraphShape? Shape { get; private set; }

    public void Analyse()
    {
        ShapeEdge[] shapes = [.. edges.Select(edge => new ShapeEdge(_index[edge.Definition.From], _index[edge.Definition.To], edge.Definition.Max is not null))];
        (Shape, var problems) = GraphAnalysis.Analyse(nodes.Count, shapes);
        foreach (var problem in problems)
        {
            Report(problem, shapes);
        }

        if (Shape is not null)
        {
            Warn(shapes);
        }
    }

    /// <summary>Makes the graph. Nodes with problems have a stand-in there, so that the others can be checked.</summary>
    /// <returns>The graph, or <see langword="null"/> if the shape has problems.</returns>
    public WorkflowGraph? Build()
    {
        if (Shape is null)
        {
            return null;
        }

        return new WorkflowGraph(
            [.. nodes.Select(node => node.Definition ?? new UnreadNode { Name = node.Name })],
            [.. edges.Select((edge, i) => new GraphEdge(_index[edge.Definition.From], _index[edge.Definition.To], edge.Definition, Shape.BackEdgeOf[i]))],
            [.. Shape.Loops],
            [.. Shape.Order],
            [.. Shape.InnermostLoop]);
    }

    private static Dictionary<string, int> Index(List<NodeDraft> nodes)
    {
        var index = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < nodes.Count; i++)
        {
            index[nodes[i].Name] = i;
        }

        return index;
    }

    private void Report(ShapeProblem problem, ShapeEdge[] shapes)
    {
        var edge = edges[problem.Edge];
        var (from, to) = (edge.Definition.From, edge.Definition.To);
        switch (problem.Kind)
        {
            case ShapeProblemKind.Cycle:
                context.Error(
                    "cycle_without_max", edge.Path, edge.Location, $"the edges form a cycle without \"max\": {Names(problem.Nodes)}",
                    $"Write the edge that goes back as {{ from: {from}, to: {to}, when: \"…\", max: 3 }}.");
                break;
            case ShapeProblemKind.ClosesNoCycle when !Array.Exists(shapes, other => !other.HasMax && nodes[other.To].Name == to):
                context.Error(
                    "max_closes_no_cycle", edge.Path, edge.Location, $"{to} can be reached only by an edge with \"max\", which is for going back: {from} -> {to}",
                    "Remove \"max\": a node runs at most once unless it is in a loop.");
                break;
            case ShapeProblemKind.ClosesNoCycle:
                context.Error(
                    "max_closes_no_cycle", edge.Path, edge.Location, $"the edge {from} -> {to} has \"max\" but closes no cycle: there is no way from {to} to {from}",
                    "Remove \"max\", or let the edge go back to a node before it.");
                break;
            case ShapeProblemKind.NoNaturalLoop:
                var way = problem.Nodes.Count == 0 ? "" : $": {Names(problem.Nodes)}";
                context.Error(
                    "no_natural_loop", edge.Path, edge.Location, $"the edge {from} -> {to} closes no proper loop, because {from} can be reached without passing {to}{way}",
                    $"Let every way to {from} lead through {to}, or let the edge go back to a node that all of them pass.");
                break;
            default:
                context.Error(
                    "loops_too_deep", edge.Path, edge.Location, $"loops are nested more than {SourceLimits.MaxLoopDepth} deep at {to}", "Move inner loops into sub-workflows.");
                break;
        }
    }

    private string Names(IReadOnlyList<int> path)
    {
        const int shown = 12;
        var names = path.Select(node => nodes[node].Name).ToArray();
        return names.Length <= shown
            ? string.Join(" -> ", names)
            : string.Join(" -> ", names[..(shown / 2)]) + $" -> … ({names.Length - shown} more) … -> " + string.Join(" -> ", names[^(shown / 2)..]);
    }

    private void Warn(ShapeEdge[] shapes)
    {
        var touched = new bool[nodes.Count];
        var forward = new int[nodes.Count];
        foreach (var edge in shapes)
        {
            touched[edge.From] = touched[edge.To] = true;
            forward[edge.To] += edge.HasMax ? 0 : 1;
        }

        for (var i = 0; i < nodes.Count; i++)
        {
            var node = nodes[i];
            if (!touched[i] && edges.Count > 0)
            {
                context.Warn("isolated_node", node.Path, node.Location, $"no edge leads to or from {node.Name}: it runs at once, and nothing waits for it", "Add it to \"edges\", if it belongs to the rest.");
            }

            if (node.Definition?.Join == JoinMode.Any && forward[i] < 2)
            {
                context.Warn("join_without_effect", node.Path + ".join", context.Locations.GetValueOrDefault(node.Path + ".join", node.Location), $"\"join: any\" has no effect on {node.Name}, which has fewer than two incoming edges", "Remove it.");
            }
        }

        var certain = shapes.Zip(edges).Where(pair => !pair.First.HasMax && pair.Second.Definition.When is null).ToLookup(pair => pair.First.From, pair => pair.First.To);
        for (var i = 0; i < edges.Count; i++)
        {
            var (edge, shape) = (edges[i], shapes[i]);
            if (edge.Definition is { Max: not null, When: null } && !hasTermination && !MayBeRejected(Shape!.BackEdgeOf[i]) && AlwaysRuns(shape.From, shape.To, certain))
            {
                context.Warn(
                    "loop_ends_only_by_cap", edge.Path, edge.Location,
                    $"the edge {edge.Definition.From} -> {edge.Definition.To} has no \"when\", and {edge.Definition.From} runs in every round: nothing but its cap (max_rounds) or a round that changes nothing (no_progress) ends the loop",
                    "Add a condition for another round.");
            }
        }
    }

    /// <summary>Determines whether a person's answer may end the run from inside of a loop.</summary>
    private bool MayBeRejected(int loop) => Shape!.Loops[loop].Body.Any(node => nodes[node].Definition is { } definition && definition.Kind.MayReject(definition));

    /// <summary>
    /// Determines whether a node runs whenever another has run, whatever the conditions: a chain of edges without "when" leads from one to the other, and no node of it may be skipped for an error.
    /// </summary>
    private bool AlwaysRuns(int node, int whenever, ILookup<int, int> certain)
    {
        var seen = new HashSet<int>();
        var open = new Stack<int>([whenever]);
        while (open.TryPop(out var next))
        {
            if (nodes[next].Definition is { OnError.Kind: ErrorPolicyKind.Skip } || !seen.Add(next))
            {
                continue;
            }

            if (next == node)
            {
                return true;
            }

            foreach (var to in certain[next])
            {
                open.Push(to);
            }
        }

        return false;
    }
}
