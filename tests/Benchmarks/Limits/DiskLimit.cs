using System.Diagnostics;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using Polyphony.Engine;
using SQLitePCL;

namespace Polyphony.Benchmarks.Limits;

/// <summary>
/// What the disk and SQLite allow at best: the same binding, file system and synchronous mode as the engine's, rows as large as its steps,
/// one thread that does nothing else. Append-only rows have ascending keys, as the engine's log has; keyed rows have random texts as keys.
/// </summary>
internal static class DiskLimit
{
    /// <summary>What the engine's log takes for a step, of which the "size" benchmark measures the average.</summary>
    private const int RowBytes = 500;

    private static readonly int[] Batches = [1, 10, 100];

    internal static Task RunAsync(Round round)
    {
        MeasureSync(round);
        foreach (var batch in Batches)
        {
            Measure(round, "append", "CREATE TABLE rows(key INTEGER PRIMARY KEY, data BLOB NOT NULL)", batch);
            Measure(round, "keyed", "CREATE TABLE rows(key TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID", batch);
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

    private static void Measure(Round round, string layout, string table, int batch)
    {
        Batteries_V2.Init();
        Check(raw.sqlite3_open(round.NewFile(), out var database));
        try
        {
            var mode = round.Durability == Durability.Full ? "FULL" : "NORMAL";
            Check(raw.sqlite3_exec(database, $"PRAGMA journal_mode = WAL; PRAGMA synchronous = {mode}; PRAGMA wal_autocheckpoint = 4000; {table}"));
            Check(raw.sqlite3_prepare_v2(database, "BEGIN IMMEDIATE", out var begin));
            Check(raw.sqlite3_prepare_v2(database, "COMMIT", out var commit));
            Check(raw.sqlite3_prepare_v2(database, "INSERT INTO rows(key, data) VALUES(?1, ?2)", out var insert));
            var data = RandomNumberGenerator.GetBytes(RowBytes);
            var commits = round.Scale(batch == 1 ? 5000 : batch == 10 ? 2000 : 400, 20);
            var keyed = layout == "keyed";

            // The same keys in every run.
            var random = new Random(17);
            var began = Stopwatch.GetTimestamp();
            for (var i = 0; i < commits; i++)
            {
                Step(begin);
                for (var row = 0; row < batch; row++)
                {
                    Check(keyed ? raw.sqlite3_bind_text(insert, 1, $"{random.NextInt64():x16}") : raw.sqlite3_bind_int64(insert, 1, ((long)i * batch) + row + 1));
                    Check(raw.sqlite3_bind_blob(insert, 2, data));
                    Step(insert);
                }

                Step(commit);
            }

            round.RecordRate($"limit.{layout}.{batch}", "rows/s", commits * batch, Stopwatch.GetElapsedTime(began));
            raw.sqlite3_finalize(begin);
            raw.sqlite3_finalize(commit);
            raw.sqlite3_finalize(insert);
        }
        finally
        {
            raw.sqlite3_close_v2(database);
        }
    }

    private static void Step(sqlite3_stmt statement)
    {
        Check(raw.sqlite3_step(statement));
        raw.sqlite3_reset(statement);
    }

    private static void Check(int code)
    {
        if (code is not (raw.SQLITE_OK or raw.SQLITE_DONE or raw.SQLITE_ROW))
        {
            throw new IOException($"SQLite answered with code {code} ({raw.sqlite3_errstr(code).utf8_to_string()}).");
        }
    }
}
