using System.Diagnostics.Metrics;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Providers;
using Polyphony.Core.Runs;
using Polyphony.Core.Telemetry;
using Polyphony.TestKit.Chat;
using Polyphony.TestKit.Telemetry;

namespace Polyphony.Activities.Tests.Telemetry;

/// <summary>What is measured of model calls and tool calls. Names are those of one test, since others measure at the same time.</summary>
[Trait("Row", "H11")]
public sealed class CallMetricsTests
{
    private const string Model = "gen_ai.request.model";

    [Fact]
    public async Task ModelCall_IsMeasuredByTheConventions_OnceHoweverOftenItIsDelivered()
    {
        using var metrics = new MetricRecorder();
        ActivityHarness harness = null!;
        harness = Harness("measured", new ScriptedChatClient(_ =>
        {
            harness.Clock.Advance(TimeSpan.FromSeconds(3));
            return ScriptedAnswer.Text("An answer", inputTokens: 1_000, outputTokens: 200);
        }));
        await harness.AgentAsync(Call(harness, "measured"));
        await harness.AgentAsync(Call(harness, "measured"));

        var (seconds, tags) = Assert.Single(metrics.Of("gen_ai.client.operation.duration", Model, "measured-1"));
        Assert.Equal(3, seconds);
        Assert.Equal(["gen_ai.operation.name=chat", "gen_ai.provider.name=openai", "gen_ai.request.model=measured-1", "gen_ai.response.model=scripted-1"], Text(tags));
        Assert.Equal([(1_000, "input"), (200, "output")], metrics.Of("gen_ai.client.token.usage", Model, "measured-1").Select(each => (each.Value, (string)each.Tags["gen_ai.token.type"]!)));

        // A dollar a million tokens in, two out.
        Assert.Equal(0.0014, Assert.Single(metrics.Of("polyphony.model.cost", Model, "measured-1")).Value, 9);
        Assert.Single(metrics.Of("polyphony.model.reused", "gen_ai.agent.name", "measured"));
        Assert.Equal(("s", "{token}", "{USD}"), (metrics.Instruments["gen_ai.client.operation.duration"].Unit, metrics.Instruments["gen_ai.client.token.usage"].Unit, metrics.Instruments["polyphony.model.cost"].Unit));
        Assert.Equal(
            [1L, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864],
            ((Histogram<long>)metrics.Instruments["gen_ai.client.token.usage"]).Advice!.HistogramBucketBoundaries!);
    }

    [Fact]
    public async Task ModelCall_ThatFailsAndIsTriedAgain_HasItsErrorAndCountsAsARetry()
    {
        using var metrics = new MetricRecorder();
        var harness = Harness("failing", new ScriptedChatClient(new ScriptedAnswer { Exception = new HttpRequestException("no") }, "done"));
        Assert.NotNull((await harness.AgentAsync(Call(harness, "failing"))).Error);
        Assert.Null((await harness.AgentAsync(Call(harness, "failing") with { Attempt = 2 })).Error);

        var measured = metrics.Of("gen_ai.client.operation.duration", Model, "failing-1");
        Assert.Equal(["provider_unavailable", null], measured.Select(each => each.Tags.GetValueOrDefault("error.type")));
        var retry = Assert.Single(metrics.Of("polyphony.call.retries", "gen_ai.agent.name", "failing"));
        Assert.Equal((1, "chat"), (retry.Value, (string)retry.Tags["polyphony.call.kind"]!));
    }

    [Fact]
    [Trait("Row", "C6")]
    public async Task ModelCall_ThatWaitsForALimit_IsNoCall()
    {
        using var metrics = new MetricRecorder();
        var harness = Harness("limited", new ScriptedChatClient("done"), "requestsPerMinute: 1");
        Assert.Null((await harness.AgentAsync(Call(harness, "limited"))).Wait);
        Assert.NotNull((await harness.AgentAsync(Call(harness, "limited") with { Call = 2 })).Wait);

        Assert.Single(metrics.Of("gen_ai.client.operation.duration", Model, "limited-1"));
        Assert.Equal("requests_per_minute", Assert.Single(metrics.Of("polyphony.model.throttled", Model, "limited-1")).Tags["polyphony.wait.reason"]);
    }

    [Fact]
    public async Task ToolCall_IsMeasured()
    {
        using var metrics = new MetricRecorder();
        ActivityHarness harness = null!;
        harness = new ActivityHarness(new ScriptedChatClient("unused"), tools => tools.Add(AIFunctionFactory.Create(
            (int a) =>
            {
                harness.Clock.Advance(TimeSpan.FromSeconds(2));
                return a > 1 ? throw new InvalidOperationException("broken") : a;
            },
            "measure_tool")), workflow: """
            name: tools
            nodes: { count: { tool: { name: measure_tool, arguments: { a: 1 } } } }
            """);
        await harness.ToolAsync(new ToolCall { Scope = harness.Scope("count"), Tool = "measure_tool" });
        await harness.ToolAsync(new ToolCall { Scope = harness.Scope("count"), Tool = "measure_tool", Place = "1.0", Arguments = ActivityHarness.Inline("""{"a":2}""") });

        Assert.Equal([(2, false), (2, true)], metrics.Of("gen_ai.execute_tool.duration", "gen_ai.tool.name", "measure_tool").Select(each => (each.Value, each.Tags.ContainsKey("error.type"))));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Messages_AreInSpansOnlyIfSomebodyAsksForThem(bool asked)
    {
        var name = asked ? "messages-asked" : "messages-not-asked";
        using var spans = new SpanRecorder(name);
        var harness = Harness(name, new ScriptedChatClient("The answer"), options: new ActivitiesOptions { TracesMessages = asked });
        using var start = RunTrace.Start(name, "run-1");
        var call = Call(harness, name);
        await harness.AgentAsync(call with { Scope = call.Scope with { Trace = RunTrace.ContextOf(start) } });

        var chat = spans.Single($"chat {name}-1");
        Assert.Equal(asked ? """[{"role":"system","parts":[{"type":"text","content":"Be short."}]},{"role":"user","parts":[{"type":"text","content":"Say it"}]}]""" : null, chat.GetTagItem("gen_ai.input.messages"));
        Assert.Equal(asked ? """[{"role":"assistant","parts":[{"type":"text","content":"The answer"}],"finish_reason":"stop"}]""" : null, chat.GetTagItem("gen_ai.output.messages"));
    }

    private static ActivityHarness Harness(string name, IChatClient model, string more = "", ActivitiesOptions? options = null) => new(
        model,
        options: options ?? new ActivitiesOptions { Prices = new PriceTable(new DateOnly(2026, 1, 31), new Dictionary<string, ModelPrice> { [$"{name}-1"] = new(1, 2) }) },
        workflow: $$"""
            name: {{name}}
            models:
              fast:
                provider: openai
                model: {{name}}-1
                {{more}}
            agents: { {{name}}: { model: fast, instructions: Be short. } }
            nodes: { draft: { agent: {{name}}, prompt: Say it } }
            """,
        provider: "openai");

    private static AgentCall Call(ActivityHarness harness, string agent) => harness.Call(agent: agent);

    private static IEnumerable<string> Text(Dictionary<string, object?> tags) => tags.Select(tag => $"{tag.Key}={tag.Value}").Order(StringComparer.Ordinal);
}
