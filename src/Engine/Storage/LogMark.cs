namespace Polyphony.Engine.Storage;

/// <summary>
/// Tells a data file without its write-ahead log from a whole one. The log's number stands in two rows: <c>log_begun</c> gets into the file itself
/// before anything stands in the log alone, <c>log_seen</c> is the first thing in the log. A file without its log has the one and lacks the other.
/// </summary>
/// <remarks>
/// So a log begins with its own order: the row of its number, a checkpoint that brings it (and all before it) into the file, then the other row.
/// That is why checkpoints are made here and not by SQLite itself. Used by the writer alone, under the store's lock.
/// </remarks>
internal sealed class LogMark(Database database, StoreWriter writer)
{
    /// <summary>How many pages a log takes before it is restarted: 16 MB.</summary>
    private const long PagesPerLog = 4000;

    private const string Begun = "log_begun";
    private const string Seen = "log_seen";

    private long _number;
    private long _pagesBefore;
    private bool _begun;

    /// <summary>Begins a log: when the file was opened, and after so many pages.</summary>
    /// <remarks>
    /// Others may come between: readers that are still at an older state keep the log from being taken in whole, another process may hold the write
    /// lock, the disk may be full. Then the log continues growing, and this is tried again.
    /// </remarks>
    /// <param name="numbered">Whether its number is committed already.</param>
    internal void Begin(bool numbered = false)
    {
        _begun |= numbered;
        try
        {
            if (!_begun)
            {
                database.Execute("BEGIN IMMEDIATE");
                Number();
                database.Execute("COMMIT");
                _begun = true;
            }

            if (database.TryCheckpoint())
            {
                writer.SetMeta(Seen, _number);
                _begun = false;
            }
        }
        catch (DataFileException e) when (!e.IsCorrupt)
        {
            // What was to be committed is committed.
            database.TryExecute("ROLLBACK");
        }

        _pagesBefore = database.PagesWritten;
    }

    /// <summary>Gives the next log its number, in the open transaction.</summary>
    internal void Number()
    {
        _number = Math.Max(Read(database, Begun), Read(database, Seen)) + 1;
        writer.SetMeta(Begun, _number);
    }

    /// <summary>After a commit: restarts a log that has become long.</summary>
    internal void Turn()
    {
        if (database.PagesWritten - _pagesBefore > PagesPerLog)
        {
            Begin();
        }
    }

    /// <summary>Notes, in the last transaction of all, that the file will need no log.</summary>
    internal void End() => Settle(database);

    /// <summary>Makes a copy of a consistent state a file of its own.</summary>
    internal static void Settle(Database copy) =>
        copy.Execute($"INSERT INTO meta(name, value) SELECT '{Seen}', value FROM meta WHERE name = '{Begun}' ON CONFLICT(name) DO UPDATE SET value = excluded.value");

    /// <summary>Reads from a file, without its log, which log was begun last.</summary>
    /// <returns>The number, or <see langword="null"/> if the file alone cannot be read, as in the middle of a checkpoint.</returns>
    internal static long? ReadFileAlone(string path)
    {
        try
        {
            using var alone = Database.OpenAlone(path);
            return Read(alone, Begun);
        }
        catch (DataFileException)
        {
            return null;
        }
    }

    /// <exception cref="DataFileException">The file lacks its log, or the log is another file's.</exception>
    internal static void Check(Database database, string path, bool hasLog, long? begunInFile)
    {
        var seen = Read(database, Seen);
        // An empty log is none: the row of its number is the first thing in it.
        if (!hasLog && Read(database, Begun) > seen)
        {
            throw DataFileException.LogMissing(path);
        }

        if (begunInFile is { } begun && seen > begun)
        {
            throw DataFileException.LogForeign(path);
        }
    }

    private static long Read(Database database, string name) => database.ReadInt64($"SELECT value FROM meta WHERE name = '{name}'");
}
