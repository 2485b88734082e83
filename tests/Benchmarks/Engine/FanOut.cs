using System.Diagnostics;

namespace Polyphony.Benchmarks.Engine;

/// <summary>One workflow that calls 1,000 and 10,000 steps at once and joins them.</summary>
internal static class FanOut
{
    internal static async Task RunAsync(Round round)
    {
        var costs = new List<double>();
        foreach (var size in (int[])[1000, 10_000])
        {
            var steps = round.Scale(size, 20);
            var runs = round.WarmUp ? 1 : Math.Max(1, 5000 / size);
            await using var engine = await round.StartEngineAsync(Steps.NewRegistry());
            await Steps.RunAsync(engine.Client, Steps.Fan, "20");
            var began = Stopwatch.GetTimestamp();
            for (var run = 0; run < runs; run++)
            {
                await Steps.RunAsync(engine.Client, Steps.Fan, Steps.Text(steps));
            }

            var time = Stopwatch.GetElapsedTime(began);
            round.RecordRate($"fanout.{size}", "steps/s", steps * runs, time);
            costs.Add(time.TotalMicroseconds / (steps * runs));
        }

        round.Record("fanout.growth", "x", costs[1] / costs[0], higherIsBetter: false);
    }
}
