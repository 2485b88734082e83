using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Polyphony.TestKit.OpenAI;
using Polyphony.TestKit.Telemetry;

namespace Polyphony.Cli.Tests.Telemetry;

/// <summary>What the real tool sends to a collector.</summary>
[Trait("Row", "H11")]
public sealed class OtlpTests : IDisposable
{
    private readonly DataFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    [Trait("Row", "C6")]
    public async Task Run_WithACollector_SendsItsSpansAndMetricsBeforeItEnds()
    {
        await using var collector = await OtlpCollector.StartAsync();
        var (code, output, error) = await ToolProcess.RunAsync(_folder.Data, ["run", "samples/hello.yaml", "name=Ada the secret"], To(collector));
        Assert.True(code == 0, error);
        Assert.Contains("Ada the secret", output, StringComparison.Ordinal);

        var spans = collector.Spans;
        Assert.Single(spans, span => span.Name == "invoke_workflow hello");
        var start = spans.Single(span => span.Name == "start_workflow hello");
        Assert.All(spans, span => Assert.Equal((start.TraceId, "polyphony"), (span.TraceId, span.Service)));
        Assert.Equal("", start.ParentId);
        var agents = spans.Where(span => span.Name.StartsWith("invoke_agent ", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(agents);
        Assert.All(agents, agent => Assert.Equal(start.SpanId, agent.ParentId));
        Assert.Contains(agents, agent => agent.Attributes["polyphony.node"] == "write");
        Assert.Equal(agents.Select(agent => agent.SpanId).Order(StringComparer.Ordinal), spans.Where(span => span.Name.StartsWith("chat ", StringComparison.Ordinal)).Select(span => span.ParentId).Order(StringComparer.Ordinal));

        Assert.Equal("s", collector.Metrics["gen_ai.client.operation.duration"]);
        Assert.Equal("{token}", collector.Metrics["gen_ai.client.token.usage"]);
        Assert.Equal("s", collector.Metrics["polyphony.engine.commit.duration"]);
        Assert.Equal("{record}", collector.Metrics["polyphony.engine.commit.records"]);
        Assert.DoesNotContain("Ada the secret", Encoding.UTF8.GetString(collector.Received.ToArray()), StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Row", "S7")]
    public async Task Run_WhoseHostIsKilled_GoesOnInTheTraceOfItsStart()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Signals are sent by kill.");
        await using var collector = await OtlpCollector.StartAsync();
        await using var model = await FakeOpenAIServer.StartAsync(request => FakeOpenAIAnswer.Text($"answer to {request.Prompt}"));
        var workflows = Path.GetDirectoryName(_folder.Write("workflows/two.yaml", """
            name: two
            models: { m: { provider: openai, model: small } }
            agents: { first: { model: m, context: [] }, second: { model: m, context: [] } }
            nodes:
              begin: { agent: first, prompt: begin }
              pause: { wait: { event: go } }
              end: { agent: second, prompt: end }
            edges: [ begin -> pause -> end ]
            """))!;
        (string, string)[] environment = [.. To(collector), ("OTEL_BSP_SCHEDULE_DELAY", "20"), ("OPENAI_BASE_URL", model.Endpoint.ToString()), ("OPENAI_API_KEY", "none")];
        const string Parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        await using (var host = ToolProcess.Start(_folder.Data, ["up", "--port", "0", "--workflows", workflows], environment))
        {
            using var http = new HttpClient { BaseAddress = await AddressAsync(host) };
            using var request = new HttpRequestMessage(HttpMethod.Post, "api/workflows/two/instances") { Content = JsonContent.Create(new JsonObject { ["instanceId"] = "run" }) };
            request.Headers.Add("traceparent", Parent);
            using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
            response.EnsureSuccessStatusCode();
            await collector.WhenAsync(span => span.Name == "invoke_agent first").WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
            host.Signal("KILL");
            await host.EndAsync();
        }

        await using var next = ToolProcess.Start(_folder.Data, ["up", "--port", "0", "--workflows", workflows], environment);
        using (var http = new HttpClient { BaseAddress = await AddressAsync(next) })
        {
            using var response = await http.PostAsJsonAsync("api/instances/run/events/go", new JsonObject(), TestContext.Current.CancellationToken);
            response.EnsureSuccessStatusCode();
        }

        await collector.WhenAsync(span => span.Name == "invoke_workflow two").WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        await collector.WhenAsync(span => span.Name == "invoke_agent second").WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        Assert.All(collector.Spans, span => Assert.Equal("0af7651916cd43dd8448eb211c80319c", span.TraceId));
        Assert.Contains(collector.Spans, span => span is { Name: "start_workflow two", ParentId: "b7ad6b7169203331" });
    }

    [Fact]
    public async Task Run_WhoseCollectorIsNotThere_EndsAsIfNobodyHadAsked()
    {
        using var closed = new TcpListener(IPAddress.Loopback, 0);
        closed.Start();
        var port = ((IPEndPoint)closed.LocalEndpoint).Port;

        // One that takes connections and never answers, and one that takes none.
        foreach (var protocol in new[] { "http/protobuf", "grpc" })
        {
            var (code, output, error) = await ToolProcess.RunAsync(
                _folder.Data, ["run", "samples/hello.yaml", "name=Ada"], ("OTEL_EXPORTER_OTLP_ENDPOINT", $"http://127.0.0.1:{port}"), ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol));
            Assert.True(code == 0, error);
            Assert.Contains("\"Ada\"", output, StringComparison.Ordinal);
            closed.Stop();
        }
    }

    [Fact]
    public async Task Run_WithSettingsThatCannotBe_SaysAllThatIsWrong()
    {
        var (code, output, error) = await ToolProcess.RunAsync(
            _folder.Data, ["run", "samples/hello.yaml", "name=Ada"], ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"));
        Assert.Equal((2, ""), (code, output));
        Assert.Contains("OTEL_EXPORTER_OTLP_ENDPOINT must be an address such as http://localhost:4317; found \"collector:4317\".", error, StringComparison.Ordinal);
        Assert.Contains("OTEL_EXPORTER_OTLP_PROTOCOL must be grpc (the default) or http/protobuf; found \"http/json\".", error, StringComparison.Ordinal);
    }

    private static (string Name, string Value)[] To(OtlpCollector collector) =>
        [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Address), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")];

    private static async Task<Uri> AddressAsync(ToolProcess host) => new((await host.SaysAsync("Ctrl-C stops it")).Split("serves ")[1].Split('\n')[0]);
}
