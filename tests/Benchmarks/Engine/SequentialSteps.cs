using System.Diagnostics;
using Polyphony.Benchmarks.Limits;

namespace Polyphony.Benchmarks.Engine;

/// <summary>One workflow of 100, 1,000 and 10,000 steps, one after the other, and what a step costs early and late in it.</summary>
internal static class SequentialSteps
{
    private const int Longest = 10_000;

    internal static async Task RunAsync(Round round)
    {
        await CompareAsync(round);
        foreach (var size in (int[])[100, 1000, Longest])
        {
            // At least half a second of short ones, or the clock of the machine decides.
            var steps = round.WarmUp ? 100 : size;
            var runs = round.WarmUp ? 1 : Math.Max(1, 2000 / size);
            var times = new long[steps];
            await using var engine = await round.StartEngineAsync(Steps.NewRegistry(context => times[context.TaskId!.Value] = Stopwatch.GetTimestamp()));
            await Steps.RunAsync(engine.Client, Steps.Sequence, "20");
            var began = Stopwatch.GetTimestamp();
            for (var run = 0; run < runs; run++)
            {
                await Steps.RunAsync(engine.Client, Steps.Sequence, Steps.Text(steps));
            }

            round.RecordRate($"sequential.{size}", "steps/s", steps * runs, Stopwatch.GetElapsedTime(began));
            if (size == Longest && !round.WarmUp)
            {
                var early = MedianStep(times, 50, 550);
                var late = MedianStep(times, steps - 501, steps - 1);
                round.Record("sequential.step100", "µs", early, higherIsBetter: false);
                round.Record("sequential.step10000", "µs", late, higherIsBetter: false);
                round.Record("sequential.growth", "x", late / early, higherIsBetter: false);
            }
        }
    }

    /// <summary>
    /// Takes turns with raw one-row commits, a hundred of each, so that both meet the same disk: on a machine that others use, the disk of one
    /// second is not that of the next.
    /// </summary>
    private static async Task CompareAsync(Round round)
    {
        const int Slice = 100;
        using var rows = new RawRows(round.NewFile(), round.Durability, keyed: false);
        await using var engine = await round.StartEngineAsync(Steps.NewRegistry());
        await Steps.RunAsync(engine.Client, Steps.Sequence, "20");
        long limit = 0, steps = 0;
        for (var turn = round.Scale(30, 3); turn > 0; turn--)
        {
            var began = Stopwatch.GetTimestamp();
            rows.Commit(Slice, 1);
            var between = Stopwatch.GetTimestamp();
            await Steps.RunAsync(engine.Client, Steps.Sequence, Steps.Text(Slice));
            limit += between - began;
            steps += Stopwatch.GetTimestamp() - between;
        }

        round.Record("sequential.share", "% of limit", 100.0 * limit / steps, higherIsBetter: true);
    }

    private static double MedianStep(long[] times, int first, int last)
    {
        var steps = new List<double>();
        for (var i = first; i < last; i++)
        {
            steps.Add(Stopwatch.GetElapsedTime(times[i], times[i + 1]).TotalMicroseconds);
        }

        steps.Sort();
        return steps[steps.Count / 2];
    }
}
