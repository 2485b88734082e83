using System.Diagnostics;
using Polyphony.Engine;

namespace Polyphony.Benchmarks.Engine;

/// <summary>
/// 10,000 and 100,000 instances that wait for an event: how fast they start, what each takes in memory, and how long a restart takes until
/// the first and the last of them answers, after a stop and after a crash.
/// </summary>
internal static class WaitingInstances
{
    private const int StartsAtOnce = 1000;

    internal static async Task RunAsync(Round round)
    {
        foreach (var size in (int[])[10_000, 100_000])
        {
            await RunAsync(round, size, round.Scale(size, 100));
        }
    }

    private static async Task RunAsync(Round round, int size, int count)
    {
        var file = round.NewFile();
        var crashed = round.NewFile();
        await using (var engine = await round.StartEngineAsync(Steps.NewRegistry(), file))
        {
            await Steps.RunAsync(engine.Client, Steps.Sequence, "20");
            var before = Memory();
            var began = Stopwatch.GetTimestamp();
            for (var from = 0; from < count; from += StartsAtOnce)
            {
                await Task.WhenAll(Enumerable.Range(from, Math.Min(StartsAtOnce, count - from)).Select(i => engine.Client.StartAsync(Steps.Wait, null, new() { InstanceId = IdOf(i) })));
            }

            round.RecordRate($"waiting.{size}.start", "starts/s", count, Stopwatch.GetElapsedTime(began));
            await RunningAsync(engine, count - 1);
            round.Record($"waiting.{size}.memory", "bytes", (double)(Memory() - before) / count, higherIsBetter: false);

            // What lies on the disk now is what a crash would leave.
            Copy(file, crashed);
            Copy(file + "-wal", crashed + "-wal");
        }

        await RestartAsync(round, $"restart.{size}", file, count);
        await RestartAsync(round, $"restart.{size}.crash", crashed, count);
    }

    private static async Task RestartAsync(Round round, string name, string file, int count)
    {
        GC.Collect();
        var began = Stopwatch.GetTimestamp();
        await using var engine = await round.StartEngineAsync(Steps.NewRegistry(), file);
        await EndAsync(engine, 0);
        round.RecordTime($"{name}.first", Stopwatch.GetElapsedTime(began));
        await EndAsync(engine, count - 1);
        round.RecordTime($"{name}.last", Stopwatch.GetElapsedTime(began));
    }

    private static async Task EndAsync(EmbeddedEngine engine, int instance)
    {
        await engine.Client.RaiseEventAsync(IdOf(instance), Steps.Go, "1");
        await engine.Client.WaitForCompletionAsync(IdOf(instance));
    }

    /// <summary>Waits until an instance has taken its first step.</summary>
    private static async Task RunningAsync(EmbeddedEngine engine, int instance)
    {
        var known = (await engine.Client.GetAsync(IdOf(instance)))!;
        while (known.RuntimeStatus == Core.Durable.OrchestrationRuntimeStatus.Pending)
        {
            known = (await engine.Client.WaitForChangeAsync(IdOf(instance), known.Version))!;
        }
    }

    private static long Memory()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return GC.GetTotalMemory(forceFullCollection: true);
    }

    private static void Copy(string from, string to)
    {
        using var source = new FileStream(from, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var target = File.Create(to);
        source.CopyTo(target);
    }

    private static string IdOf(int number) => $"waiting-{number:000000}";
}
