using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Runtime;

/// <summary>
/// The end of the log: which numbers are given next, and which instances have newer rows than the table of instances says. Only the start, and then
/// whoever stages a record, touches it: one at a time.
/// </summary>
internal sealed class Journal
{
    /// <summary>How many log rows may pass before the newest rows of unfinished instances are noted in the table of instances.</summary>
    private const long CheckpointRows = 20_000;

    private readonly HashSet<Instance> _dirty = [];
    private long _nextKey;
    private long _nextSequence;
    private long _nextOperation;
    private long _checkpoint;
    private DateTimeOffset _lastCreated;

    /// <summary>Takes up where the file ends.</summary>
    /// <returns>The newest rows since the last checkpoint, by the key of the instance.</returns>
    internal Dictionary<long, long> Restore(StoreReader reader)
    {
        _checkpoint = reader.Database.ReadInt64("SELECT value FROM meta WHERE name = 'checkpoint'");
        _nextSequence = new[]
        {
            _checkpoint,
            reader.Database.ReadInt64("SELECT max(seq) FROM log"),
            reader.Database.ReadInt64("SELECT value FROM meta WHERE name = 'sequence_floor'"),
        }.Max() + 1;
        _nextKey = Math.Max(reader.Database.ReadInt64("SELECT value FROM meta WHERE name = 'next_key'"), reader.Database.ReadInt64("SELECT max(key) FROM instances") + 1);
        _nextOperation = reader.Database.ReadInt64("SELECT max(seq) FROM entity_inbox") + 1;
        _lastCreated = new DateTimeOffset(reader.Database.ReadInt64("SELECT created FROM instances ORDER BY key DESC LIMIT 1"), TimeSpan.Zero);
        return ReadHeadsAfterCheckpoint(reader);
    }

    internal long NextSequence() => _nextSequence++;

    /// <summary>Gives the row of the next operation of an entity.</summary>
    internal long NextOperation() => _nextOperation++;

    internal void MarkDirty(Instance instance) => _dirty.Add(instance);

    internal void MarkClean(Instance instance) => _dirty.Remove(instance);

    /// <summary>Writes the row and the first log row of a new instance.</summary>
    /// <returns>The row, or <see langword="null"/> if the id is taken.</returns>
    internal InstanceRow? Create(StoreWriter writer, NewInstance created)
    {
        // The order of keys is the order of creation, also when the clock is set back.
        var time = created.Time > _lastCreated ? created.Time : _lastCreated;
        var row = created.MakeRow(_nextKey, time, _nextSequence);
        if (!writer.Create(row))
        {
            return null;
        }

        _lastCreated = time;
        _nextKey++;
        writer.Append(NextSequence(), row.Key, 0, created.Data);
        return row;
    }

    /// <summary>Appends a message row to an instance's chain.</summary>
    internal void AppendMessage(StoreWriter writer, Instance receiver, Message message, ReadOnlySpan<byte> data)
    {
        message.Row = NextSequence();
        writer.Append(message.Row, receiver.Key, receiver.StagedHead, data);
        receiver.StagedHead = message.Row;
        (receiver.OpenRows ??= []).Add(message.Row);
        _dirty.Add(receiver);
    }

    /// <summary>Keeps keys from being given again after the newest instances were removed.</summary>
    internal void NoteKeys(StoreWriter writer) => writer.SetMeta("next_key", _nextKey);

    internal void WriteCheckpointIfDue(StoreWriter writer)
    {
        if (_nextSequence - _checkpoint > CheckpointRows)
        {
            WriteCheckpoint(writer);
        }
    }

    internal void WriteCheckpoint(StoreWriter writer)
    {
        foreach (var instance in _dirty)
        {
            writer.UpdateHead(instance.Key, instance.StagedHead, instance.StagedGenerationRow);
        }

        _dirty.Clear();
        _checkpoint = _nextSequence;
        writer.SetMeta("checkpoint", _checkpoint);
    }

    private Dictionary<long, long> ReadHeadsAfterCheckpoint(StoreReader reader)
    {
        var heads = new Dictionary<long, long>();
        using var rows = reader.Database.Prepare("SELECT seq, instance FROM log WHERE seq >= ?1 ORDER BY seq");
        rows.Bind(1, _checkpoint);
        while (rows.Step())
        {
            heads[rows.Int64(1)] = rows.Int64(0);
        }

        return heads;
    }
}
