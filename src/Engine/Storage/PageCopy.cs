using SQLitePCL;

namespace Polyphony.Engine.Storage;

/// <summary>A copy of all pages of a database into another, in steps (SQLite's online backup).</summary>
internal sealed class PageCopy : IDisposable
{
    private readonly Database _target;
    private readonly sqlite3_backup _backup;

    internal PageCopy(Database source, Database target)
    {
        _target = target;
        _backup = raw.sqlite3_backup_init(target.Handle, "main", source.Handle, "main");
        if (_backup.IsInvalid)
        {
            target.Check(raw.sqlite3_errcode(target.Handle), "backup");
        }
    }

    /// <summary>Gets the share that is copied, 0 to 1.</summary>
    internal double Done
    {
        get
        {
            var pages = raw.sqlite3_backup_pagecount(_backup);
            return pages == 0 ? 0 : 1 - ((double)raw.sqlite3_backup_remaining(_backup) / pages);
        }
    }

    /// <summary>Copies some more pages.</summary>
    /// <returns>Whether there are more.</returns>
    internal bool Step(int pages)
    {
        var rc = raw.sqlite3_backup_step(_backup, pages);
        _target.Check(rc, "backup");
        return rc != raw.SQLITE_DONE;
    }

    public void Dispose() => _backup.Dispose();
}
