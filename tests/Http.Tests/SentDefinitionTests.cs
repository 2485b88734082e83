using System.Text.Json;
using System.Text.Json.Nodes;

namespace Polyphony.Http.Tests;

/// <summary>Inline definitions, on a host that only its owner reaches.</summary>
[Trait("Row", "H10")]
public sealed class SentDefinitionTests(HostFixture host)
{
    [Fact]
    public async Task Start_WithAWorkflowThatUsesAnother_RunsBoth()
    {
        const string Body = """
            {
              "input": { "n": 20 },
              "definition": { "name": "outer", "input": { "type": "object", "properties": { "n": { "type": "integer" } } },
                              "nodes": { "inner": { "workflow": "doubles", "input": { "n": "{{ input.n }}" } } }, "output": "{{ nodes.inner.output }}" },
              "uses": [ { "name": "doubles", "input": { "type": "object", "properties": { "n": { "type": "integer" } } },
                          "nodes": { "twice": { "transform": "{{ input.n * 2 }}" } }, "output": "{{ nodes.twice.output }}" } ]
            }
            """;

        var answer = await host.Api.PostAsync("api/instances?wait=30", Body);

        Assert.Equal(200, (int)answer.Status);
        Assert.Equal(40, answer.Json.GetProperty("output").GetInt32());
        Assert.Equal("outer", answer.Json.GetProperty("name").GetString());
    }

    [Fact]
    public async Task Start_WithAnInvalidWorkflow_ListsItsProblems()
    {
        var answer = await host.Api.PostAsync("api/instances", """{"definition":{"name":"x","nodes":{"a":{"agent":"nobody","prompt":"hi"},"b":{"transfrom":1}}}}""");

        Assert.Equal((422, "workflow_invalid"), ((int)answer.Status, answer.Code));
        Assert.True(answer.Json.GetProperty("errors").GetArrayLength() >= 2);
    }

    [Theory]
    [InlineData("openai", "http://127.0.0.1:9/v1", null)]
    [InlineData("openai", "https://collector.example/v1", null)]
    [InlineData("openai", "http://127.0.0.1:9/v1", "PATH")]
    [InlineData("openai", "http://127.0.0.1:9/v1", "OPENAI_API_KEY")]
    [InlineData("openai", null, "PATH")]
    [InlineData("azure-openai", "https://collector.example", "AZURE_OPENAI_API_KEY")]
    [Trait("Row", "C9")]
    public async Task Start_WithAnEndpointThatTheSettingsDoNotAllow_IsRefused(string provider, string? endpoint, string? variable)
    {
        var model = new JsonObject { ["provider"] = provider, ["model"] = "m" };
        if (endpoint is not null)
        {
            model["endpoint"] = endpoint;
        }

        if (variable is not null)
        {
            model["apiKeyVariable"] = variable;
        }

        var inner = JsonNode.Parse("""{"name":"inner","agents":{"a":{"model":"m"}},"nodes":{"n":{"agent":"a","prompt":"hi"}}}""")!;
        inner["models"] = new JsonObject { ["m"] = model };
        var outer = JsonNode.Parse("""{"definition":{"name":"outer","nodes":{"n":{"workflow":"inner"}}}}""")!;
        outer["uses"] = new JsonArray(inner.DeepClone());

        // As what is started, and as what it uses.
        foreach (var body in (string[])[new JsonObject { ["definition"] = inner }.ToJsonString(), outer.ToJsonString()])
        {
            var answer = await host.Api.PostAsync("api/instances", body);

            Assert.Equal((403, "endpoint_not_allowed"), ((int)answer.Status, answer.Code));
            Assert.Equal(endpoint is null ? "models.m.apiKeyVariable" : "models.m.endpoint", answer.Json.GetProperty("errors")[0].GetProperty("pointer").GetString());
        }
    }

    [Fact]
    [Trait("Row", "O8")]
    public async Task Start_WithAWorkflowThatRunsItself_IsRefused()
    {
        foreach (var body in (string[])[
            """{"definition":{"name":"self","nodes":{"n":{"workflow":"self"}}}}""",
            """{"definition":{"name":"top","nodes":{"n":{"workflow":"one"}}},"uses":[{"name":"one","nodes":{"n":{"workflow":"two"}}},{"name":"two","nodes":{"n":{"workflow":"one"}}}]}"""])
        {
            var answer = await host.Api.PostAsync("api/instances", body);

            Assert.Equal((422, "workflow_invalid", "workflow_recursion"), ((int)answer.Status, answer.Code, answer.Json.GetProperty("errors")[0].GetProperty("code").GetString()));
        }
    }

    [Theory]
    [InlineData("""{"definition":{"name":"blind","nodes":{"n":{"transform":1}}},"input":{"nope":1}}""", 400)]
    [InlineData("""{"definition":{"name":"blind","nodes":{"n":{"transform":1}}},"input":5}""", 400)]
    [InlineData("""{"definition":{"name":"blind","nodes":{"n":{"transform":1}}},"input":{}}""", 202)]
    [InlineData("""{"definition":{"name":"blind","nodes":{"n":{"transform":1}}},"input":null}""", 202)]
    [InlineData("""{"definition":{"name":"any","input":{},"nodes":{"n":{"transform":1}}},"input":{"nope":1}}""", 202)]
    [InlineData("""{"definition":{"name":"reads","nodes":{"n":{"transform":"{{ input.nope }}"}}},"input":{"nope":1}}""", 202)]
    [Trait("Row", "H1")]
    public async Task Start_WithAnInputThatNothingReads_IsRefused(string body, int status) =>
        Assert.Equal(status, (int)(await host.Api.PostAsync("api/instances", body)).Status);

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"definition":"hello"}""")]
    public async Task Start_WithoutAWorkflow_IsRefused(string body)
    {
        var answer = await host.Api.PostAsync("api/instances", body);

        Assert.Equal((400, "invalid_request"), ((int)answer.Status, answer.Code));
    }

    [Fact]
    [Trait("Row", "H5")]
    public async Task Rewind_AFailedInstance_RunsWhatFailedAgain()
    {
        var name = $"missing-{Guid.NewGuid():N}.md";
        var id = (await host.Api.PostAsync("api/instances", $$$"""
            {"definition":{"name":"reads","nodes":{
              "first":{"transform":"kept"},
              "read":{"tool":"read_file","arguments":{ "path": "{{{name}}}" } } },
              "edges":["first -> read"],"output":"{{ nodes.read.output.text }}"}}
            """)).Json.GetProperty("id").GetString();
        var failed = await host.Api.GetAsync($"api/instances/{id}?wait=30");
        Assert.Equal("failed", failed.StopReason);
        Assert.Equal("Failed", failed.RuntimeStatus);
        Assert.Equal(JsonValueKind.Object, failed.Json.GetProperty("error").ValueKind);

        var path = Path.Combine(host.Files, name);
        await File.WriteAllTextAsync(path, "There it is.", TestContext.Current.CancellationToken);
        Assert.Equal(202, (int)(await host.Api.PostAsync($"api/instances/{id}/rewind?reason=found")).Status);

        var answer = await host.Api.GetAsync($"api/instances/{id}?wait=30&showOutcomes=true");
        Assert.Equal("completed", answer.StopReason);
        Assert.Equal("There it is.", answer.Json.GetProperty("output").GetString());
    }
}
