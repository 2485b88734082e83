using System.Security.Cryptography;
using Polyphony.Engine;
using SQLitePCL;

namespace Polyphony.Benchmarks.Limits;

/// <summary>Rows written to SQLite with nothing in between.</summary>
internal sealed class RawRows : IDisposable
{
    /// <summary>What the engine's log takes for a step, of which the "size" benchmark measures the average.</summary>
    private const int RowBytes = 500;

    private const string AppendTable = "CREATE TABLE rows(key INTEGER PRIMARY KEY, data BLOB NOT NULL)";
    private const string KeyedTable = "CREATE TABLE rows(key TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID";

    private readonly byte[] _data = RandomNumberGenerator.GetBytes(RowBytes);

    // The same keys in every run.
    private readonly Random _keys = new(17);
    private readonly bool _keyed;
    private readonly sqlite3 _database;
    private readonly sqlite3_stmt _begin;
    private readonly sqlite3_stmt _commit;
    private readonly sqlite3_stmt _insert;
    private long _next = 1;

    internal RawRows(string file, Durability durability, bool keyed)
    {
        Batteries_V2.Init();
        _keyed = keyed;
        Check(raw.sqlite3_open(file, out _database));
        var mode = durability == Durability.Full ? "FULL" : "NORMAL";
        Check(raw.sqlite3_exec(_database, $"PRAGMA journal_mode = WAL; PRAGMA synchronous = {mode}; PRAGMA wal_autocheckpoint = 4000; {(keyed ? KeyedTable : AppendTable)}"));
        Check(raw.sqlite3_prepare_v2(_database, "BEGIN IMMEDIATE", out _begin));
        Check(raw.sqlite3_prepare_v2(_database, "COMMIT", out _commit));
        Check(raw.sqlite3_prepare_v2(_database, "INSERT INTO rows(key, data) VALUES(?1, ?2)", out _insert));
    }

    /// <summary>Commits so many times so many rows.</summary>
    internal void Commit(int commits, int rows)
    {
        for (var i = 0; i < commits; i++)
        {
            Step(_begin);
            for (var row = 0; row < rows; row++)
            {
                Check(_keyed ? raw.sqlite3_bind_text(_insert, 1, $"{_keys.NextInt64():x16}") : raw.sqlite3_bind_int64(_insert, 1, _next++));
                Check(raw.sqlite3_bind_blob(_insert, 2, _data));
                Step(_insert);
            }

            Step(_commit);
        }
    }

    public void Dispose()
    {
        raw.sqlite3_finalize(_begin);
        raw.sqlite3_finalize(_commit);
        raw.sqlite3_finalize(_insert);
        raw.sqlite3_close_v2(_database);
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
