using SQLitePCL;

namespace Polyphony.Engine.Storage;

/// <summary>One SQLite connection. Not thread-safe; its user serialises the calls.</summary>
/// <remarks>The raw API, not ADO.NET: a step is one insert, and there the wrapper would cost more than the insert.</remarks>
internal sealed class Database : IDisposable
{
    private static readonly TimeSpan ReaderPatience = TimeSpan.FromSeconds(5);

    // SQLITE_DBSTATUS_CACHE_WRITE and SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, which the binding does not name.
    private const int StatusCacheWrite = 9;
    private const int ConfigNoCheckpointOnClose = 1006;

    private readonly sqlite3 _handle;
    private readonly string _name;

    static Database() => Batteries_V2.Init();

    /// <summary>Opens a file, or a database in memory.</summary>
    internal Database(string? path, bool create)
        : this(path ?? ":memory:", path ?? ":memory:", raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_NOMUTEX | (create ? raw.SQLITE_OPEN_CREATE : 0))
    {
    }

    private Database(string address, string name, int flags)
    {
        _name = name;
        var rc = raw.sqlite3_open_v2(address, out _handle, flags, null);
        try
        {
            Check(rc, "open");
        }
        catch
        {
            _handle.Dispose();
            throw;
        }

        raw.sqlite3_extended_result_codes(_handle, 1);
        raw.sqlite3_busy_timeout(_handle, (int)ReaderPatience.TotalMilliseconds);
    }

    /// <summary>Sets how long a statement waits for a lock of another connection.</summary>
    internal void SetPatience(TimeSpan patience) => raw.sqlite3_busy_timeout(_handle, (int)patience.TotalMilliseconds);

    /// <summary>Opens a file as it is without its log, for reading.</summary>
    internal static Database OpenAlone(string path) =>
        new($"file:{string.Join('/', path.Split('/').Select(Uri.EscapeDataString))}?immutable=1", path, raw.SQLITE_OPEN_READONLY | raw.SQLITE_OPEN_URI | raw.SQLITE_OPEN_NOMUTEX);

    /// <summary>Gets how many pages this connection has written to the log.</summary>
    internal long PagesWritten
    {
        get
        {
            raw.sqlite3_db_status(_handle, StatusCacheWrite, out var pages, out _, 0);
            return pages;
        }
    }

    /// <summary>Takes the log into the file, as far as readers let it.</summary>
    /// <returns>Whether all of it was taken in, so that the next commit restarts the log. Otherwise nothing is lost, it is only still in the log.</returns>
    internal bool TryCheckpoint()
    {
        // Passive: others continue meanwhile, and the file of the log keeps its length, by which a log that has begun is told from none.
        var rc = raw.sqlite3_wal_checkpoint_v2(_handle, null, raw.SQLITE_CHECKPOINT_PASSIVE, out var pages, out var taken);
        return rc == raw.SQLITE_OK && pages == taken;
    }

    /// <summary>Leaves the log where it is when the connection is closed.</summary>
    internal void KeepLog() => raw.sqlite3_db_config(_handle, ConfigNoCheckpointOnClose, 1, out _);

    /// <summary>Gets SQLite's handle.</summary>
    internal sqlite3 Handle => _handle;

    /// <summary>Begins a transaction that writes, unless another process has one.</summary>
    internal bool TryBegin()
    {
        var rc = raw.sqlite3_exec(_handle, "BEGIN IMMEDIATE");
        if ((rc & 0xff) == raw.SQLITE_BUSY)
        {
            return false;
        }

        Check(rc, "BEGIN");
        return true;
    }

    internal bool IsInTransaction => raw.sqlite3_get_autocommit(_handle) == 0;

    internal void TryExecute(string sql) => raw.sqlite3_exec(_handle, sql);

    internal int Changes => raw.sqlite3_changes(_handle);

    internal Statement Prepare(string sql)
    {
        Check(raw.sqlite3_prepare_v3(_handle, sql, raw.SQLITE_PREPARE_PERSISTENT, out var statement), sql);
        return new Statement(this, statement, sql);
    }

    internal void Execute(string sql) => Check(raw.sqlite3_exec(_handle, sql), sql);

    internal long ReadInt64(string sql)
    {
        using var statement = Prepare(sql);
        return statement.Step() ? statement.Int64(0) : 0;
    }

    internal List<string> ReadTexts(string sql)
    {
        using var statement = Prepare(sql);
        var rows = new List<string>();
        while (statement.Step())
        {
            rows.Add(statement.Text(0) ?? "");
        }

        return rows;
    }

    internal void Check(int rc, string what)
    {
        if (rc is raw.SQLITE_OK or raw.SQLITE_ROW or raw.SQLITE_DONE)
        {
            return;
        }

        var text = _handle.IsInvalid ? raw.sqlite3_errstr(rc).utf8_to_string() : raw.sqlite3_errmsg(_handle).utf8_to_string();
        throw (rc & 0xff) switch
        {
            raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB => DataFileException.Corrupt(_name, text),
            raw.SQLITE_BUSY or raw.SQLITE_LOCKED => DataFileException.Locked(_name, text),
            raw.SQLITE_FULL => DataFileException.Full(_name, text),
            raw.SQLITE_READONLY or raw.SQLITE_PERM => DataFileException.ReadOnly(_name, text),
            raw.SQLITE_CANTOPEN => DataFileException.Unreadable(_name, text),
            _ => DataFileException.Failed(_name, $"{text} (SQLite code {rc})", what),
        };
    }

    public void Dispose() => raw.sqlite3_close_v2(_handle);
}

/// <summary>A prepared statement. Parameters count from 1, columns from 0.</summary>
internal sealed class Statement(Database database, sqlite3_stmt handle, string sql) : IDisposable
{
    internal Statement Bind(int index, long value)
    {
        database.Check(raw.sqlite3_bind_int64(handle, index, value), sql);
        return this;
    }

    internal Statement Bind(int index, string? value)
    {
        database.Check(value is null ? raw.sqlite3_bind_null(handle, index) : raw.sqlite3_bind_text(handle, index, value), sql);
        return this;
    }

    internal Statement Bind(int index, ReadOnlySpan<byte> value)
    {
        // An empty span would bind NULL.
        database.Check(value.IsEmpty ? raw.sqlite3_bind_zeroblob(handle, index, 0) : raw.sqlite3_bind_blob(handle, index, value), sql);
        return this;
    }

    internal Statement BindNull(int index)
    {
        database.Check(raw.sqlite3_bind_null(handle, index), sql);
        return this;
    }

    /// <summary>Binds the columns of another statement's row, in order.</summary>
    internal Statement BindRow(Statement row)
    {
        for (var column = 0; column < row.Columns; column++)
        {
            _ = row.TypeOf(column) switch
            {
                raw.SQLITE_INTEGER => Bind(column + 1, row.Int64(column)),
                raw.SQLITE_TEXT => Bind(column + 1, row.Text(column)),
                raw.SQLITE_BLOB => Bind(column + 1, row.Blob(column)),
                _ => BindNull(column + 1),
            };
        }

        return this;
    }

    /// <summary>Goes to the next row; at the end (or for a statement without rows) the statement is ready for the next run.</summary>
    internal bool Step()
    {
        var rc = raw.sqlite3_step(handle);
        if (rc == raw.SQLITE_ROW)
        {
            return true;
        }

        raw.sqlite3_reset(handle);
        database.Check(rc, sql);
        return false;
    }

    /// <summary>Runs a statement without rows, whatever comes of it.</summary>
    internal void Attempt()
    {
        raw.sqlite3_step(handle);
        raw.sqlite3_reset(handle);
    }

    /// <summary>Runs a statement without rows unless another process is in the way for as long as the connection waits for one.</summary>
    /// <returns>Whether it ran.</returns>
    internal bool TryRun()
    {
        var rc = raw.sqlite3_step(handle);
        raw.sqlite3_reset(handle);
        if ((rc & 0xff) == raw.SQLITE_BUSY)
        {
            return false;
        }

        database.Check(rc, sql);
        return true;
    }

    internal void Reset() => raw.sqlite3_reset(handle);

    internal int Columns => raw.sqlite3_column_count(handle);

    internal int TypeOf(int column) => raw.sqlite3_column_type(handle, column);

    internal bool IsNull(int column) => raw.sqlite3_column_type(handle, column) == raw.SQLITE_NULL;

    internal long Int64(int column) => raw.sqlite3_column_int64(handle, column);

    internal string? Text(int column) => IsNull(column) ? null : raw.sqlite3_column_text(handle, column).utf8_to_string();

    internal ReadOnlySpan<byte> Blob(int column) => raw.sqlite3_column_blob(handle, column);

    public void Dispose() => raw.sqlite3_finalize(handle);
}
