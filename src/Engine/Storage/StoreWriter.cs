namespace Polyphony.Engine.Storage;

/// <summary>Writes instances, rows and entities inside the open transaction. Used by the committer alone.</summary>
internal sealed class StoreWriter : IDisposable
{
    private readonly Statement _begin;
    private readonly Statement _commit;
    private readonly Statement _log;
    private readonly Statement _create;
    private readonly Statement _update;
    private readonly Statement _head;
    private readonly Statement _entity;
    private readonly Statement _deleteEntity;
    private readonly Statement _inbox;
    private readonly Statement _deleteInbox;
    private readonly Statement _meta;
    private readonly Dictionary<string, Statement> _others = [];

    internal StoreWriter(Database database, string name)
    {
        Database = database;
        Reader = new StoreReader(database, name, ownsDatabase: false);
        _begin = database.Prepare("BEGIN IMMEDIATE");
        _commit = database.Prepare("COMMIT");
        _log = database.Prepare("INSERT INTO log(seq, instance, prev, data) VALUES(?1, ?2, ?3, ?4)");
        _create = database.Prepare(
            """
            INSERT OR IGNORE INTO instances(key, id, name, parent, parent_id, parent_name, parent_task, parent_generation, created, updated, status, head, generation_row, tags)
            VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, 0, ?10, ?10, ?11)
            """);
        _update = database.Prepare(
            "UPDATE instances SET updated = ?2, completed = ?3, status = ?4, head = ?5, generation_row = ?6, custom_status = ?7 WHERE key = ?1");
        _head = database.Prepare("UPDATE instances SET head = ?2, generation_row = ?3 WHERE key = ?1");
        _entity = database.Prepare("INSERT INTO entities(id, state) VALUES(?1, ?2) ON CONFLICT(id) DO UPDATE SET state = excluded.state");
        _deleteEntity = database.Prepare("DELETE FROM entities WHERE id = ?1");
        _inbox = database.Prepare("INSERT INTO entity_inbox(seq, entity, data) VALUES(?1, ?2, ?3)");
        _deleteInbox = database.Prepare("DELETE FROM entity_inbox WHERE seq = ?1");
        _meta = database.Prepare("INSERT INTO meta(name, value) VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET value = excluded.value");
    }

    internal Database Database { get; }

    /// <summary>Gets a reader that sees what the open transaction has written.</summary>
    internal StoreReader Reader { get; }

    /// <summary>Begins a transaction unless another process writes.</summary>
    internal bool TryBegin() => _begin.TryRun();

    internal void Commit() => _commit.Step();

    internal void Append(long sequence, long instance, long previous, ReadOnlySpan<byte> data) =>
        _log.Bind(1, sequence).Bind(2, instance).Bind(3, previous).Bind(4, data).Step();

    /// <summary>Adds an instance.</summary>
    /// <returns>Whether the id was free.</returns>
    internal bool Create(InstanceRow row)
    {
        _create.Bind(1, row.Key).Bind(2, row.Id).Bind(3, row.Name);
        if (row.ParentId is null)
        {
            _create.BindNull(4).BindNull(5).BindNull(6).BindNull(7).BindNull(8);
        }
        else
        {
            _create.Bind(4, row.ParentKey).Bind(5, row.ParentId).Bind(6, row.ParentName).Bind(7, row.ParentTaskId).Bind(8, row.ParentGeneration);
        }

        _create.Bind(9, row.Created.UtcTicks).Bind(10, row.Head).Bind(11, row.Tags).Step();
        return Database.Changes == 1;
    }

    internal void Update(long key, DateTimeOffset updated, DateTimeOffset? completed, int status, long head, long generationRow, string? customStatus)
    {
        _update.Bind(1, key).Bind(2, updated.UtcTicks);
        if (completed is { } at)
        {
            _update.Bind(3, at.UtcTicks);
        }
        else
        {
            _update.BindNull(3);
        }

        _update.Bind(4, status).Bind(5, head).Bind(6, generationRow).Bind(7, customStatus).Step();
    }

    internal void UpdateHead(long key, long head, long generationRow) => _head.Bind(1, key).Bind(2, head).Bind(3, generationRow).Step();

    internal void SaveEntity(string id, string? state)
    {
        if (state is null)
        {
            _deleteEntity.Bind(1, id).Step();
        }
        else
        {
            _entity.Bind(1, id).Bind(2, state).Step();
        }
    }

    internal void AddEntityMessage(long sequence, string entity, ReadOnlySpan<byte> data) => _inbox.Bind(1, sequence).Bind(2, entity).Bind(3, data).Step();

    internal void RemoveEntityMessage(long sequence) => _deleteInbox.Bind(1, sequence).Step();

    internal void SetMeta(string name, long value) => _meta.Bind(1, name).Bind(2, value).Step();

    /// <summary>Prepares a statement once and keeps it.</summary>
    internal Statement Statement(string sql)
    {
        if (!_others.TryGetValue(sql, out var statement))
        {
            _others.Add(sql, statement = Database.Prepare(sql));
        }

        return statement;
    }

    public void Dispose()
    {
        Statement[] own = [_begin, _commit, _log, _create, _update, _head, _entity, _deleteEntity, _inbox, _deleteInbox, _meta];
        foreach (var statement in own.Concat(_others.Values))
        {
            statement.Dispose();
        }

        Reader.Dispose();
    }
}
