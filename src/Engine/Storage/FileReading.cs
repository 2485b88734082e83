namespace Polyphony.Engine.Storage;

/// <summary>
/// A data file that a tool reads, beside a host of another process or without one. Nothing is written, and the log stays. SQLite needs files of its own beside one that has a log; where
/// it may not make them, on a read-only disk or in another's folder, a file without a log is read as it lies there.
/// </summary>
internal sealed class FileReading : IDisposable
{
    private const int OpenAttempts = 3;

    private readonly string _path;

    /// <summary>What the file was like before it was opened; of a file whose locks hold others off, nothing.</summary>
    private readonly (DateTime Written, long Length, long Log)? _before;

    private FileReading(string path, Database database, (DateTime Written, long Length, long Log)? before = null) => (_path, Database, _before) = (path, database, before);

    internal Database Database { get; }

    /// <exception cref="DataFileException">There is none, or as <see cref="DataFile.OpenExisting"/>.</exception>
    internal static FileReading Open(string path)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var database = DataFile.OpenExisting(path) ?? throw DataFileException.NotThere(path);
                if (DataFile.LengthOf(path + "-wal") > 0)
                {
                    database.KeepLog();
                }

                return new FileReading(path, database);
            }
            catch (DataFileException e) when (e.Code == DataFileException.LogForeignCode && attempt < OpenAttempts)
            {
                // A host may just have begun another log between two looks.
            }
            catch (DataFileException e) when (e.IsOfAccess)
            {
                var before = LookAt(path);
                return before.Log > 0 ? throw DataFileException.LogUnreadable(path, e.Found) : new FileReading(path, DataFile.OpenAlone(path), before);
            }
        }
    }

    /// <summary>Makes sure, at the end, that what was read is one state.</summary>
    /// <exception cref="DataFileException">A host has begun to write meanwhile, and nothing held it off.</exception>
    internal void Check()
    {
        if (_before is { } before && before != LookAt(_path))
        {
            throw DataFileException.Changed(_path);
        }
    }

    public void Dispose() => Database.Dispose();

    private static (DateTime Written, long Length, long Log) LookAt(string path) => (File.GetLastWriteTimeUtc(path), DataFile.LengthOf(path), DataFile.LengthOf(path + "-wal"));
}
