using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Sources;

namespace Polyphony.Core.Tests.Definitions;

/// <summary>The analysis of graphs against the brute-force oracle of <see cref="RandomGraph"/>, on thousands of random graphs.</summary>
[Trait("Row", "O7")]
[Trait("Row", "B1")]
public sealed class WorkflowGraphTests
{
    private static readonly string[] ShapeCodes = ["cycle_without_max", "max_closes_no_cycle", "no_natural_loop"];

    [Fact]
    public void Parse_RandomGraphs_ReportExactlyWhatTheDefinitionsForbid()
    {
        var (valid, cyclic, unnatural) = (0, 0, 0);
        for (var seed = 0; seed < 2_000; seed++)
        {
            var graph = RandomGraph.Any(seed);
            var problems = graph.Parse().Problems;
            var codes = problems.Where(problem => ShapeCodes.Contains(problem.Code)).Select(problem => (problem.Code, problem.Path)).ToHashSet();
            if (graph.HasForwardCycle())
            {
                cyclic++;
                Assert.Contains(codes, code => code.Code == "cycle_without_max");
                Assert.All(codes, code => Assert.Equal("cycle_without_max", code.Code));
                continue;
            }

            var expected = new HashSet<(string, string)>();
            for (var i = 0; i < graph.Edges.Count; i++)
            {
                var (from, to, back) = graph.Edges[i];
                if (back && !graph.Dominates(to, from))
                {
                    expected.Add((graph.Reaches(to, from, -1, forwardOnly: false) ? "no_natural_loop" : "max_closes_no_cycle", $"edges[{i}]"));
                }
            }

            unnatural += expected.Count > 0 ? 1 : 0;
            valid += expected.Count == 0 ? 1 : 0;
            Assert.Equal(expected, codes);
        }

        // The generator must not drift into graphs of one kind.
        Assert.True(Math.Min(valid, Math.Min(cyclic, unnatural)) > 150, $"{valid} valid, {cyclic} cyclic, {unnatural} unnatural");
    }

    [Fact]
    public void Graph_RandomValidGraphs_HasTheLoopsOfTheDefinition()
    {
        var nested = 0;
        for (var seed = 0; seed < 1_500; seed++)
        {
            var random = RandomGraph.Valid(seed);
            var graph = random.Parse().Require().Graph;
            var headers = random.Edges.Where(edge => edge.Back).Select(edge => edge.To).ToHashSet();
            Assert.Equal(headers, graph.Loops.Select(loop => loop.Header).ToHashSet());
            Assert.Equal(headers.Count, graph.Loops.Length);
            for (var i = 0; i < graph.Loops.Length; i++)
            {
                var loop = graph.Loops[i];
                Assert.True(random.LoopBody(loop.Header).SetEquals(loop.Body), $"seed {seed}, loop at n{loop.Header}");
                Assert.All(loop.BackEdges, edge => Assert.Equal(i, graph.Edges[edge].BackEdgeOf));
                Assert.True(loop.Parent < i, "outer loops come first");

                // The parent is the smallest other body around this one.
                var around = graph.Loops.Where(other => other != loop && other.Contains(loop.Header) && loop.Body.All(other.Contains)).OrderBy(other => other.Body.Length).FirstOrDefault();
                Assert.Equal(around, loop.Parent < 0 ? null : graph.Loops[loop.Parent]);
                nested += loop.Parent < 0 ? 0 : 1;
            }

            for (var node = 0; node < random.Count; node++)
            {
                var smallest = graph.Loops.Where(loop => loop.Contains(node)).OrderBy(loop => loop.Body.Length).FirstOrDefault();
                Assert.Equal(smallest, graph.InnermostLoop[node] < 0 ? null : graph.Loops[graph.InnermostLoop[node]]);
            }

            for (var i = 0; i < graph.Edges.Length; i++)
            {
                Assert.Equal(random.Edges[i].Back, graph.Edges[i].IsBackEdge);
                Assert.Equal((random.Edges[i].From, random.Edges[i].To), (graph.Edges[i].From, graph.Edges[i].To));
            }
        }

        Assert.True(nested > 250, $"only {nested} nested loops");
    }

    [Fact]
    public void Graph_RandomValidGraphs_IsOrderedWithLoopsInOnePiece()
    {
        for (var seed = 0; seed < 1_500; seed++)
        {
            var random = RandomGraph.Valid(seed);
            var graph = random.Parse().Require().Graph;
            Assert.Equal(Enumerable.Range(0, random.Count), graph.Order.Order());
            Assert.All(graph.Edges.Where(edge => !edge.IsBackEdge), edge => Assert.True(graph.Position[edge.From] < graph.Position[edge.To]));
            foreach (var loop in graph.Loops)
            {
                var first = graph.Position[loop.Header];
                Assert.Equal(Enumerable.Range(first, loop.Body.Length), loop.Body.Select(node => graph.Position[node]));
            }
        }
    }

    [Fact]
    public void Order_WithoutLoops_TakesTheFirstNodeOfTheFileThatIsReady()
    {
        for (var seed = 0; seed < 1_000; seed++)
        {
            var valid = RandomGraph.Valid(seed);
            var random = valid with { Edges = [.. valid.Edges.Where(edge => !edge.Back)] };
            var expected = new List<int>();
            while (expected.Count < random.Count)
            {
                expected.Add(Enumerable.Range(0, random.Count).First(node => !expected.Contains(node) && random.Edges.All(edge => edge.To != node || expected.Contains(edge.From))));
            }

            Assert.Equal(expected, random.Parse().Require().Graph.Order);
        }
    }

    [Fact]
    public void IsUpstream_RandomValidGraphs_IsReachability()
    {
        for (var seed = 0; seed < 1_000; seed++)
        {
            var random = RandomGraph.Valid(seed);
            var graph = random.Parse().Require().Graph;
            for (var node = 0; node < random.Count; node++)
            {
                for (var of = 0; of < random.Count; of++)
                {
                    Assert.Equal(random.Reaches(node, of, -1, forwardOnly: false), graph.IsUpstream(node, of));
                }
            }
        }
    }

    [Fact]
    public void Parse_LoopsNestedTooDeep_IsAProblem()
    {
        var builder = new WorkflowBuilder("deep");
        const int depth = SourceLimits.MaxLoopDepth + 1;
        for (var i = 0; i < depth; i++)
        {
            builder.TransformNode($"n{i}", i);
        }

        builder.TransformNode("last", 0);
        for (var i = 0; i < depth; i++)
        {
            builder.Edge($"n{i}", i + 1 < depth ? $"n{i + 1}" : "last").Edge("last", $"n{i}", "round < 2", 2);
        }

        Assert.Equal("loops_too_deep", Assert.Single(builder.Parse().Problems).Code);
    }

    [Fact]
    public void Parse_LongestChain_NeedsNoDeepStack()
    {
        var builder = new WorkflowBuilder("long");
        for (var i = 0; i < SourceLimits.MaxNodes; i++)
        {
            builder.TransformNode($"n{i}", i);
        }

        builder.Edges();
        for (var i = 1; i < SourceLimits.MaxNodes; i++)
        {
            builder.Edge($"n{i - 1}", $"n{i}");
        }

        builder.Edge($"n{SourceLimits.MaxNodes - 1}", "n0", "round < 2", 2);

        var graph = builder.Build().Graph;

        Assert.Equal(SourceLimits.MaxNodes, graph.Loops[0].Body.Length);
        Assert.True(graph.IsUpstream(4_000, 3));
    }
}
