using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Sources;
using Polyphony.Core.Nodes;
using Polyphony.Scenarios.Tests.Nodes.Shouts;

namespace Polyphony.Scenarios.Tests.Nodes;

/// <summary>A kind of node that the product does not have works by being named: it is one folder, and nothing else knows of it.</summary>
[Trait("Exempt", "holds the structure of the code to its word")]
public sealed class NodeKindTests
{
    private const string Workflow = """
        name: loud
        models: { m: { provider: offline } }
        agents: { a: { model: m, context: [] } }
        nodes:
          hail: { shout: "hello {{ input.name }}", times: 2 }
          answer: { agent: a, forEach: "{{ input.items }}", prompt: "{{ nodes.hail.output }} {{ item }}" }
          last: { agent: a, prompt: "{{ nodes.hail.output }}" }
        output: "{{ nodes.last.output }}"
        """;

    private readonly ShoutNodeKind _shout = new();

    [Fact]
    public void Parse_NodeOfAnotherKind_IsReadWrittenAndProven()
    {
        var definition = Parse(Workflow).Require();

        Assert.Equal(2, Assert.IsType<ShoutNode>(definition.Graph.Nodes[0]).Times);
        Assert.Contains("""
            "nodes":{"hail":{"shout":"hello {{ input.name }}","times":2},"answer":
            """, definition.CanonicalJson, StringComparison.Ordinal);
        Assert.Equal(definition.CanonicalJson, Parse(definition.CanonicalJson).Require().CanonicalJson);
        Assert.Contains("hail: 2 = 2 shouts; by hail", WorkflowProof.Of(definition).ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hail: { shout: 3 }", "wrong_type", "nodes.hail.shout")]
    [InlineData("hail: { shout: hi, times: 6 }", "invalid_value", "nodes.hail.times")]
    [InlineData("hail: { shout: hi, volume: 6 }", "unknown_key", "nodes.hail.volume")]
    [InlineData("hail: { shout: hi, otherwise: 6 }", "invalid_default", "nodes.hail.otherwise")]
    [InlineData("hail: { shout: hi, retry: {} }", "not_applicable", "nodes.hail.retry")]
    [InlineData("hail: { shout: hi, wait: 1s }", "node_kind", "nodes.hail")]
    [InlineData("{ hail: { shout: hi }, after: { transform: '{{ nodes.hail.output * 2 }}' } }", "type_error", "nodes.after.transform")]
    public void Parse_NodeOfAnotherKind_IsChecked(string nodes, string code, string path)
    {
        var problem = Assert.Single(Parse($"name: loud\nnodes:\n  {nodes}\n").Problems);

        Assert.Equal((code, path), (problem.Code, problem.Path));
    }

    [Fact]
    public void Parse_NodeWithoutKind_NamesAllKinds() => Assert.Equal(
        "Give it exactly one of the keys agent, router, team, tool, human, workflow, wait, transform, publish or shout.", Assert.Single(Parse("name: loud\nnodes: { hail: {} }").Problems).Hint);

    [Fact]
    public async Task Run_WithManyActivations_ParsesTheWorkflowOnce()
    {
        var definition = Parse(Workflow).Require();
        await using var host = await TestHost.StartAsync(prepare: Prepare);

        var status = await host.WaitAsync(await host.Client.StartAsync(definition, TestHost.Json(new { name = "you", items = Enumerable.Range(0, 30) })));

        Assert.Equal(("completed", "HELLO YOU! HELLO YOU!"), (status.Reason(), status.Output?.GetString()));
        Assert.Equal(31, host.Models.Calls);
        Assert.Equal("shout", status.Outcomes![0].Outcome.Kind);
        Assert.Equal(1, _shout.Parses);
    }

    [Fact]
    public async Task Run_GoneOnWithByAnotherProcess_ParsesTheWorkflowOnceMore()
    {
        var definition = Parse(Workflow.Replace("last: {", "pause: { wait: { event: go } }\n  last: {", StringComparison.Ordinal)).Require();
        var path = Path.Combine(Directory.CreateTempSubdirectory("polyphony-").FullName, "data.db");
        string id;
        await using (var first = await TestHost.StartAsync(path: path, prepare: Prepare))
        {
            id = await first.Client.StartAsync(definition, TestHost.Json(new { name = "you", items = Enumerable.Range(0, 30) }));
            await first.UntilAsync(id, status => status.CustomStatus?.WaitingFor.Count == 1);
        }

        await using (var second = await TestHost.StartAsync(path: path, prepare: Prepare))
        {
            await second.Client.RaiseEventAsync(id, "go", null);
            var status = await second.WaitAsync(id);

            Assert.Equal("completed", status.Reason());
            Assert.Equal(2, _shout.Parses);
        }

        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }

    private void Prepare(IDefinitionStore definitions) => DefinitionCache.Of(definitions, NodeKinds.All.With(_shout));

    private WorkflowParseResult Parse(string text) => WorkflowParser.Parse(YamlSource.Read(text).Root!, NodeKinds.All.With(_shout), "loud.yaml");
}
