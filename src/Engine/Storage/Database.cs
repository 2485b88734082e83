using SQLitePCL;

namespace Polyphony.Engine.Storage;

/// <summary>One SQLite connection. Not thread-safe; its user serialises the calls.</summary>
/// <remarks>The raw API, not ADO.NET: a step is one insert, and there the wrapper would cost more than the insert.</remarks>
internal sealed class Database : IDisposable
{
    private readonly sqlite3 _handle;
    private readonly string _name;

    static Database() => Batteries_V2.Init();

    /// <summary>Opens a file, or a database in memory.</summary>
    internal Database(string? path, bool create)
    {
        _name = path ?? "(in memory)";
        var flags = raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_NOMUTEX | (create ? raw.SQLITE_OPEN_CREATE : 0);
        var rc = raw.sqlite3_open_v2(path ?? ":memory:", out _handle, flags, null);
        Check(rc, "open");
        raw.sqlite3_extended_result_codes(_handle, 1);
        raw.sqlite3_busy_timeout(_handle, 5000);
    }

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

    internal void Reset() => raw.sqlite3_reset(handle);

    internal int Columns => raw.sqlite3_column_count(handle);

    internal bool IsNull(int column) => raw.sqlite3_column_type(handle, column) == raw.SQLITE_NULL;

    internal long Int64(int column) => raw.sqlite3_column_int64(handle, column);

    internal string? Text(int column) => IsNull(column) ? null : raw.sqlite3_column_text(handle, column).utf8_to_string();

    internal ReadOnlySpan<byte> Blob(int column) => raw.sqlite3_column_blob(handle, column);

    public void Dispose() => raw.sqlite3_finalize(handle);
}
