using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Runs;

namespace Polyphony.Scenarios.Tests;

/// <summary>The custom status while a workflow runs.</summary>
[Trait("Row", "H2")]
public sealed class ProgressTests
{
    [Theory]
    [InlineData("Publish {{ item }}?", 40)]
    [InlineData("Publish {{ item }}? {{ input.long }}", 8)]
    [Trait("Row", "H4")]
    public async Task Questions_MoreThanTheStatusHolds_AreCountedAndComeUpOneAfterAnother(string prompt, int shown)
    {
        await using var host = await TestHost.StartAsync();
        var id = await host.StartAsync($$$"""
            name: many
            nodes:
              clock: { wait: { event: later } }
              ask: { forEach: "{{ input.items }}", human: { prompt: "{{{prompt}}}" } }
            edges: []
            """, new { items = Enumerable.Range(0, 60), @long = new string('é', 450) });
        var answered = new HashSet<string>(StringComparer.Ordinal);
        while (answered.Count < 60)
        {
            var status = await host.UntilAsync(id, status => status.CustomStatus is { } progress
                && progress.WaitingFor.Count(wait => wait.Kind == "human") + progress.MoreWaiting >= Math.Min(shown, 60 - answered.Count)
                && progress.WaitingFor.Count + progress.MoreWaiting == 61 - answered.Count);
            var waits = status.CustomStatus!.WaitingFor;
            Assert.True(waits.Count >= Math.Min(shown, 61 - answered.Count), $"{waits.Count} shown, {answered.Count} answered");
            var next = waits.First(wait => wait.Kind == "human");
            Assert.True(answered.Add(next.Activation));
            await host.Client.RaiseEventAsync(id, next.EventName!, JsonElement.Parse("1"));
        }

        var last = await host.UntilAsync(id, status => status.CustomStatus is { MoreWaiting: 0, WaitingFor: [{ Kind: "event" }] });
        Assert.Equal("clock", last.CustomStatus!.WaitingFor[0].Activation);
        await host.Client.RaiseEventAsync(id, "later", JsonElement.Parse("1"));
        Assert.Equal("completed", (await host.WaitAsync(id)).Reason());
    }

    /// <summary>The custom status is put together from parts that are kept. At every step it must be what writing all of it would give.</summary>
    [Theory]
    [InlineData(3)]
    [InlineData(60)]
    public async Task CustomStatus_AtEveryStep_IsWhatTheContractWrites(int nodes)
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = (_, messages, _, _) => messages[^1].Text == "bad"
            ? throw new HttpRequestException("down", null, HttpStatusCode.BadRequest)
            : Task.FromResult(TestModels.Text("ä"));
        var id = await host.StartAsync($$"""
            name: steps
            models: { m: { provider: offline } }
            agents: { a: { model: m } }
            nodes:
              {{string.Join("\n  ", Enumerable.Range(0, nodes).Select(i => $"n{i}: {{ agent: a, prompt: x }}"))}}
              ask: { human: { prompt: "Ünd?" } }
              fails: { agent: a, prompt: bad }
            edges: [ "{{string.Join(" -> ", Enumerable.Range(0, nodes).Select(i => $"n{i}"))}} -> ask -> fails" ]
            """);
        var seen = new List<string>();
        OrchestrationMetadata? metadata = null;
        while (metadata is not { IsFinished: true })
        {
            metadata = await host.Engine.Client.WaitForChangeAsync(id, metadata?.Version ?? 0);
            if (metadata!.CustomStatus is { } json)
            {
                seen.Add(json);
                var read = JsonSerializer.Deserialize(json, CoreJsonContext.Default.WorkflowProgress)!;
                var expected = WithoutDefaults(JsonSerializer.SerializeToNode(read, CoreJsonContext.Default.WorkflowProgress)!.AsObject());
                Assert.True(JsonNode.DeepEquals(expected, JsonNode.Parse(json.Replace("+00:00", "Z", StringComparison.Ordinal))), $"{expected.ToJsonString()}\n{json}");
                if (read.WaitingFor is [{ EventName: { } name }])
                {
                    await host.Engine.Client.RaiseEventAsync(id, name, "\"go on\"");
                }
            }
        }

        Assert.Equal(OrchestrationRuntimeStatus.Failed, metadata.RuntimeStatus);
        var last = JsonSerializer.Deserialize(seen[^1], CoreJsonContext.Default.WorkflowProgress)!;
        Assert.Equal((nodes + 2, nodes + 2, 1), (last.Total, last.Done, last.Failures));
        Assert.Equal(StopReason.Failed, last.Result!.StopReason);
        Assert.Contains(last.Nodes, node => node is { Node: "fails", Status: "failed" });
        Assert.Equal(nodes + 2 > 40 ? 5 : nodes + 2, last.Nodes.Count);
        Assert.Contains(seen, json => json.Contains("\"waiting\"", StringComparison.Ordinal));
        Assert.All(last.Nodes, node => Assert.Equal(1, node.Round));
    }

    private static JsonObject WithoutDefaults(JsonObject progress)
    {
        foreach (var node in progress["nodes"]!.AsArray().Select(node => node!.AsObject()))
        {
            foreach (var (name, value) in new[] { ("round", 1), ("attempts", 0), ("tokens", 0), ("costUsd", 0) })
            {
                if (node[name]!.ToString() == $"{value}")
                {
                    node.Remove(name);
                }
            }
        }

        if (progress["waitingFor"]!.AsArray().Count == 0)
        {
            progress.Remove("waitingFor");
        }

        return JsonNode.Parse(progress.ToJsonString().Replace("\\u002B00:00", "Z", StringComparison.Ordinal))!.AsObject();
    }
}
