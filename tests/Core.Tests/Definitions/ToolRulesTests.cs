using System.Text.Json.Nodes;
using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Sources;

namespace Polyphony.Core.Tests.Definitions;

/// <summary>What a workflow says of the calls of a tool: read, written in the canonical form, and built in C#.</summary>
[Trait("Row", "O17")]
[Trait("Row", "B9")]
public sealed class ToolRulesTests
{
    [Theory]
    [InlineData("search", "\"search\"")]
    [InlineData("{ name: search }", "\"search\"")]
    [InlineData("{ name: pay, approval: always }", """{"name":"pay","approval":"always"}""")]
    [InlineData("{ name: pay, approval: \"args.amount > 100\", idempotent: true }", """{"name":"pay","approval":"args.amount > 100","idempotent":true}""")]
    [InlineData("{ name: pay, approval: { when: always } }", """{"name":"pay","approval":"always"}""")]
    [InlineData("{ name: pay, approval: { when: always, timeout: 48h, onTimeout: refuse } }", """{"name":"pay","approval":{"when":"always","timeout":"2d"}}""")]
    [InlineData("{ name: pay, approval: { when: \"args.n > 1\", timeout: 1h, onTimeout: fail } }", """{"name":"pay","approval":{"when":"args.n > 1","timeout":"1h","onTimeout":"fail"}}""")]
    [InlineData("{ name: pay, approval: true, idempotent: false }", """{"name":"pay","approval":"true","idempotent":false}""")]
    public void Tools_OfAnAgent_AreWrittenInTheShortestForm(string tool, string canonical)
    {
        var read = Parse($"name: t\nagents: {{ a: {{ model: m, tools: [{tool}] }} }}\nnodes: {{ n: {{ agent: a, prompt: x }} }}");
        var alone = Parse($"name: t\nagents: {{ a: {{ model: m, tools: {tool} }} }}\nnodes: {{ n: {{ agent: a, prompt: x }} }}");

        Assert.Contains($"\"tools\":[{canonical}]", read.CanonicalJson, StringComparison.Ordinal);
        Assert.Equal(read.Hash, alone.Hash);
        Assert.Equal(read.Hash, WorkflowDefinition.FromJson(read.CanonicalJson).Hash);
    }

    [Fact]
    public void Rules_InEitherFormOfAToolNode_AreTheSame()
    {
        var beside = Parse("name: t\nnodes: { n: { tool: pay, arguments: { amount: 1 }, approval: \"args.amount > 100\", idempotent: true } }");
        var inside = Parse("name: t\nnodes: { n: { tool: { name: pay, arguments: { amount: 1 }, approval: \"args.amount > 100\", idempotent: true } } }");

        Assert.Equal(beside.CanonicalJson, inside.CanonicalJson);
        Assert.Contains("""{"tool":"pay","arguments":{"amount":1},"approval":"args.amount > 100","idempotent":true}""", beside.CanonicalJson, StringComparison.Ordinal);
        Assert.Equal("args.amount > 100", beside.FindToolRules(null, "n", "pay")!.Approval!.When!.Text);
    }

    [Fact]
    public void Rules_AreThoseOfTheAgentThatAsks()
    {
        var definition = Parse("name: t\nagents: { a: { model: m, tools: [pay, { name: book, idempotent: true }] } }\nnodes: { n: { agent: a, prompt: x } }");

        Assert.Null(definition.FindToolRules("a", "n", "pay"));
        Assert.True(definition.FindToolRules("a", "n", "book")!.Idempotent);
        Assert.Null(definition.FindToolRules(null, "n", "book"));
        Assert.Equal(["pay", "book"], definition.Agents["a"].Tools);
    }

    [Fact]
    public void Build_InCSharp_GivesWhatTheFileGives()
    {
        var file = Parse("""
            name: t
            models: { m: { provider: offline } }
            agents: { a: { model: m, tools: [search, { name: pay, approval: { when: "args.n > 1", timeout: 1h, onTimeout: approve } }, { name: book, approval: always, idempotent: true }] } }
            nodes:
              n: { agent: a, prompt: x }
              t: { tool: pay, arguments: { n: 1 }, approval: always }
            edges: [ n -> t ]
            """);
        var built = new WorkflowBuilder("t")
            .Model("m", "offline")
            .Agent("a", "m", configure: agent => agent
                .Tools("search")
                .Tool("pay", rules => rules.RequireApproval("args.n > 1", TimeSpan.FromHours(1), ApprovalTimeoutPolicy.Approve))
                .Tool("book", rules => rules.RequireApproval().Idempotent()))
            .AgentNode("n", "a", "x")
            .ToolNode("t", "pay", new JsonObject { ["n"] = 1 }, rules: rules => rules.RequireApproval())
            .Edges("n -> t")
            .Build();

        Assert.Equal(file.CanonicalJson, built.CanonicalJson);
    }

    [Theory]
    [InlineData("{ name: pay, approval: \"amount > 100\" }", "type_error", "there is no variable \"amount\" here")]
    [InlineData("{ name: pay, approval: \"input.limit > 100\" }", "type_error", "there is no variable \"input\" here")]
    [InlineData("{ name: pay, approval: \"size('x')\" }", "type_error", "\"approval\" must give a bool")]
    [InlineData("{ name: pay, approval: \"args.\" }", "invalid_expression", "")]
    [InlineData("{ name: pay, approval: 7 }", "wrong_type", "\"approval\" must be an expression")]
    [InlineData("{ name: pay, approval: { timeout: 1h } }", "missing_key", "the key \"when\" is missing")]
    [InlineData("{ name: pay, approval: { when: always, onTimeout: fail } }", "not_applicable", "\"onTimeout\" needs a timeout")]
    [InlineData("{ name: pay, idempotent: perhaps }", "wrong_type", "\"idempotent\" must be true or false")]
    [InlineData("{ approval: always }", "missing_key", "the key \"name\" is missing")]
    [InlineData("{ name: pay, retry: 3 }", "unknown_key", "unknown key \"retry\"")]
    public void Tools_WithSomethingWrong_AreRefused(string tool, string code, string message)
    {
        var problems = WorkflowParser.Parse(YamlSource.Read($"name: t\nagents: {{ a: {{ model: m, tools: [{tool}] }} }}\nnodes: {{ n: {{ agent: a, prompt: x }} }}").Root!).Problems;

        var problem = Assert.Single(problems);
        Assert.Equal(code, problem.Code);
        Assert.Contains(message, problem.Message, StringComparison.Ordinal);
        Assert.Equal(2, problem.Location.Line);
    }

    private static WorkflowDefinition Parse(string yaml) => WorkflowParser.Parse(YamlSource.Read(yaml).Root!).Require();
}
