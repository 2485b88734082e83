using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Sources;
using Polyphony.Core.Graph;
using Polyphony.Core.Tests.Definitions;

namespace Polyphony.Core.Tests.Graph;

/// <summary>The rules of docs/graph-semantics.md, one by one. Edges are decided by the test, so none has a condition.</summary>
[Trait("Row", "S3")]
public sealed class GraphStateTests
{
    [Fact]
    public void Create_StartNodes_AreReady()
    {
        var state = Create("[a, b, c, d]", "a -> c", "{ from: b, to: b, max: 1 }", "{ from: c, to: c, max: 1 }");

        Assert.Equal("a Ready, b Ready, c Pending, d Ready", Describe(state));
        Assert.Equal([0, 1, 3], state.Changed.Order());
        Assert.Equal([1, 1, 0, 1], state.Nodes.Select(node => node.Round));
        Assert.Equal((0, false), (state.Ended, state.IsFinished));
    }

    [Fact]
    [Trait("Row", "O6")]
    public void Complete_EdgesTakenAndNot_ReadiesAndSkips()
    {
        var state = Create("[a, b, c, d]", "a -> b", "a -> c", "c -> d");

        state = Run(state, "a", true, false);

        Assert.Equal("a Completed, b Ready, c Skipped, d Skipped", Describe(state));
        Assert.Equal([EdgePhase.Taken, EdgePhase.Skipped, EdgePhase.Skipped], state.Edges);
        Assert.Equal([0, 1, 2, 3], state.Changed.Order());
        Assert.Equal((3, false), (state.Ended, state.IsFinished));
    }

    [Fact]
    [Trait("Row", "O2")]
    public void Complete_Join_RunsOnceAllEdgesAreResolvedAndOneIsTaken()
    {
        var state = Create("[a, b, c]", "[a, b] -> c");

        state = Run(state, "a", true);
        Assert.Equal("a Completed, b Ready, c Pending", Describe(state));
        Assert.Equal([0], state.Changed);

        state = Run(state, "b", false);
        Assert.Equal("a Completed, b Completed, c Ready", Describe(state));
        Assert.Equal([1, 2], state.Changed.Order());
    }

    [Fact]
    [Trait("Row", "O2")]
    public void Complete_JoinOfEdgesThatAreAllTaken_RunsOnce()
    {
        var state = Create("[a, b, c, d, e]", "[a, b] -> d", "[a, b, c] -> e");

        state = Run(Run(state, "a", true, true), "b", true, true);
        Assert.Equal("a Completed, b Completed, c Ready, d Ready, e Pending", Describe(state));

        state = Run(state, "c", true);
        Assert.Equal("a Completed, b Completed, c Completed, d Ready, e Ready", Describe(state));
        Assert.Equal((1, 1), (state.Nodes[3].Round, state.Nodes[4].Round));
    }

    [Fact]
    [Trait("Row", "O2")]
    public void Complete_JoinAny_RunsAtTheFirstEdgeTakenAndOnlyOnce()
    {
        var state = Create("[a, b, c, { d: any }]", "[a, b, c] -> d");

        state = Run(state, "a", false);
        Assert.Equal("a Completed, b Ready, c Ready, d Pending", Describe(state));

        state = Run(state, "b", true);
        Assert.Equal("a Completed, b Completed, c Ready, d Ready", Describe(state));

        state = Run(Run(state, "d"), "c", true);
        Assert.Equal("a Completed, b Completed, c Completed, d Completed", Describe(state));
        Assert.Equal(1, state.Nodes[3].Round);
        Assert.Equal((4, true), (state.Ended, state.IsFinished));
    }

    [Fact]
    [Trait("Row", "O2")]
    public void Complete_JoinAnyWithoutAnEdgeTaken_IsSkipped()
    {
        var state = Create("[a, b, { c: any }]", "[a, b] -> c");

        state = Run(Run(state, "a", false), "b", false);

        Assert.Equal("a Completed, b Completed, c Skipped", Describe(state));
        Assert.True(state.IsFinished);
    }

    [Fact]
    [Trait("Row", "C9")]
    public void Skip_RunningNode_SkipsWhatFollows()
    {
        var state = Create("[a, b, c, d]", "a -> b -> c", "d -> c");

        state = state.Start(0).Skip(0);
        Assert.Equal("a Skipped, b Skipped, c Pending, d Ready", Describe(state));

        state = state.Start(3).Skip(3);
        Assert.Equal("a Skipped, b Skipped, c Skipped, d Skipped", Describe(state));
        Assert.Equal((4, true), (state.Ended, state.IsFinished));
    }

    [Fact]
    public void Fail_RunningNode_EndsItAndLeavesWhatFollows()
    {
        var state = Create("[a, b]", "a -> b").Start(0).Fail(0);

        Assert.Equal("a Failed, b Pending", Describe(state));
        Assert.Equal([0], state.Changed);
        Assert.Equal((1, true), (state.Ended, state.IsFinished));

        state = state.Retry(0);

        Assert.Equal("a Ready, b Pending", Describe(state));
        Assert.Equal(1, state.Nodes[0].Round);
        Assert.Equal((0, false), (state.Ended, state.IsFinished));
    }

    [Fact]
    public void Change_NodeInAnotherPhase_IsRefused()
    {
        var state = Create("[a, b]", "a -> b");

        Assert.Equal("Node \"b\" is Pending, expected Ready.", Assert.Throws<InvalidOperationException>(() => state.Start(1)).Message);
        Assert.Equal("Node \"a\" is Ready, expected Running.", Assert.Throws<InvalidOperationException>(() => state.Complete(0, [true], 0)).Message);
        Assert.Throws<InvalidOperationException>(() => state.Skip(0));
        Assert.Throws<InvalidOperationException>(() => state.Fail(0));
        Assert.Throws<InvalidOperationException>(() => state.Start(0).Start(0));
    }

    [Fact]
    [Trait("Row", "O7")]
    public void Complete_LoopUpToItsCap_LeavesItByTheLastRoundsEdges()
    {
        var state = Create("[before, a, b, after]", "before -> a -> b", "{ from: b, to: a, max: 2 }", "b -> after");
        state = Run(state, "before", true);
        Assert.Equal((LoopPhase.Open, 1, 0), Loop(state, 0));

        // The edge that leaves the loop is taken in each round but the last, and counts in that alone.
        state = Run(Run(state, "a", digest: 1), "b", 1, true, true);
        Assert.Equal("before Completed, a Ready, b Pending, after Pending", Describe(state));
        Assert.Equal((2, 1), (state.Nodes[1].Round, state.Nodes[2].Round));
        Assert.Equal((LoopPhase.Open, 2, 1), Loop(state, 0));
        Assert.Equal([EdgePhase.Taken, EdgePhase.Unresolved, EdgePhase.Unresolved, EdgePhase.Unresolved], state.Edges);
        Assert.Equal([1, 2], state.Changed.Order());
        Assert.Equal(1, state.Ended);

        state = Run(Run(state, "a", digest: 2), "b", 2, true, true);
        Assert.Equal((LoopPhase.Open, 3, 2), Loop(state, 0));

        state = Run(Run(state, "a", digest: 3), "b", 3, true, false);
        Assert.Equal("before Completed, a Completed, b Completed, after Skipped", Describe(state));
        Assert.Equal((LoopPhase.CapReached, 3, 2), Loop(state, 0));
        Assert.Equal((4, true), (state.Ended, state.IsFinished));
    }

    [Fact]
    [Trait("Row", "O7")]
    public void Complete_NoBackEdgeTaken_EndsTheLoop()
    {
        var state = Create("[a, b, after]", "a -> b", "{ from: b, to: a, max: 2 }", "a -> after");

        state = Run(state, "a", true, true);
        Assert.Equal("a Completed, b Ready, after Pending", Describe(state));
        Assert.Equal(EdgePhase.HeldTaken, state.Edges[2]);

        state = Run(state, "b", false);
        Assert.Equal("a Completed, b Completed, after Ready", Describe(state));
        Assert.Equal((LoopPhase.Ended, 1, 0), Loop(state, 0));
    }

    [Fact]
    [Trait("Row", "R9")]
    public void Complete_RoundAsTheOneBefore_EndsTheLoopWithoutProgress()
    {
        var state = Create("[a, b]", "a -> b", "{ from: b, to: a, max: 9 }");

        state = Run(Run(state, "a", digest: 1), "b", 1, true);
        state = Run(Run(state, "a", digest: 2), "b", 1, true);
        state = Run(Run(state, "a", digest: 1), "b", 1, true);
        Assert.Equal((LoopPhase.Open, 4, 3), Loop(state, 0));

        state = Run(Run(state, "a", digest: 1), "b", 1, true);
        Assert.Equal((LoopPhase.NoProgress, 4, 3), Loop(state, 0));
        Assert.True(state.IsFinished);
    }

    /// <summary>At the cap it is the cap that ends the loop, whatever the rounds gave: another would not have been allowed.</summary>
    [Fact]
    [Trait("Row", "R9")]
    public void Complete_RoundAsTheOneBeforeAtTheCap_EndsTheLoopByItsCap()
    {
        var state = Create("[a]", "{ from: a, to: a, max: 1 }");

        state = Run(Run(state, "a", 1, true), "a", 1, true);

        Assert.Equal((LoopPhase.CapReached, 2, 1), Loop(state, 0));
    }

    [Fact]
    [Trait("Row", "R9")]
    public void Complete_NodeSkippedThatHadCompleted_IsProgress()
    {
        var state = Create("[a, b, c]", "a -> b -> c", "{ from: a, to: a, max: 9 }", "{ from: c, to: a, max: 9 }");

        state = Run(state, "a", 0, false, true);
        state = Run(Run(state, "a", 0, true, true), "b", 0, false);
        Assert.Equal((LoopPhase.Open, 3, 2), Loop(state, 0));

        state = Run(Run(state, "a", 0, true, true), "b", 0, false);
        Assert.Equal((LoopPhase.NoProgress, 3, 2), Loop(state, 0));
    }

    [Fact]
    [Trait("Row", "R9")]
    public void Complete_SameResultsOfOtherNodes_IsProgress()
    {
        var state = Create("[a, b]", "a -> b", "{ from: b, to: a, max: 9 }");

        state = Run(Run(state, "a", digest: 1), "b", 2, true);
        state = Run(Run(state, "a", digest: 2), "b", 1, true);

        Assert.Equal((LoopPhase.Open, 3, 2), Loop(state, 0));
    }

    [Fact]
    [Trait("Row", "O7")]
    public void Complete_SeveralBackEdges_MakeOneRoundAndCountEachForItself()
    {
        var state = Create("[a, b]", "a -> b", "{ from: a, to: a, max: 1 }", "{ from: b, to: a, max: 2 }");

        state = Run(Run(state, "a", 1, true, true), "b", 1, true);
        Assert.Equal((2, "1 1"), (state.Loops[0].Round, string.Join(' ', state.Loops[0].Taken)));

        // The one at its cap asks in vain, and the other alone makes a round.
        state = Run(Run(state, "a", 2, true, true), "b", 2, true);
        Assert.Equal((3, "1 2"), (state.Loops[0].Round, string.Join(' ', state.Loops[0].Taken)));

        state = Run(Run(state, "a", 3, true, true), "b", 3, false);
        Assert.Equal((LoopPhase.CapReached, "1 2"), (state.Loops[0].Phase, string.Join(' ', state.Loops[0].Taken)));
    }

    [Fact]
    [Trait("Row", "O7")]
    public void Complete_OuterRound_BeginsInnerLoopsAnewAndWaitsForThem()
    {
        var state = Create("[a, b, c, d]", "a -> b -> c", "{ from: b, to: b, max: 1 }", "{ from: c, to: a, max: 1 }", "b -> d");
        Assert.Equal((-1, 0), (state.Graph.Loops[0].Parent, state.Graph.Loops[1].Parent));

        // One inner round more in each outer round; the edges to c and d count after the last.
        state = Run(state, "a", 1, true);
        state = Run(state, "b", 1, true, true, true);
        Assert.Equal("a Completed, b Ready, c Pending, d Pending", Describe(state));
        Assert.Equal(((LoopPhase.Open, 1, 0), (LoopPhase.Open, 2, 1)), (Loop(state, 0), Loop(state, 1)));
        state = Run(state, "b", 2, true, true, true);
        Assert.Equal("a Completed, b Completed, c Ready, d Pending", Describe(state));
        Assert.Equal((LoopPhase.CapReached, 2, 1), Loop(state, 1));

        state = Run(state, "c", 1, true);
        Assert.Equal("a Ready, b Pending, c Pending, d Pending", Describe(state));
        Assert.Equal(((LoopPhase.Open, 2, 1), (LoopPhase.Open, 1, 0)), (Loop(state, 0), Loop(state, 1)));
        Assert.Null(state.Loops[1].Digest);

        state = Run(state, "a", 2, true);
        state = Run(state, "b", 2, true, true, true);
        Assert.Equal((LoopPhase.Open, 2, 1), Loop(state, 1));
        Assert.Equal(4, state.Nodes[1].Round);
        state = Run(state, "b", 3, true, false, true);
        state = Run(state, "c", 2, true);
        Assert.Equal("a Completed, b Completed, c Completed, d Ready", Describe(state));
        Assert.Equal(LoopPhase.CapReached, state.Loops[0].Phase);
    }

    /// <summary>Nodes of the outer loop alone have ended, and so have those of the inner one in its round: it is the inner one that goes on.</summary>
    [Fact]
    [Trait("Row", "O7")]
    public void Complete_BothLoopsAskForARound_TheInnerOneGoesFirst()
    {
        var state = Create("[a, b]", "a -> b", "{ from: b, to: b, max: 1 }", "{ from: b, to: a, max: 1 }");

        state = Run(Run(state, "a", 1, true), "b", 1, true, true);
        Assert.Equal("a Completed, b Ready", Describe(state));

        state = Run(state, "b", 2, false, true);
        Assert.Equal("a Ready, b Pending", Describe(state));

        // An inner loop that is skipped has ended.
        state = Run(state, "a", 2, false);
        Assert.Equal("a Completed, b Skipped", Describe(state));
        Assert.Equal((LoopPhase.Ended, LoopPhase.Ended), (state.Loops[0].Phase, state.Loops[1].Phase));
        Assert.True(state.IsFinished);
    }

    [Fact]
    [Trait("Row", "O7")]
    public void Complete_LoopBesideALoop_LeavesItsStateAlone()
    {
        var state = Create("[a, b]", "{ from: a, to: a, max: 2 }", "{ from: b, to: b, max: 2 }");

        state = Run(Run(state, "b", 1, true), "a", 1, true);

        Assert.Equal(((LoopPhase.Open, 2, 1), (LoopPhase.Open, 2, 1)), (Loop(state, 0), Loop(state, 1)));
    }

    [Fact]
    [Trait("Row", "S7")]
    public void Restore_PartsOfAState_GoesOnAsTheState()
    {
        var state = Run(Create("[a, b, c, d]", "a -> b", "a -> c", "d -> c"), "a", true, false).Start(3).Fail(3);

        var restored = GraphState.Restore(state.Graph, [.. state.Nodes], [.. state.Edges], state.Loops);

        Assert.Equal(Describe(state), Describe(restored));
        Assert.Equal(state.Edges, restored.Edges);
        Assert.Equal((2, false), (restored.Ended, restored.IsFinished));
        Assert.Equal([0, 1, 2, 3], restored.Changed.Order());
    }

    /// <summary>Each node ends as its round decides; only the order in which they end differs.</summary>
    [Fact]
    [Trait("Row", "O7")]
    public void Complete_AnyOrder_GivesTheSameStateAndSaysWhatChanged()
    {
        var rounds = 0;
        for (var seed = 0; seed < 500; seed++)
        {
            var graph = RandomGraph.Valid(seed).Parse().Require().Graph;
            var ends = Enumerable.Range(0, 3).Select(order => RunToEnd(graph, seed, new Random(order))).ToList();

            Assert.All(ends, end => Assert.Equal((graph.Nodes.Length, true), (end.Ended, end.IsFinished)));
            Assert.All(ends, end => Assert.Equal(ends[0].Nodes, end.Nodes));
            Assert.All(ends, end => Assert.Equal(ends[0].Edges, end.Edges));
            Assert.All(ends, end => Assert.Equal(ends[0].Loops.Select(loop => $"{loop} {string.Join(' ', loop.Taken)}"), end.Loops.Select(loop => $"{loop} {string.Join(' ', loop.Taken)}")));
            Assert.DoesNotContain(ends[0].Loops, loop => loop.Phase == LoopPhase.Open);
            rounds += ends[0].Nodes.Sum(node => Math.Max(0, node.Round - 1));
        }

        Assert.True(rounds > 500, $"only {rounds} rounds after a first one");
    }

    private static GraphState RunToEnd(WorkflowGraph graph, int seed, Random order)
    {
        var state = GraphState.Create(graph);
        for (var steps = 0; !state.IsFinished; steps++)
        {
            Assert.True(steps < 100_000, $"seed {seed} does not end");
            var active = Enumerable.Range(0, graph.Nodes.Length).Where(each => state.Nodes[each].Phase is NodePhase.Ready or NodePhase.Running).ToList();
            var node = active[order.Next(active.Count)];
            var before = state;
            if (state.Nodes[node].Phase == NodePhase.Ready)
            {
                state = state.Start(node);
            }
            else
            {
                var decide = new Random((seed * 10_000) + (node * 100) + Math.Min(state.Nodes[node].Round, 99));
                state = decide.Next(8) == 0
                    ? state.Skip(node)
                    : state.Complete(node, [.. graph.Outgoing[node].Select(_ => decide.Next(3) > 0)], (ulong)decide.Next(3));
            }

            Assert.Equal(state.Changed.Distinct().Count(), state.Changed.Length);
            Assert.All(
                Enumerable.Range(0, graph.Nodes.Length).Except(state.Changed),
                each => Assert.Equal(before.Nodes[each], state.Nodes[each]));
            Assert.Equal(state.Nodes.Count(each => each.Phase is NodePhase.Completed or NodePhase.Skipped or NodePhase.Failed), state.Ended);
        }

        return state;
    }

    private static GraphState Create(string nodes, params string[] edges)
    {
        var names = nodes.Trim('[', ']').Split(", ").Select(node => node.Trim('{', '}', ' ').Split(": "));
        var yaml = $"name: graph\nnodes:\n{string.Join('\n', names.Select(name => $"  {name[0]}: {{ transform: 1, join: {(name.Length > 1 ? name[1] : "all")} }}"))}\n"
            + $"edges:\n{string.Join('\n', edges.Select(edge => $"  - {(edge[0] == '{' ? edge : $"\"{edge}\"")}"))}";
        return GraphState.Create(WorkflowParser.Parse(YamlSource.Read(yaml).Root!).Require().Graph);
    }

    private static GraphState Run(GraphState state, string name, params bool[] decisions) => Run(state, name, 0, decisions);

    private static GraphState Run(GraphState state, string name, ulong digest, params bool[] decisions)
    {
        var node = state.Graph.Nodes.ToList().FindIndex(each => each.Name == name);

        // Without decisions all edges are taken.
        return state.Start(node).Complete(node, decisions.Length > 0 ? decisions : [.. state.Graph.Outgoing[node].Select(_ => true)], digest);
    }

    private static (LoopPhase Phase, int Round, int Taken) Loop(GraphState state, int loop) => (state.Loops[loop].Phase, state.Loops[loop].Round, state.Loops[loop].Taken.Sum());

    private static string Describe(GraphState state) => string.Join(", ", state.Nodes.Select((node, i) => $"{state.Graph.Nodes[i].Name} {node.Phase}"));
}
