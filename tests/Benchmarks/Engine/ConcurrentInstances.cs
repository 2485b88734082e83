using System.Diagnostics;

namespace Polyphony.Benchmarks.Engine;

/// <summary>500 and 5,000 instances of 5 steps, all started at once: from the first start to the last end.</summary>
internal static class ConcurrentInstances
{
    private const int StepsEach = 5;

    internal static async Task RunAsync(Round round)
    {
        foreach (var size in (int[])[500, 5000])
        {
            var instances = round.Scale(size, 20);
            var runs = round.WarmUp ? 1 : Math.Max(1, 1500 / size);
            await using var engine = await round.StartEngineAsync(Steps.NewRegistry());
            await Steps.RunAsync(engine.Client, Steps.Sequence, "20");
            var time = TimeSpan.Zero;
            for (var run = 0; run < runs; run++)
            {
                var began = Stopwatch.GetTimestamp();
                var all = new Task[instances];
                for (var i = 0; i < instances; i++)
                {
                    all[i] = Steps.RunAsync(engine.Client, Steps.Sequence, Steps.Text(StepsEach));
                }

                await Task.WhenAll(all);
                time += Stopwatch.GetElapsedTime(began);
            }

            round.RecordRate($"concurrent.{size}", "steps/s", instances * StepsEach * runs, time);
        }
    }
}
