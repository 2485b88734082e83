using System.Diagnostics;
using Microsoft.Win32.SafeHandles;

namespace Polyphony.Benchmarks.Limits;

/// <summary>
/// What the disk and SQLite allow at best: the same binding, file system and synchronous mode as the engine's, rows as large as its steps,
/// one thread that does nothing else. Append-only rows have ascending keys, as the engine's log has; keyed rows have random texts as keys.
/// </summary>
internal static class DiskLimit
{
    private static readonly int[] Batches = [1, 10, 100];

    internal static Task RunAsync(Round round)
    {
        MeasureSync(round);
        foreach (var batch in Batches)
        {
            Measure(round, "append", keyed: false, batch);
            Measure(round, "keyed", keyed: true, batch);
        }

        return Task.CompletedTask;
    }

    /// <summary>Writes a page at the end of a file and waits until the disk has it.</summary>
    private static void MeasureSync(Round round)
    {
        using SafeFileHandle file = File.OpenHandle(round.NewFile(), FileMode.CreateNew, FileAccess.Write);
        var page = new byte[4096];
        var count = round.Scale(1000, 50);
        var times = new double[count];
        for (var i = 0; i < count; i++)
        {
            var began = Stopwatch.GetTimestamp();
            RandomAccess.Write(file, page, (long)i * page.Length);
            RandomAccess.FlushToDisk(file);
            times[i] = Stopwatch.GetElapsedTime(began).TotalMicroseconds;
        }

        Array.Sort(times);
        round.Record("limit.fsync.p50", "µs", times[count / 2], higherIsBetter: false);
        round.Record("limit.fsync.p95", "µs", times[count * 95 / 100], higherIsBetter: false);
    }

    private static void Measure(Round round, string layout, bool keyed, int batch)
    {
        using var rows = new RawRows(round.NewFile(), round.Durability, keyed);
        var commits = round.Scale(batch == 1 ? 5000 : batch == 10 ? 2000 : 400, 20);
        var began = Stopwatch.GetTimestamp();
        rows.Commit(commits, batch);
        round.RecordRate($"limit.{layout}.{batch}", "rows/s", commits * batch, Stopwatch.GetElapsedTime(began));
    }
}
