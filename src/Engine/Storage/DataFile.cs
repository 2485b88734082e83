using Microsoft.Extensions.Logging;

namespace Polyphony.Engine.Storage;

/// <summary>Opens and makes data files.</summary>
internal static class DataFile
{
    private static ReadOnlySpan<byte> SqliteHead => "SQLite format 3\0"u8;

    internal static Database CreateInMemory()
    {
        var database = new Database(null, create: true);
        database.Execute(Schema.Script);
        return database;
    }

    /// <summary>Opens a data file for a host, or makes a new one where there is none.</summary>
    /// <exception cref="DataFileException">It is damaged, incomplete, of another format, or cannot be used; it was left as it is.</exception>
    internal static Database Open(string path, Durability durability, ILogger log)
    {
        foreach (var file in (string[])[path, path + "-wal", path + "-shm"])
        {
            PrivateFile.Restrict(file);
        }

        var database = OpenExisting(path) ?? Create(path);
        try
        {
            database.Execute("PRAGMA journal_mode = WAL");
            database.Execute(durability == Durability.Full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");

            // Checkpoints are the store's, see LogMark.
            database.Execute("PRAGMA wal_autocheckpoint = 0");
            TableRepair.Run(database, path, log);
            return database;
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    /// <summary>Opens a data file that is there, and checks that it is whole and of this product.</summary>
    /// <returns>The connection, or <see langword="null"/> if there is no file, or one that was just being made.</returns>
    /// <exception cref="DataFileException">It is damaged, incomplete, of another format, or cannot be used; it was left as it is.</exception>
    internal static Database? OpenExisting(string path)
    {
        if (LengthOf(path) == 0)
        {
            return LengthOf(path + "-wal") == 0 ? null : throw DataFileException.FileMissing(path);
        }

        CheckHead(path);
        var log = LengthOf(path + "-wal") > 0;
        var begunInFile = log ? LogMark.ReadFileAlone(path) : null;
        var database = new Database(path, create: false);
        try
        {
            if (!CheckFormat(database, path))
            {
                // A file whose creation was cut short is empty again by now.
                return LengthOf(path) == 0 ? Discard(database, log) : throw DataFileException.LogMissing(path);
            }

            LogMark.Check(database, path, log, begunInFile);
            return database;
        }
        catch
        {
            Discard(database, log);
            throw;
        }
    }

    /// <summary>Opens a data file that has no log, where no files can be made beside it.</summary>
    /// <exception cref="DataFileException">As <see cref="OpenExisting"/>.</exception>
    internal static Database OpenAlone(string path)
    {
        var database = Database.OpenAlone(path);
        try
        {
            if (!CheckFormat(database, path))
            {
                throw DataFileException.LogMissing(path);
            }

            LogMark.Check(database, path, hasLog: false, begunInFile: null);
            return database;
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    private static Database? Discard(Database database, bool hasLog)
    {
        // As it is means as it is: the last connection would write the log into the file. One that was not there goes again.
        if (hasLog)
        {
            database.KeepLog();
        }

        database.Dispose();
        return null;
    }

    // The tables come before the log, so that a file without its log can be told from one that was never used.
    private static Database Create(string path)
    {
        // SQLite gives the files beside it the mode of the data file.
        PrivateFile.Open(path, FileMode.OpenOrCreate, FileShare.ReadWrite).Dispose();
        var database = new Database(path, create: true);
        try
        {
            database.Execute(Schema.Script);
            return database;
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    internal static long LengthOf(string path) => new FileInfo(path) is { Exists: true } file ? file.Length : 0;

    private static void CheckHead(string path)
    {
        Span<byte> head = stackalloc byte[16];
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) == head.Length && head.SequenceEqual(SqliteHead))
            {
                return;
            }
        }
        catch (UnauthorizedAccessException e)
        {
            throw DataFileException.Closed(path, e.Message);
        }

        throw DataFileException.Corrupt(path, "it does not begin like a SQLite file");
    }

    /// <returns>Whether the file has tables.</returns>
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

        return version == Schema.Version ? true : throw DataFileException.Version(path, version, Schema.Version);
    }
}
