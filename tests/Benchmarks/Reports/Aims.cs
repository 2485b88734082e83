namespace Polyphony.Benchmarks.Reports;

/// <summary>An aim and how far a run is from it.</summary>
/// <param name="Name">The figure.</param>
/// <param name="Value">What was measured.</param>
/// <param name="Unit">Its unit.</param>
/// <param name="Aim">The least or the most that is wanted, by the limit of the same run.</param>
/// <param name="Ratio">How many times over the aim is met: 1 or more is met.</param>
/// <param name="Why">How the aim comes about.</param>
internal sealed record AimResult(string Name, double Value, string Unit, double Aim, double Ratio, string Why);

/// <summary>What the engine is to reach, as ratios to what the disk allowed in the same run.</summary>
internal static class Aims
{
    private const double CommitSharePercent = 40;
    private const double EnoughSteps = 20_000;
    private const double MaxGrowth = 1.2;
    private const double MaxFanGrowth = 1.3;
    private const double MaxWaitingBytes = 4096;
    private const double MaxRestartMs = 5000;
    private const double MaxNodeMicroseconds = 30;

    internal static IReadOnlyList<AimResult> Judge(IReadOnlyList<Measurement> results)
    {
        var byName = results.ToDictionary(result => result.Name, StringComparer.Ordinal);
        var aims = new List<AimResult>();
        void Add(string name, double? aim, string why)
        {
            if (aim is { } wanted && byName.TryGetValue(name, out var measured))
            {
                var ratio = measured.HigherIsBetter ? measured.Median / wanted : wanted / Math.Max(measured.Median, double.Epsilon);
                aims.Add(new AimResult(name, measured.Median, measured.Unit, wanted, measured.Median <= 0 && !measured.HigherIsBetter ? double.MaxValue : ratio, why));
            }
        }

        double? Limit(string name) => byName.GetValueOrDefault(name)?.Median;
        Add("sequential.share", CommitSharePercent, "40 % of the one-row commits, append-only, taking turns with them");
        Add("sequential.growth", MaxGrowth, "step 10,000 costs at most 1.2 times step 100");
        var best = results.Where(result => result.Name.StartsWith("limit.append.", StringComparison.Ordinal)).Select(result => (double?)result.Median).Max();
        foreach (var instances in (string[])["500", "5000"])
        {
            Add($"concurrent.{instances}", best is { } rate ? Math.Min(EnoughSteps, rate / 3) : null, "20,000 steps/s, or a third of the best batch rate");
        }

        Add("fanout.growth", MaxFanGrowth, "a step of 10,000 costs at most 1.3 times one of 1,000");
        Add("latency.code.p50", Limit("limit.fsync.p50") is { } sync ? (6 * sync / 1000) + 1 : null, "6 fsyncs + 1 ms");
        foreach (var instances in (string[])["10000", "100000"])
        {
            Add($"waiting.{instances}.memory", MaxWaitingBytes, "less than 4 KB");
        }

        Add("restart.100000.last", MaxRestartMs, "below 5 s");
        Add("restart.100000.crash.last", MaxRestartMs, "below 5 s");
        foreach (var nodes in (string[])["100", "1000"])
        {
            Add($"interpreter.agent.{nodes}", MaxNodeMicroseconds, "below 30 µs beyond the engine");
        }

        Add("interpreter.conversation.100", MaxNodeMicroseconds, "below 30 µs beyond the engine");
        Add("interpreter.forEach.1000", MaxNodeMicroseconds, "below 30 µs beyond the engine");
        return aims;
    }
}
