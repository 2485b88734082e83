using System.Collections.Concurrent;

namespace Polyphony.Engine.Storage;

/// <summary>The data file: one connection that writes, and as many that read as are needed at once.</summary>
/// <remarks>In memory there is one connection, and readers wait for the open transaction, so that they see committed data alone there too.</remarks>
internal sealed class Store : IDisposable
{
    // Readers that are kept for the next: each holds two open files and a cache of pages, and a crowd of requests must not leave its own behind.
    internal const int MostIdleReaders = 8;

    private static ReadOnlySpan<byte> SqliteHead => "SQLite format 3\0"u8;

    private readonly string? _path;
    private readonly ConcurrentBag<StoreReader> _readers = [];
    private readonly Lock _gate = new();
    private readonly Database _database;
    private int _idleReaders;
    private bool _inTransaction;
    private volatile bool _disposed;

    private Store(string? path, Database database)
    {
        _path = path;
        _database = database;
        Name = path ?? "(in memory)";
        Writer = new StoreWriter(database, Name);
    }

    internal string Name { get; }

    internal StoreWriter Writer { get; }

    /// <summary>Gets how many connections wait for the next reader; at most <see cref="MostIdleReaders"/>.</summary>
    internal int IdleReaders => _readers.Count;

    /// <summary>Opens a data file, or makes a new one where there is none.</summary>
    /// <exception cref="DataFileException">It is damaged, of another format, or not readable; it was left as it is.</exception>
    internal static Store Open(string? path, Durability durability)
    {
        var exists = path is not null && File.Exists(path) && new FileInfo(path).Length > 0;
        if (exists)
        {
            CheckHead(path!);
        }

        var database = new Database(path, create: true);
        try
        {
            exists = exists && CheckFormat(database, path!);

            if (path is not null)
            {
                database.Execute("PRAGMA journal_mode = WAL");
                database.Execute(durability == Durability.Full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
                database.Execute("PRAGMA wal_autocheckpoint = 4000");
            }

            if (!exists)
            {
                database.Execute("BEGIN; " + Schema.Create + $" PRAGMA application_id = {Schema.ApplicationId}; PRAGMA user_version = {Schema.Version}; COMMIT");
            }

            return new Store(path, database);
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    /// <summary>Reads over a connection of its own (in memory: when no transaction is open).</summary>
    internal T Read<T>(Func<StoreReader, T> read)
    {
        if (_path is null)
        {
            lock (_gate)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                return read(Writer.Reader);
            }
        }

        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_readers.TryTake(out var reader))
        {
            Interlocked.Decrement(ref _idleReaders);
        }
        else
        {
            reader = new StoreReader(new Database(_path, create: false), Name, ownsDatabase: true);
        }

        try
        {
            return read(reader);
        }
        finally
        {
            Keep(reader);
        }
    }

    /// <summary>Runs <paramref name="write"/> in one transaction and commits it. Called by one thread at a time.</summary>
    internal void Transact(Action<StoreWriter> write)
    {
        lock (_gate)
        {
            Writer.Begin();
            _inTransaction = true;
            write(Writer);
            Writer.Commit();
            _inTransaction = false;
        }
    }

    /// <summary>Gives up a transaction that failed half-way.</summary>
    internal void Rollback()
    {
        lock (_gate)
        {
            if (_inTransaction)
            {
                _inTransaction = false;
                _database.Execute("ROLLBACK");
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            DisposeReaders();
            Writer.Dispose();
            _database.Dispose();
        }
    }

    // Counted before it is there to be taken, so that there are never more than that many.
    private void Keep(StoreReader reader)
    {
        if (Interlocked.Increment(ref _idleReaders) > MostIdleReaders)
        {
            Interlocked.Decrement(ref _idleReaders);
            reader.Dispose();
            return;
        }

        _readers.Add(reader);
        if (_disposed)
        {
            DisposeReaders();
        }
    }

    private void DisposeReaders()
    {
        while (_readers.TryTake(out var reader))
        {
            Interlocked.Decrement(ref _idleReaders);
            reader.Dispose();
        }
    }

    private static void CheckHead(string path)
    {
        Span<byte> head = stackalloc byte[16];
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        if (file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) < head.Length || !head.SequenceEqual(SqliteHead))
        {
            throw DataFileException.Corrupt(path, "it does not begin like a SQLite file");
        }
    }

    /// <returns>Whether the file has tables: one whose creation was cut short has none, and nothing to lose.</returns>
    private static bool CheckFormat(Database database, string path)
    {
        if (database.ReadInt64("SELECT count(*) FROM sqlite_schema") == 0)
        {
            return false;
        }

        var application = database.ReadInt64("PRAGMA application_id");
        var version = database.ReadInt64("PRAGMA user_version");
        if (application != Schema.ApplicationId)
        {
            throw DataFileException.Corrupt(path, $"its application id is {application}, not {Schema.ApplicationId}");
        }

        if (version != Schema.Version)
        {
            throw DataFileException.Version(path, version, Schema.Version);
        }

        if (database.ReadInt64("SELECT value FROM meta WHERE name = 'clean'") == 1)
        {
            return true;
        }

        var problems = database.ReadTexts("PRAGMA quick_check(3)");
        if (problems is not ["ok"])
        {
            throw DataFileException.Corrupt(path, string.Join("; ", problems));
        }

        return true;
    }
}
