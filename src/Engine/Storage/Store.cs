using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Polyphony.Engine.Storage;

/// <summary>The data file: one connection that writes, and as many that read as are needed at once.</summary>
/// <remarks>In memory there is one connection, and readers wait for the open transaction, so that they see committed data alone there too.</remarks>
internal sealed class Store : IDisposable
{
    // Readers that are kept for the next: each holds two open files and a cache of pages, and a crowd of requests must not leave its own behind.
    internal const int MostIdleReaders = 8;

    // How long a try to write waits for another process. Between tries readers get their turn, and a host that stops gives up.
    private static readonly TimeSpan WriterPatience = TimeSpan.FromMilliseconds(250);

    private readonly string? _path;
    private readonly ConcurrentBag<StoreReader> _readers = [];
    private readonly Lock _gate = new();
    private readonly Database _database;
    private readonly WriteWait _wait;
    private readonly LogMark _mark;
    private int _idleReaders;
    private bool _inTransaction;
    private bool _used;
    private volatile bool _disposed;

    private Store(string? path, Database database, ILogger log)
    {
        _path = path;
        _database = database;
        _database.SetPatience(WriterPatience);
        Name = path ?? "(in memory)";
        Writer = new StoreWriter(database, Name);
        _mark = new LogMark(database, Writer);
        _wait = new WriteWait(path, log);
    }

    internal string Name { get; }

    internal StoreWriter Writer { get; }

    /// <summary>Gets why nothing can be written at present, or <see langword="null"/>.</summary>
    internal string? WaitsFor => _wait.Reason;

    /// <summary>Gets what the writer waits by.</summary>
    internal WriteWait Wait => _wait;

    /// <summary>Gets how many connections wait for the next reader; at most <see cref="MostIdleReaders"/>.</summary>
    internal int IdleReaders => _readers.Count;

    /// <summary>Gets or sets what is called before everything that is read, so that a test can come between.</summary>
    internal Action? BeforeRead { get; set; }

    /// <summary>Opens a data file, or makes a new one where there is none.</summary>
    /// <exception cref="DataFileException">It is damaged, of another format, or not readable; it was left as it is.</exception>
    internal static Store Open(string? path, Durability durability, ILogger? log = null)
    {
        log ??= NullLogger.Instance;
        return new Store(path, path is null ? DataFile.CreateInMemory() : DataFile.Open(path, durability, log), log);
    }

    /// <summary>Reads one consistent state, over a connection of its own (in memory: when no transaction is open).</summary>
    internal T Read<T>(Func<StoreReader, T> read)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        BeforeRead?.Invoke();
        if (TakeReader() is not { } reader)
        {
            lock (_gate)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                return read(Writer.Reader);
            }
        }

        try
        {
            reader.Begin();
            return read(reader);
        }
        finally
        {
            if (reader.TryEnd())
            {
                Keep(reader);
            }
            else
            {
                reader.Dispose();
            }
        }
    }

    /// <summary>
    /// Runs <paramref name="write"/> in one transaction and commits it. Called by one thread at a time. While another process writes, or the disk is
    /// full, it waits and says so in the log.
    /// </summary>
    /// <param name="write">Writes.</param>
    /// <param name="atMost">The longest wait; without it there is no end but <see cref="StopWaiting"/>.</param>
    /// <exception cref="DataFileException">It had to wait for too long, or what was to be written could not be.</exception>
    internal void Transact(Action<StoreWriter> write, TimeSpan? atMost = null)
    {
        if (_path is not null && _wait.IsTimeToLook)
        {
            CheckThere(_path);
            _wait.ForRoom(atMost);
        }

        while (!TryTransact(write))
        {
            _wait.ForLock(atMost);
        }

        _wait.End();
    }

    /// <summary>Notes in the file that a host has it, before the first step.</summary>
    internal void BeginUse(TimeSpan atMost)
    {
        if (_path is null)
        {
            return;
        }

        Transact(_ => _mark.Number(), atMost);
        _used = true;
        lock (_gate)
        {
            _mark.Begin(numbered: true);
        }
    }

    /// <summary>Writes the last transaction, and notes that the file is complete without a log.</summary>
    internal void EndUse(Action<StoreWriter> write) => Transact(writer =>
    {
        write(writer);
        if (_path is not null)
        {
            _mark.End();
        }
    });

    /// <summary>Has a transaction that has to wait give up, because the engine stops.</summary>
    internal void StopWaiting() => _wait.Stop();

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
            if (!_used)
            {
                _database.KeepLog();
            }

            DisposeReaders();
            Writer.Dispose();
            _database.Dispose();
        }
    }

    /// <summary>Finds out that the file was deleted or moved while it is open: then all of it is still here, and would be gone with the process.</summary>
    private void CheckThere(string path)
    {
        if (!_used || (File.Exists(path) && File.Exists(path + "-wal")))
        {
            return;
        }

        var rescued = $"{path}.rescued-{Guid.NewGuid():N}";
        try
        {
            DataFileBackup.CopyOpen(_database, rescued);
        }
        catch (Exception e) when (e is DataFileException or IOException or UnauthorizedAccessException)
        {
            throw DataFileException.Gone(path, $"What it held could not be saved: {e.Message}");
        }

        throw DataFileException.Gone(path, $"All that was committed was saved as \"{rescued}\"; rename that to \"{path}\" and start again.");
    }

    private bool TryTransact(Action<StoreWriter> write)
    {
        lock (_gate)
        {
            if (!Writer.TryBegin())
            {
                return false;
            }

            _inTransaction = true;
            write(Writer);
            Writer.Commit();
            _inTransaction = false;
            if (_path is not null)
            {
                _mark.Turn();
            }

            return true;
        }
    }

    /// <returns>A connection, or <see langword="null"/> when the writer's is to be used: in memory, and when no more files can be opened.</returns>
    private StoreReader? TakeReader()
    {
        if (_path is null)
        {
            return null;
        }

        if (_readers.TryTake(out var reader))
        {
            Interlocked.Decrement(ref _idleReaders);
            return reader;
        }

        Database? database = null;
        try
        {
            database = new Database(_path, create: false);
            return new StoreReader(database, Name, ownsDatabase: true);
        }
        catch (DataFileException e) when (!e.IsCorrupt)
        {
            database?.Dispose();
            return null;
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
}
