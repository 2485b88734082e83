using Polyphony.Engine.Storage;

namespace Polyphony.Engine;

/// <summary>Copies a data file, whether or not a host has it open.</summary>
public static class DataFileBackup
{
    private const int PagesPerStep = 256;

    /// <summary>
    /// Copies everything that is committed at the beginning, as one consistent state. The copy needs no log beside it: with the name of a data file in a
    /// folder of its own, a host starts on it.
    /// </summary>
    /// <param name="path">The data file. It is only read; a host in this or another process may write to it meanwhile.</param>
    /// <param name="target">The copy: a file that is not there yet, in a folder that is. Only the user of this process can read it.</param>
    /// <param name="progress">Told the share that is done, 0 to 1, after each MB.</param>
    /// <param name="cancellationToken">Gives up; nothing is left behind.</param>
    /// <returns>The size of the copy in bytes.</returns>
    /// <exception cref="PolyphonyException">
    /// <c>backup_exists</c> and <c>backup_failed</c>: the copy cannot be written. Those of <see cref="DataFileException"/>: the data file cannot be read, or is
    /// damaged; a copy of a damaged file is made nevertheless, since nothing better may be left.
    /// </exception>
    public static Task<long> RunAsync(string path, string target, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        target = Path.GetFullPath(target);
        if (Path.Exists(target))
        {
            throw new PolyphonyException("backup_exists", $"\"{target}\" already exists, and a backup overwrites nothing. Name another file.");
        }

        return Task.Run(() => Run(path, target, progress, cancellationToken), cancellationToken);
    }

    /// <summary>Copies a database that is open, in no transaction, and perhaps no longer to be found by its name.</summary>
    internal static void CopyOpen(Database source, string target)
    {
        PrivateFile.Open(target, FileMode.CreateNew, FileShare.None).Dispose();
        using (var copy = new Database(target, create: false))
        using (var backup = new PageCopy(source, copy))
        {
            while (backup.Step(PagesPerStep))
            {
            }
        }

        Settle(target);
    }

    private static long Run(string path, string target, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        using var source = FileReading.Open(path);
        var unfinished = $"{target}.{Guid.NewGuid():N}.partial";
        try
        {
            PrivateFile.Open(unfinished, FileMode.CreateNew, FileShare.None).Dispose();
            Copy(source.Database, unfinished, progress, cancellationToken);
            source.Check();
            var damage = Settle(unfinished);
            File.Move(unfinished, target);
            return damage is null ? new FileInfo(target).Length : throw DataFileException.DamagedBackup(path, target, damage);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PolyphonyException("backup_failed", $"The backup \"{target}\" cannot be written: {e.Message} Name a file in an existing folder with free space.", e);
        }
        catch (DataFileException e) when (e.Concerns(unfinished))
        {
            throw new PolyphonyException("backup_failed", $"The backup \"{target}\" cannot be written: {e.Message}", e);
        }
        finally
        {
            foreach (var part in (string[])[unfinished, unfinished + "-wal", unfinished + "-shm", unfinished + "-journal"])
            {
                if (!File.Exists(part))
                {
                    continue;
                }

                File.Delete(part);
            }
        }
    }

    private static void Copy(Database source, string target, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        using var copy = new Database(target, create: false);

        // One state for all steps: without it every commit of the host would restart the copy.
        source.Execute("BEGIN");
        source.ReadInt64("SELECT count(*) FROM meta");
        using var backup = new PageCopy(source, copy);
        bool more;
        do
        {
            more = backup.Step(PagesPerStep);
            progress?.Report(backup.Done);
            cancellationToken.ThrowIfCancellationRequested();
        }
        while (more);
    }

    /// <returns>What is damaged, or <see langword="null"/>.</returns>
    private static string? Settle(string path)
    {
        using var copy = new Database(path, create: false);
        try
        {
            copy.Execute("PRAGMA synchronous = FULL");
            LogMark.Settle(copy);
            return copy.ReadTexts("PRAGMA quick_check(1)") is ["ok"] ? null : "some of its pages";
        }
        catch (DataFileException e) when (e.IsCorrupt)
        {
            return e.Message;
        }
    }
}
