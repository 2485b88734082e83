using System.Globalization;

namespace Polyphony.Engine.Storage;

/// <summary>Reads instances and their rows over one connection. Not thread-safe.</summary>
internal sealed class StoreReader : IDisposable
{
    private const string Columns =
        "key, id, name, parent, parent_id, parent_name, parent_task, parent_generation, created, updated, completed, status, head, generation_row, tags, custom_status";

    private readonly bool _ownsDatabase;
    private readonly Statement _begin;
    private readonly Statement _end;
    private readonly Statement _byId;
    private readonly Statement _byKey;
    private readonly Statement _before;
    private readonly Statement _unfinished;
    private readonly Statement _children;
    private readonly Statement _row;
    private readonly Statement _entity;

    internal StoreReader(Database database, string name, bool ownsDatabase)
    {
        Database = database;
        Name = name;
        _ownsDatabase = ownsDatabase;
        _begin = database.Prepare("BEGIN");
        _end = database.Prepare("COMMIT");
        _byId = database.Prepare($"SELECT {Columns} FROM instances WHERE id = ?1");
        _byKey = database.Prepare($"SELECT {Columns} FROM instances WHERE key = ?1");
        _before = database.Prepare($"SELECT {Columns} FROM instances WHERE key < ?1 ORDER BY key DESC LIMIT ?2");
        _unfinished = database.Prepare($"SELECT {Columns} FROM instances WHERE completed IS NULL ORDER BY key");
        _children = database.Prepare($"SELECT {Columns} FROM instances WHERE parent = ?1 AND parent IS NOT NULL ORDER BY key");
        _row = database.Prepare("SELECT prev, data FROM log WHERE seq = ?1");
        _entity = database.Prepare("SELECT state FROM entities WHERE id = ?1");
    }

    internal Database Database { get; }

    /// <summary>Gets the file's name for messages.</summary>
    internal string Name { get; }

    /// <summary>Begins a transaction: until its end everything is read as it was at the first statement.</summary>
    internal void Begin() => _begin.Step();

    /// <summary>Ends the transaction.</summary>
    /// <returns>Whether that worked, as it may not after an error; otherwise the connection is of no more use.</returns>
    internal bool TryEnd()
    {
        _end.Attempt();
        return !Database.IsInTransaction;
    }

    internal InstanceRow? FindInstance(string id) => One(_byId.Bind(1, id));

    internal InstanceRow? FindInstance(long key) => One(_byKey.Bind(1, key));

    /// <summary>Reads instances older than <paramref name="key"/>, newest first.</summary>
    internal List<InstanceRow> ReadBefore(long key, int count) => All(_before.Bind(1, key).Bind(2, count));

    /// <summary>Finds the keys and, where it can, the ids of all instances, oldest first, in a file that may be damaged.</summary>
    /// <param name="damaged">Told what could not be read.</param>
    internal List<(long Key, string? Id)> ReadKeys(Action<string> damaged)
    {
        // The table from both ends, and the index of ids, which repeats what the table has.
        var found = new SortedDictionary<long, string?>();
        foreach (var query in (string[])
        [
            "SELECT key, id FROM instances NOT INDEXED ORDER BY key",
            "SELECT key, id FROM instances NOT INDEXED ORDER BY key DESC",
            "SELECT key, id FROM instances INDEXED BY sqlite_autoindex_instances_1 ORDER BY id",
            "SELECT key, id FROM instances INDEXED BY sqlite_autoindex_instances_1 ORDER BY id DESC",
        ])
        {
            try
            {
                using var rows = Database.Prepare(query);
                while (rows.Step())
                {
                    found[rows.Int64(0)] = rows.Text(1);
                }
            }
            catch (DataFileException e) when (e.IsCorrupt)
            {
                damaged($"the table of instances: {e.Found}");
            }
        }

        return [.. found.Select(each => (each.Key, each.Value))];
    }

    /// <summary>Names an instance whose id cannot be read.</summary>
    internal static string IdOf(long key) => string.Create(CultureInfo.InvariantCulture, $"damaged-{key}");

    /// <summary>Reads instances older than <paramref name="key"/>, newest first, from a file that is damaged: of a row that cannot be read, the key and the id.</summary>
    internal List<(InstanceRow? Row, long Key, string Id, string? Found)> ReadBeforeOneByOne(long key, int count)
    {
        var rows = new List<(InstanceRow? Row, long Key, string Id, string? Found)>();
        foreach (var (each, id) in ReadKeys(static _ => { }).Where(each => each.Key < key).Reverse().Take(count))
        {
            try
            {
                if (FindInstance(each) is { } row)
                {
                    rows.Add((row, each, row.Id, null));
                }
            }
            catch (DataFileException e) when (e.IsCorrupt)
            {
                rows.Add((null, each, id ?? IdOf(each), e.Found));
            }
        }

        return rows;
    }

    internal List<InstanceRow> ReadUnfinished() => All(_unfinished);

    internal List<InstanceRow> ReadChildren(long key) => All(_children.Bind(1, key));

    /// <summary>Counts the instances below one, on all levels.</summary>
    internal long CountDescendants(long key)
    {
        using var count = Database.Prepare("""
            WITH RECURSIVE below(key) AS (SELECT key FROM instances WHERE parent = ?1 UNION ALL SELECT i.key FROM instances i JOIN below ON i.parent = below.key)
            SELECT count(*) FROM below
            """);
        return count.Bind(1, key).Step() ? count.Int64(0) : 0;
    }

    internal string? ReadEntity(string id)
    {
        _entity.Bind(1, id);
        try
        {
            return _entity.Step() ? _entity.Text(0) : null;
        }
        finally
        {
            _entity.Reset();
        }
    }

    internal LogRow ReadRow(long sequence)
    {
        _row.Bind(1, sequence);
        try
        {
            if (!_row.Step())
            {
                throw DataFileException.Corrupt(Name, $"row {sequence} of the log is missing");
            }

            var (step, message) = RowCodec.Decode(_row.Blob(1));
            return new LogRow(sequence, _row.Int64(0), step, message);
        }
        catch (InvalidDataException e)
        {
            throw DataFileException.Corrupt(Name, $"row {sequence} of the log: {e.Message}", e);
        }
        finally
        {
            _row.Reset();
        }
    }

    /// <summary>Reads an instance's rows from the newest back, and returns them oldest first.</summary>
    /// <param name="head">The newest row.</param>
    /// <param name="stop">Says of a row that it is the oldest one wanted.</param>
    internal List<LogRow> ReadChain(long head, Func<LogRow, bool> stop)
    {
        var rows = new List<LogRow>();
        for (var sequence = head; sequence > 0;)
        {
            var row = ReadRow(sequence);
            rows.Add(row);
            if (stop(row))
            {
                break;
            }

            // Chains run backwards; anything else would loop forever on a damaged file.
            if (row.Previous >= sequence)
            {
                throw DataFileException.Corrupt(Name, $"row {sequence} of the log points to row {row.Previous}");
            }

            sequence = row.Previous;
        }

        rows.Reverse();
        return rows;
    }

    public void Dispose()
    {
        _begin.Dispose();
        _end.Dispose();
        _byId.Dispose();
        _byKey.Dispose();
        _before.Dispose();
        _unfinished.Dispose();
        _children.Dispose();
        _row.Dispose();
        _entity.Dispose();
        if (_ownsDatabase)
        {
            Database.Dispose();
        }
    }

    private static InstanceRow? One(Statement statement)
    {
        try
        {
            return statement.Step() ? Read(statement) : null;
        }
        finally
        {
            statement.Reset();
        }
    }

    private static List<InstanceRow> All(Statement statement)
    {
        var rows = new List<InstanceRow>();
        try
        {
            while (statement.Step())
            {
                rows.Add(Read(statement));
            }

            return rows;
        }
        finally
        {
            statement.Reset();
        }
    }

    private static InstanceRow Read(Statement row) => new()
    {
        Key = row.Int64(0),
        Id = row.Text(1)!,
        Name = row.Text(2)!,
        ParentKey = row.Int64(3),
        ParentId = row.Text(4),
        ParentName = row.Text(5),
        ParentTaskId = (int)row.Int64(6),
        ParentGeneration = (int)row.Int64(7),
        Created = new DateTimeOffset(row.Int64(8), TimeSpan.Zero),
        Updated = new DateTimeOffset(row.Int64(9), TimeSpan.Zero),
        Completed = row.IsNull(10) ? null : new DateTimeOffset(row.Int64(10), TimeSpan.Zero),
        Status = (int)row.Int64(11),
        Head = row.Int64(12),
        GenerationRow = row.Int64(13),
        Tags = row.Text(14),
        CustomStatus = row.Text(15),
    };
}
