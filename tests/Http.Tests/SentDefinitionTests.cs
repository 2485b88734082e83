using System.Text.Json;

namespace Polyphony.Http.Tests;

/// <summary>Workflows that are sent along, on a host that only its owner reaches.</summary>
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
