using Microsoft.Extensions.AI;
using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Sources;

namespace Polyphony.Scenarios.Tests.Nodes;

/// <summary>An agent that chooses what follows.</summary>
[Trait("Row", "O3")]
public sealed class RouterTests
{
    private const string Desk = """
        name: desk
        models: { m: { provider: offline } }
        agents: { chooser: { model: m }, worker: { model: m, context: [] } }
        nodes:
          triage: { router: chooser, prompt: "Twice charged!", to: { billing: "Charges {{ and }} refunds.", technical: Errors., sales: "" }, REST }
          billing: { agent: worker, prompt: billing }
          technical: { agent: worker, prompt: technical }
          sales: { agent: worker, prompt: sales }
          end: { transform: { next: "{{ nodes.triage.output.next }}", done: "{{ [nodes.billing.status, nodes.technical.status, nodes.sales.status] }}" } }
        edges: [ "[billing, technical, sales] -> end" ]
        """;

    [Theory]
    [InlineData("atMost: 2", """{"next":["billing"],"reason":"r"}""", """{"next":["billing"],"done":["completed","skipped","skipped"]}""", 2)]
    [InlineData("atMost: 2", """{"next":["sales","billing"],"reason":"r"}""", """{"next":["sales","billing"],"done":["completed","skipped","completed"]}""", 3)]
    [InlineData("fallback: sales", """{"next":[],"reason":"r"}""", """{"next":["sales"],"done":["skipped","skipped","completed"]}""", 2)]
    [InlineData("fallback: sales", "No idea.", """{"next":["sales"],"done":["skipped","skipped","completed"]}""", 3)]
    [InlineData("fallback: sales", """{"next":["legal"],"reason":"r"}""", """{"next":["sales"],"done":["skipped","skipped","completed"]}""", 3)]
    [InlineData("fallback: sales", """{"next":["sales","billing"],"reason":"one too many"}""", """{"next":["sales"],"done":["skipped","skipped","completed"]}""", 3)]
    public async Task Router_AgentNames_TheseNodesRunAndNoOthers(string rest, string answer, string expected, int calls)
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = (_, messages, options, _) => Task.FromResult(TestModels.Text(options!.ResponseFormat is ChatResponseFormatJson ? answer : messages[^1].Text));

        var status = await host.RunAsync(Router(rest));

        Assert.Equal(("completed", expected, calls), (status.Reason(), status.Output!.Value.GetRawText(), host.Models.Calls));
    }

    [Theory]
    [InlineData("""{"next":[],"reason":"r"}""")]
    [InlineData("No idea.")]
    public async Task Router_WithoutFallback_FailsIfTheAgentNamesNone(string answer)
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = (_, _, _, _) => Task.FromResult(TestModels.Text(answer));

        var status = await host.RunAsync(Router("atMost: 1"));

        Assert.Equal(("failed", "output_invalid"), (status.Reason(), status.Error!.Code));
    }

    [Fact]
    public async Task Router_IsTold_WhatEachNodeIsFor()
    {
        await using var host = await TestHost.StartAsync();
        var system = "";
        host.Models.Respond = (_, messages, options, _) =>
        {
            system = messages[0].Role == ChatRole.System ? messages[0].Text : system;
            return Task.FromResult(TestModels.Text("""{"next":["billing"],"reason":"r"}"""));
        };

        await host.RunAsync(Router("fallback: sales"));

        // A description is text and no template.
        Assert.Contains(@"one of these, or none if none fits.\n- billing: Charges {{ and }} refunds.\n- technical: Errors.\n- sales", system);
    }

    [Fact]
    public async Task Router_InALoop_ChoosesAnewInEachRound()
    {
        await using var host = await TestHost.StartAsync();
        var rounds = 0;
        host.Models.Respond = (_, messages, options, _) => Task.FromResult(TestModels.Text(options!.ResponseFormat is ChatResponseFormatJson
            ? ++rounds < 3 ? """{"next":["research"],"reason":"more"}""" : """{"next":["write"],"reason":"enough"}"""
            : messages.Count == 1 ? $"{messages[0].Text} {rounds}" : string.Join(" / ", messages.Select(message => message.Text.Split('\n')[^1]))));

        var status = await host.RunAsync("""
            name: research
            models: { m: { provider: offline } }
            agents: { lead: { model: m }, worker: { model: m, context: [] }, writer: { model: m, context: [{ from: research }] } }
            nodes:
              lead: { router: lead, prompt: "What next?", to: [research, write] }
              research: { agent: worker, prompt: look }
              write: { agent: writer, prompt: write }
            edges: [ { from: research, to: lead, max: 5 } ]
            output: "{{ nodes.write.output }}"
            """);

        Assert.Equal(("completed", "look 1 / look 2 / write", 6), (status.Reason(), status.Output!.Value.GetString(), host.Models.Calls));
    }

    [Theory]
    [InlineData("fallback: legal", "invalid_value at nodes.triage.fallback")]
    [InlineData("atMost: 4", "invalid_value at nodes.triage.atMost")]
    [InlineData("forEach: \"{{ [1] }}\"", "invalid_value at nodes.triage.forEach|type_error at nodes.end.transform.next")]
    [InlineData("onError: { agent: worker }", "invalid_value at nodes.triage.onError")]
    [InlineData("itemsPerActivity: 3", "not_applicable at nodes.triage.itemsPerActivity")]
    public void Parse_WrongRouter_SaysWhat(string rest, string expected) => Assert.Equal(expected.Split('|'), Problems(Router(rest)));

    [Theory]
    [InlineData("to: [billing, nowhere]", "unknown_node at nodes.triage.to")]
    [InlineData("to: billing", "invalid_value at nodes.triage.to")]
    [InlineData("to: [billing, billing]", "invalid_value at nodes.triage.to")]
    [InlineData("", "missing_key at nodes.triage.to")]
    public void Parse_WrongRoutes_SaysWhat(string to, string expected)
    {
        var yaml = Router("atMost: 1");
        var start = yaml.IndexOf("to: {", StringComparison.Ordinal);
        yaml = yaml[..start] + (to.Length == 0 ? "" : $"{to}, ") + yaml[yaml.IndexOf("atMost", StringComparison.Ordinal)..];

        Assert.Equal([expected], Problems(yaml));
    }

    [Fact]
    public void Parse_EdgeToARoute_IsRefused() =>
        Assert.Equal(["duplicate_edge at edges[1]"], Problems(Router("atMost: 1").Replace("\" ]", "\", \"triage -> billing\" ]", StringComparison.Ordinal)));

    [Fact]
    [Trait("Row", "S9")]
    public void CanonicalForm_OfARouter_GivesTheSameGraph()
    {
        var definition = TestHost.Parse(Router("atMost: 2, fallback: sales"));

        var again = WorkflowDefinition.FromJson(definition.CanonicalJson);

        Assert.Equal(definition.CanonicalJson, again.CanonicalJson);
        Assert.Equal(definition.Graph.Edges.Select(edge => $"{edge.Definition.From} {edge.Definition.To} {edge.Definition.When?.Text}"), again.Graph.Edges.Select(edge => $"{edge.Definition.From} {edge.Definition.To} {edge.Definition.When?.Text}"));
        Assert.Equal(6, again.Graph.Edges.Length);
    }

    private static string Router(string rest) => Desk.Replace("REST", rest, StringComparison.Ordinal);

    private static IEnumerable<string> Problems(string yaml) => WorkflowParser.Parse(YamlSource.Read(yaml).Root!).Problems.Select(problem => $"{problem.Code} at {problem.Path}");
}
