using Polyphony.Core.Durable;
using Polyphony.Engine.Runtime;
using Polyphony.TestKit.Telemetry;

namespace Polyphony.Engine.Tests.Runtime;

/// <summary>What is measured of transactions. Other tests have engines at the same time, so these look for sizes of batches that are their own.</summary>
[Trait("Row", "H11")]
public sealed class EngineMetricsTests
{
    [Fact]
    public void Commit_IsMeasuredWithItsRecords()
    {
        using var metrics = new MetricRecorder(instrument => instrument.Name.StartsWith("polyphony.engine.", StringComparison.Ordinal));
        EngineMetrics.End(EngineMetrics.Begin(), 98_765);

        Assert.Single(metrics.Of("polyphony.engine.commit.records"), each => each.Value is 98_765);
        Assert.Equal(("s", "{record}"), (metrics.Instruments["polyphony.engine.commit.duration"].Unit, metrics.Instruments["polyphony.engine.commit.records"].Unit));
    }

    [Fact]
    public async Task Engine_MeasuresItsCommits()
    {
        using var metrics = new MetricRecorder(instrument => instrument.Name.StartsWith("polyphony.engine.", StringComparison.Ordinal));
        var registry = new DurableRegistry().AddOrchestration("one", (_, _) => Task.FromResult<string?>("1"));
        await using var engine = await EmbeddedEngine.StartAsync(EngineOptions.InMemory(), registry, TestContext.Current.CancellationToken);
        metrics.Clear();
        await engine.Client.StartAsync("one", null, cancellationToken: TestContext.Current.CancellationToken);

        Assert.NotEmpty(metrics.Of("polyphony.engine.commit.duration"));
        Assert.All(metrics.Of("polyphony.engine.commit.duration"), each => Assert.True(each.Value > 0));
        Assert.All(metrics.Of("polyphony.engine.commit.records"), each => Assert.True(each.Value >= 1));
    }
}
