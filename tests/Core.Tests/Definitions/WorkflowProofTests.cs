using System.Numerics;
using System.Text.Json.Nodes;
using Polyphony.Core.Definitions;
using Polyphony.TestKit.Workflows;

namespace Polyphony.Core.Tests.Definitions;

[Trait("Row", "B1")]
public sealed class WorkflowProofTests
{
    private static readonly RetryDefinition Once = new() { MaxAttempts = 1 };

    [Fact]
    public void Of_Sequence_CountsEveryAttempt()
    {
        var proof = WorkflowProof.Of(Builder().AgentNode("a", "writer", "x").AgentNode("b", "once", "x").Build());

        // a: 1 call × 3 attempts by default; b: 1.
        Assert.Equal("4", proof.ModelCalls.ToString());
        Assert.Equal("2", proof.WithoutRetries.ToString());
        Assert.Equal(["a", "b"], proof.Nodes.Select(node => node.Node));
        Assert.Equal("1 call × 3 attempts", proof.Nodes[0].Why);
    }

    [Fact]
    [Trait("Row", "O12")]
    public void Of_AgentWithWorkflowsAsTools_CountsTheCostliestForEachCall()
    {
        var cheap = Builder("cheap").AgentNode("a", "once", "x").Build();
        var dear = Builder("dear").AgentNode("a", "once", "x").AgentNode("b", "once", "x").AgentNode("c", "once", "x").Build();
        var workflow = Builder()
            .WorkflowTool("one", "cheap").WorkflowTool("two", "dear", limits: new WorkflowLimits { MaxModelCalls = 2 })
            .Agent("clerk", "fast", configure: agent => agent.Tools("one", "two").MaxToolRounds(2).Retry(Once))
            .AgentNode("ask", "clerk", "x").Build();

        var proof = WorkflowProof.Of(workflow, new MapCatalog(cheap, dear));

        // Each of two rounds may ask for 128 calls, of which each may run "dear", which its limit lets make two. The model is asked once more after the last.
        Assert.Equal("515", proof.ModelCalls.ToString());
    }

    [Fact]
    public void Of_ListOfUnknownLength_IsSymbolic()
    {
        var proof = WorkflowProof.Of(Builder()
            .AgentNode("plan", "writer", "x")
            .AgentNode("research", "writer", "x", node => node.ForEach("{{ input.items }}").Retry(new RetryDefinition { MaxAttempts = 4 }))
            .AgentNode("draft", "writer", "x")
            .Build());

        Assert.Equal("6 + 4 per item of \"research\"", proof.ModelCalls.ToString());
        Assert.False(proof.ModelCalls.IsKnown);
        Assert.Equal("research", proof.Nodes[0].Node);
        Assert.Equal(["plan", "research"], proof.Nodes[0].Path);
    }

    [Fact]
    public void Of_ListWithMaxItems_IsKnown()
    {
        var input = JsonNode.Parse("""{ "type": "object", "properties": { "items": { "type": "array", "maxItems": 20 } } }""")!;

        var proof = WorkflowProof.Of(Builder().Input(input).AgentNode("a", "once", "x", node => node.ForEach("{{ input.items }}")).Build());

        Assert.Equal("20", proof.ModelCalls.ToString());
    }

    [Fact]
    public void Of_ListOfAnAgentWithMaxItems_IsKnown()
    {
        var output = JsonNode.Parse("""{ "type": "object", "properties": { "questions": { "type": "array", "maxItems": 5 } } }""")!;

        var proof = WorkflowProof.Of(Builder()
            .Agent("planner", "fast", configure: agent => agent.Output(output).Retry(Once))
            .AgentNode("plan", "planner", "x")
            .AgentNode("a", "once", "x", node => node.ForEach("{{ nodes.plan.output.questions }}"))
            .Build());

        // plan: the answer and one repair; a: 5 items.
        Assert.Equal("7", proof.ModelCalls.ToString());
        Assert.Equal("6", proof.WithoutRetries.ToString());
    }

    [Fact]
    public void Of_NestedLoops_MultipliesRounds()
    {
        var proof = WorkflowProof.Of(Builder()
            .AgentNode("a", "once", "x").AgentNode("b", "once", "x").AgentNode("c", "once", "x").AgentNode("d", "once", "x")
            .Edges("a -> b -> c -> d")
            .Edge("b", "b", "round < 3", 2)
            .Edge("c", "a", "round < 4", 3)
            .Build());

        // a and c: 4 rounds; b: 4 × 3; d: 1.
        Assert.Equal("21", proof.ModelCalls.ToString());
        Assert.Equal("12 rounds × 1 call", proof.Nodes[0].Why);
    }

    [Fact]
    public void Of_ToolsRepairsAndFallbacks_Multiply()
    {
        var proof = WorkflowProof.Of(new WorkflowBuilder("t")
            .Model(new ModelDefinition { Name = "fast", Provider = "offline", Fallback = ["other"] }).Model("other", "offline")
            .Agent("a", "fast", configure: agent => agent.Tools("search").MaxToolRounds(4).Output(new JsonObject { ["type"] = "object" }).Retry(new RetryDefinition { MaxAttempts = 2 }))
            .AgentNode("n", "a", "x")
            .Build());

        // (4 rounds of tools + the answer + its repair) × 2 attempts × 2 models × 2, because a model may be left for its wait and asked again.
        Assert.Equal("48", proof.ModelCalls.ToString());
        Assert.Equal("5", proof.WithoutRetries.ToString());
    }

    [Fact]
    [Trait("Row", "C9")]
    public void Of_AliasesOfTheHost_CountsTheFallbacksOfItsSettings()
    {
        var host = new Dictionary<string, ModelDefinition>
        {
            ["fast"] = new() { Name = "fast", Provider = "offline", Fallback = ["spare", "last"] },
            ["own"] = new() { Name = "own", Provider = "offline", Fallback = ["spare", "last"] },
        };
        var once = new RetryDefinition { MaxAttempts = 1 };
        var child = new WorkflowBuilder("child").Agent("d", "nobody", configure: agent => agent.Retry(once)).AgentNode("d", "d", "x").Build();
        var definition = new WorkflowBuilder("t").Model("own", "offline")
            .Agent("a", "fast", configure: agent => agent.Retry(new RetryDefinition { MaxAttempts = 2 }))
            .Agent("b", "own", configure: agent => agent.Retry(once))
            .Agent("c", "slow", configure: agent => agent.Retry(once))
            .AgentNode("a", "a", "x").AgentNode("b", "b", "x").AgentNode("c", "c", "x").WorkflowNode("d", "child")
            .Build();

        // a: 2 attempts on fast and on its 2 fallbacks, twice; b: the workflow's "own" has no fallback, whatever the host's has; c and d: nobody knows.
        var proof = WorkflowProof.Of(definition, new MapCatalog(child), host);
        Assert.Equal("15", proof.ModelCalls.ToString());
        Assert.Equal(["fast"], proof.HostModels);
        Assert.Equal(["nobody", "slow"], proof.UnknownModels);
        Assert.EndsWith(
            "\n  Counted with the fallbacks that the host's settings give to \"fast\"."
            + "\n  Not counted: fallbacks of \"nobody\", \"slow\", which neither the workflow nor the host's settings define.",
            proof.ToString(),
            StringComparison.Ordinal);

        // Without settings: 2 + 1 + 1 + 1.
        var alone = WorkflowProof.Of(definition, new MapCatalog(child));
        Assert.Equal("5", alone.ModelCalls.ToString());
        Assert.Equal(["fast", "nobody", "slow"], alone.UnknownModels);
    }

    [Fact]
    public void Of_SubWorkflow_DoesNotTrustTheSchemaOfAnInputThatNobodyChecks()
    {
        var schema = new JsonObject
        {
            ["type"] = "object",
            ["properties"] = new JsonObject { ["list"] = new JsonObject { ["type"] = "array", ["maxItems"] = 2 } },
        };
        var child = Builder("child").Input(schema).AgentNode("each", "once", "x", node => node.ForEach("{{ input.list }}")).Build();
        var parent = new WorkflowBuilder("parent").WorkflowNode("sub", "child").Build();

        Assert.Equal("2", WorkflowProof.Of(child).ModelCalls.ToString());
        Assert.Equal("1 per item of \"each\"", WorkflowProof.Of(parent, new MapCatalog(child)).ModelCalls.ToString());
    }

    [Fact]
    public void Of_OnErrorAgent_AddsItsCalls()
    {
        var proof = WorkflowProof.Of(Builder().AgentNode("a", "writer", "x", node => node.OnErrorAgent("once")).Build());

        // 3 attempts of writer, then 1 of once.
        Assert.Equal("4", proof.ModelCalls.ToString());
    }

    [Fact]
    public void Of_SubWorkflow_CountsItsCallsUpToItsLimit()
    {
        var child = Builder("child").AgentNode("a", "writer", "x").AgentNode("b", "writer", "x").Build();
        var parent = new WorkflowBuilder("parent").WorkflowNode("sub", "child").WorkflowNode("capped", "child", limits: new WorkflowLimits { MaxModelCalls = 4 }).Build();

        Assert.Equal("10", WorkflowProof.Of(parent, new MapCatalog(child)).ModelCalls.ToString());
        Assert.Equal("2 per call in each run of workflow \"child\"", WorkflowProof.Of(parent).ModelCalls.ToString());
    }

    [Fact]
    public void Of_MaxTurns_IsSaidToEndTheRun()
    {
        var proof = WorkflowProof.Of(Builder().Limits(new WorkflowLimits { MaxModelCalls = 2 }).AgentNode("a", "writer", "x").Build());

        Assert.True(proof.MayReachMaxModelCalls);
        Assert.Equal("At most 3 model calls (1 without retries); limits.maxModelCalls ends the run after 2.\n  a: 3 = 1 call × 3 attempts; by a", proof.ToString());
    }

    [Fact]
    public void Of_DeepLoopsWithLargeCaps_DoesNotOverflow()
    {
        var builder = Builder();
        const int depth = 16;
        for (var i = 0; i < depth; i++)
        {
            builder.AgentNode($"n{i}", "once", "x");
        }

        for (var i = 0; i < depth; i++)
        {
            if (i + 1 < depth)
            {
                builder.Edge($"n{i}", $"n{i + 1}");
            }

            builder.Edge($"n{depth - 1}", $"n{i}", "round < 2", 9_999);
        }

        // n0 is in one loop of 10,000 rounds, n1 in two, n15 in 16: the sum of 10^4, 10^8 … 10^64.
        var expected = Enumerable.Range(1, depth).Aggregate(BigInteger.Zero, (sum, loops) => sum + BigInteger.Pow(10, 4 * loops));
        Assert.Equal(expected, WorkflowProof.Of(builder.Build()).ModelCalls.Constant);
    }

    private static WorkflowBuilder Builder(string name = "t") => new WorkflowBuilder(name)
        .Model("fast", "offline")
        .Agent("writer", "fast")
        .Agent("once", "fast", configure: agent => agent.Retry(Once));
}
