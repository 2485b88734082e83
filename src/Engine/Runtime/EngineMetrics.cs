using System.Diagnostics;
using System.Diagnostics.Metrics;
using Polyphony.Core.Telemetry;

namespace Polyphony.Engine.Runtime;

/// <summary>What is measured of the engine's transactions.</summary>
internal static class EngineMetrics
{
    private static readonly Histogram<double> CommitDuration = PolyphonyTelemetry.Meter.CreateHistogram(
        "polyphony.engine.commit.duration",
        "s",
        "How long a transaction took, the wait for the disk included.",
        tags: null,
        new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5] });

    private static readonly Histogram<int> CommitRecords = PolyphonyTelemetry.Meter.CreateHistogram(
        "polyphony.engine.commit.records",
        "{record}",
        "How many records a transaction had: steps of instances, starts, entries of the ledger.",
        tags: null,
        new InstrumentAdvice<int> { HistogramBucketBoundaries = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000] });

    /// <summary>Begins to measure a commit.</summary>
    /// <returns>When it began; 0 if nobody listens.</returns>
    public static long Begin() => CommitDuration.Enabled || CommitRecords.Enabled ? Stopwatch.GetTimestamp() : 0;

    /// <summary>Notes a commit.</summary>
    /// <param name="begun">What <see cref="Begin"/> has returned.</param>
    /// <param name="records">How many records it had.</param>
    public static void End(long begun, int records)
    {
        if (begun != 0)
        {
            CommitDuration.Record(Stopwatch.GetElapsedTime(begun).TotalSeconds);
            CommitRecords.Record(records);
        }
    }
}
