using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Polyphony.Core.Client;
using Polyphony.Core.Durable;
using Polyphony.Core.Topics;
using Polyphony.Http.Queue;
using Polyphony.TestKit.Clocks;
using Polyphony.TestKit.Telemetry;

namespace Polyphony.Hosting.Tests.Queue;

/// <summary>What a host has to do, as metrics: right, and read no more often than somebody asks.</summary>
[Trait("Row", "C6")]
[Trait("Row", "H11")]
public sealed class QueueMetricsTests : IDisposable
{
    private const string Ask = "name: ask\nnodes: { approve: { human: { prompt: \"Publish?\" } } }\n";
    private const string Later = "name: later\nnodes: { pause: { wait: 1000h } }\n";

    private readonly TestApp _app = new();

    public void Dispose() => _app.Dispose();

    [Fact]
    public async Task Metrics_TellWhatInstancesWaitFor_AndAreReadOnceACollection()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        _app.Write("flows/ask.yaml", Ask).Write("flows/later.yaml", Later);
        using var host = _app.Worker(builder => builder.AddPolyphony(options => options.InMemory = true).AddWorkflows("flows"));
        await host.StartAsync(cancellationToken);
        var client = TestApp.WorkflowsOf(host);
        foreach (var workflow in new[] { "ask", "ask", "later" })
        {
            var id = await client.StartAsync(workflow, JsonElement.Parse("{}"), cancellationToken: cancellationToken);
            await UntilWaitingAsync(client, id, cancellationToken);
        }

        var clock = new FakeClock();
        var deployments = new Deployments(new DeploymentUse("azure-openai", "https://example.test", "small", 7, 10, 900, 1_000, 3, clock.GetUtcNow().AddSeconds(20)));
        var reads = new Deployments();
        await using var services = new ServiceCollection()
            .AddSingleton<TimeProvider>(clock)
            .AddSingleton<IDeployments>(deployments)
            .AddSingleton(new QueueReader(client, new TopicClient(client), new AdmissionLimits { MaxUnfinished = 50 }, reads, clock))
            .BuildServiceProvider();
        using var offered = new QueueMetrics(services);
        await offered.StartAsync(cancellationToken);
        Assert.Equal(0, reads.Count);
        using var metrics = new MetricRecorder(instrument => instrument.Meter == offered.Meter);
        metrics.Collect();

        var states = metrics.Of("polyphony.instances").ToDictionary(each => (string)each.Tags["polyphony.instance.state"]!, each => each.Value);
        Assert.Equal((2, 1, 0, 8), (states["waiting_for_people"], states["waiting_for_timers"], states["running"], states.Count));
        Assert.Equal(50, Assert.Single(metrics.Of("polyphony.instances.limit")).Value);
        Assert.Equal([("ask", 2d), ("later", 1d)], metrics.Of("polyphony.workflow.instances").Select(each => ((string)each.Tags["gen_ai.workflow.name"]!, each.Value)));
        Assert.Equal(0, Assert.Single(metrics.Of("polyphony.messages.waiting")).Value);
        foreach (var (name, value) in new[]
        {
            ("requests", 7d), ("requests.limit", 10), ("tokens", 900), ("tokens.limit", 1_000), ("throttled", 3), ("pause", 20),
        })
        {
            var (measured, tags) = Assert.Single(metrics.Of($"polyphony.deployment.{name}"));
            Assert.Equal((value, "azure.ai.openai", "small", "example.test"), (measured, tags["gen_ai.provider.name"], tags["gen_ai.request.model"], tags["server.address"]));
        }

        // All instruments of a collection share one look; the next comes after a while.
        Assert.Equal(1, reads.Count);
        clock.Advance(QueueMetrics.FreshFor / 2);
        metrics.Collect();
        Assert.Equal(1, reads.Count);
        clock.Advance(QueueMetrics.FreshFor);
        metrics.Collect();
        Assert.Equal(2, reads.Count);
        await host.StopAsync(cancellationToken);
    }

    [Fact]
    public async Task Metrics_OfAHostThatCannotBeRead_AreLeftOut()
    {
        await using var services = new ServiceCollection().AddSingleton<TimeProvider>(new FakeClock()).BuildServiceProvider();
        using var offered = new QueueMetrics(services);
        await offered.StartAsync(TestContext.Current.CancellationToken);
        using var metrics = new MetricRecorder(instrument => instrument.Meter == offered.Meter);
        metrics.Collect();
        Assert.Empty(metrics.Of("polyphony.instances"));
        Assert.Contains("polyphony.instances", metrics.Instruments.Keys);
    }

    [Fact]
    public async Task Host_OffersThem_UntilItStops()
    {
        using var host = _app.Worker(builder => builder.AddPolyphony(options => options.InMemory = true));
        var offered = Assert.Single(host.Services.GetServices<IHostedService>().OfType<QueueMetrics>());
        using var metrics = new MetricRecorder(instrument => instrument.Meter == offered.Meter);
        await host.StartAsync(TestContext.Current.CancellationToken);
        metrics.Collect();
        Assert.Equal(8, metrics.Of("polyphony.instances").Count);
        metrics.Clear();
        await host.StopAsync(TestContext.Current.CancellationToken);
        metrics.Collect();
        Assert.Empty(metrics.Of("polyphony.instances"));
    }

    private static async Task UntilWaitingAsync(WorkflowClient client, string id, CancellationToken cancellationToken)
    {
        for (var version = 0L; (await client.GetAsync(id, null, cancellationToken))!.CustomStatus is not { WaitingFor.Count: > 0 };)
        {
            version = (await client.Durable.WaitForChangeAsync(id, version, cancellationToken))!.Version;
        }
    }

    private sealed class Deployments(params DeploymentUse[] uses) : IDeployments
    {
        private int _count;

        public int Count => _count;

        public IReadOnlyList<DeploymentUse> List()
        {
            Interlocked.Increment(ref _count);
            return uses;
        }
    }
}
