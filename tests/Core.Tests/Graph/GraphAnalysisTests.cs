using Polyphony.Core.Graph;
using Polyphony.Core.Tests.Definitions;

namespace Polyphony.Core.Tests.Graph;

/// <summary>Which edges are to blame, and the ways that are shown for them, against the brute force of <see cref="RandomGraph"/>.</summary>
[Trait("Row", "B1")]
[Trait("Row", "O7")]
public sealed class GraphAnalysisTests
{
    [Fact]
    public void Analyse_Cycles_ShowsAShortestOneOfEachAndItsLastEdge()
    {
        var longest = 0;
        for (var seed = 0; seed < 3_000; seed++)
        {
            var graph = RandomGraph.Any(seed);
            if (!graph.HasForwardCycle())
            {
                continue;
            }

            var (shape, problems) = Analyse(graph);

            Assert.Null(shape);
            Assert.All(problems, problem => Assert.Equal(ShapeProblemKind.Cycle, problem.Kind));
            var loops = graph.Edges.Index().Where(edge => !edge.Item.Back && edge.Item.From == edge.Item.To).ToList();
            Assert.Equal(
                loops.Select(edge => (edge.Index, $"{edge.Item.From} {edge.Item.From}")),
                problems.Take(loops.Count).Select(problem => (problem.Edge, string.Join(' ', problem.Nodes))));

            // The nodes by which cycles are found first: those that reach one before them in both directions belong to its cycle.
            bool Together(int a, int b) => graph.Reaches(a, b, -1, forwardOnly: true) && graph.Reaches(b, a, -1, forwardOnly: true);
            var nodes = Enumerable.Range(0, graph.Count).ToList();
            var first = nodes.Where(node => nodes.Exists(other => other != node && Together(node, other)) && !nodes.Take(node).Any(other => Together(node, other)));
            Assert.Equal(first, problems.Skip(loops.Count).Select(problem => problem.Nodes[0]));
            foreach (var problem in problems.Skip(loops.Count))
            {
                var start = problem.Nodes[0];
                Assert.Equal(start, problem.Nodes[^1]);
                Assert.Equal((problem.Nodes[^2], start, false), graph.Edges[problem.Edge]);
                AssertWay(graph, problem.Nodes);
                Assert.Equal(Shortest(graph, [start], start, avoiding: -1), problem.Nodes.Count - 1);
                longest = Math.Max(longest, problem.Nodes.Count);
            }
        }

        Assert.True(longest > 4, $"the longest cycle has {longest} nodes");
    }

    [Fact]
    public void Analyse_NoNaturalLoop_ShowsAShortestWayAroundTheHeader()
    {
        var longest = 0;
        for (var seed = 0; seed < 5_000; seed++)
        {
            var graph = RandomGraph.Any(seed);
            if (graph.HasForwardCycle())
            {
                continue;
            }

            foreach (var problem in Analyse(graph).Problems)
            {
                if (problem.Kind == ShapeProblemKind.ClosesNoCycle)
                {
                    Assert.Empty(problem.Nodes);
                    continue;
                }

                var (source, header, _) = graph.Edges[problem.Edge];
                var starts = graph.Starts().Where(node => node != header).ToList();
                Assert.Equal(ShapeProblemKind.NoNaturalLoop, problem.Kind);
                Assert.Contains(problem.Nodes[0], starts);
                Assert.Equal(source, problem.Nodes[^1]);
                Assert.DoesNotContain(header, problem.Nodes);
                AssertWay(graph, problem.Nodes);
                Assert.Equal(starts.Contains(source) ? 0 : Shortest(graph, starts, source, header), problem.Nodes.Count - 1);
                longest = Math.Max(longest, problem.Nodes.Count);
            }
        }

        Assert.True(longest > 2, $"the longest way has {longest} nodes");
    }

    /// <summary>To look for ways takes a time that grows with the graph: a file of thousands of bad edges must not make it grow with its square.</summary>
    [Fact]
    public void Analyse_ManyBadEdges_ShowsWaysForTheFirstFifty()
    {
        // 0 -> 1 -> 2, and past 1: 0 -> 2.
        var edges = new List<ShapeEdge> { new(0, 1, HasMax: false), new(1, 2, HasMax: false), new(0, 2, HasMax: false) };
        edges.AddRange(Enumerable.Repeat(new ShapeEdge(2, 1, HasMax: true), 60));

        var (_, problems) = GraphAnalysis.Analyse(3, [.. edges]);

        Assert.Equal(Enumerable.Range(3, 60), problems.Select(problem => problem.Edge));
        Assert.Equal(Enumerable.Repeat("0 2", 50).Concat(Enumerable.Repeat("", 10)), problems.Select(problem => string.Join(' ', problem.Nodes)));
    }

    [Fact]
    public void Analyse_LoopBesideANode_TakesTheLoopInThePlaceOfItsHeader()
    {
        ShapeEdge[] loop = [new(0, 2, HasMax: false), new(2, 0, HasMax: true)];

        Assert.Equal([0, 2, 1], GraphAnalysis.Analyse(3, loop).Shape!.Order);
        Assert.Equal([0, 1, 2], GraphAnalysis.Analyse(3, [new(1, 2, HasMax: false), new(2, 1, HasMax: true)]).Shape!.Order);
    }

    private static (GraphShape? Shape, IReadOnlyList<ShapeProblem> Problems) Analyse(RandomGraph graph) =>
        GraphAnalysis.Analyse(graph.Count, [.. graph.Edges.Select(edge => new ShapeEdge(edge.From, edge.To, edge.Back))]);

    private static void AssertWay(RandomGraph graph, IReadOnlyList<int> nodes) =>
        Assert.All(nodes.Zip(nodes.Skip(1)), step => Assert.Contains((step.First, step.Second, false), graph.Edges));

    /// <summary>How many edges the shortest way has from any of some nodes to another, by what can be reached in one step, in two, and so on; an edge of a node to itself is no step.</summary>
    private static int Shortest(RandomGraph graph, IReadOnlyList<int> from, int to, int avoiding)
    {
        var reached = from.ToHashSet();
        for (var steps = 1; steps <= graph.Count; steps++)
        {
            reached = [.. graph.Edges.Where(edge => !edge.Back && edge.From != edge.To && edge.To != avoiding && reached.Contains(edge.From)).Select(edge => edge.To)];
            if (reached.Contains(to))
            {
                return steps;
            }
        }

        return -1;
    }
}
