using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Providers;
using Polyphony.Core.Definitions;
using Polyphony.TestKit.Chat;
using Polyphony.TestKit.Telemetry;

namespace Polyphony.DurableFunctions.Tests.Workflows;

/// <summary>The spans of a run on Durable Task: those of the embedded engine, in one trace, across a crash as well.</summary>
[Trait("Row", "H11")]
[Trait("Row", "H1")]
public sealed class TraceTests
{
    [Fact]
    public async Task Run_AcrossACrash_IsOneTrace()
    {
        using var spans = new SpanRecorder("functions-trace");
        await using var host = await WorkflowHost.InMemoryAsync(null, new Models());
        var id = await host.StartAsync(
            """
            name: functions-trace
            models: { m: { provider: offline, model: small-1 } }
            agents: { first: { model: m, context: [] }, second: { model: m, context: [] } }
            nodes:
              begin: { agent: first, prompt: begin }
              pause: { wait: { event: go } }
              end: { agent: second, prompt: end }
            edges: [ begin -> pause -> end ]
            """,
            "{}");
        var wait = Assert.Single((await host.UntilAsync(id, status => status.CustomStatus?.WaitingFor.Count == 1)).CustomStatus!.WaitingFor);
        await host.CrashAsync();
        await host.Client.RaiseEventAsync(id, wait.EventName!, JsonElement.Parse("1"), TestContext.Current.CancellationToken);
        await host.WaitAsync(id);

        Assert.Equal(
            ["chat small-1", "chat small-1", "invoke_agent first", "invoke_agent second", "invoke_workflow functions-trace", "start_workflow functions-trace"], spans.Names);
        var start = spans.Single("start_workflow functions-trace");
        Assert.All(spans.Spans, span => Assert.Equal(start.TraceId, span.TraceId));
        Assert.Equal(start.SpanId, spans.Single("invoke_agent second").ParentSpanId);
        Assert.Equal(id, spans.Single("invoke_agent second").GetTagItem("polyphony.instance.id"));
        Assert.Equal("completed", spans.Single("invoke_workflow functions-trace").GetTagItem("polyphony.stop_reason"));
    }

    private sealed class Models : IModelProvider
    {
        public ScriptedChatClient Model { get; } = new("said");

        public string Name => "offline";

        public IChatClient GetClient(ModelDefinition definition) => Model;
    }
}
