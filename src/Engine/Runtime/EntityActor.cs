using System.Buffers;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Runtime;

/// <summary>An operation on its way to an entity.</summary>
internal sealed record EntityMessage(string Operation, string? Input)
{
    private const byte Version = 1;

    /// <summary>Gets or sets the row that keeps it until it is executed.</summary>
    internal long Row { get; set; }

    /// <summary>Gets the instance that waits for the result; <see langword="null"/> for a signal.</summary>
    internal string? CallerId { get; init; }

    internal long CallerKey { get; init; }

    internal int CallerGeneration { get; init; }

    internal int CallerTask { get; init; }

    internal DateTimeOffset? DueAt { get; init; }

    internal byte[] Encode()
    {
        var buffer = new ArrayBufferWriter<byte>(64 + (Input?.Length ?? 0));
        buffer.Write([Version]);
        RowCodec.WriteText(buffer, Operation);
        RowCodec.WriteNumber(buffer, Input is null ? 0UL : 1);
        if (Input is not null)
        {
            RowCodec.WriteText(buffer, Input);
        }

        RowCodec.WriteNumber(buffer, (ulong)(DueAt?.UtcTicks ?? 0));
        RowCodec.WriteText(buffer, CallerId ?? "");
        RowCodec.WriteNumber(buffer, (ulong)CallerKey);
        RowCodec.WriteNumber(buffer, (ulong)CallerGeneration);
        RowCodec.WriteNumber(buffer, (ulong)CallerTask);
        return buffer.WrittenSpan.ToArray();
    }

    internal static EntityMessage Decode(ReadOnlySpan<byte> data, long row)
    {
        var reader = new RowCodec.Reader(data);
        var version = reader.Byte();
        if (version != Version)
        {
            throw new InvalidDataException($"an operation of version {version} was found; expected {Version}");
        }

        var operation = reader.Text();
        var input = reader.Number() == 0 ? null : reader.Text();
        var due = (long)reader.Number();
        var caller = reader.Text();
        return new EntityMessage(operation, input)
        {
            Row = row,
            DueAt = due == 0 ? null : new DateTimeOffset(due, TimeSpan.Zero),
            CallerId = caller.Length == 0 ? null : caller,
            CallerKey = (long)reader.Number(),
            CallerGeneration = (int)reader.Number(),
            CallerTask = (int)reader.Number(),
        };
    }
}

/// <summary>An entity in memory: its queue, and one batch of operations at a time.</summary>
internal sealed class EntityActor(IActorHost host, string id) : IThreadPoolWorkItem
{
    private const int MaxBatch = 500;

    private readonly Lock _gate = new();
    private readonly Queue<EntityMessage> _inbox = new();
    private int _underWay;
    private bool _busy;

    internal string Id { get; } = id;

    /// <summary>Gets a value indicating whether nothing would be missed if it were dropped from memory.</summary>
    internal bool IsIdle
    {
        get
        {
            lock (_gate)
            {
                return !_busy && _underWay == 0 && _inbox.Count == 0;
            }
        }
    }

    /// <summary>Notes that an operation is written and will be posted.</summary>
    internal void Expect()
    {
        lock (_gate)
        {
            _underWay++;
        }
    }

    /// <summary>Executes an expected operation when its turn comes.</summary>
    internal void Post(EntityMessage message)
    {
        lock (_gate)
        {
            _underWay--;
            _inbox.Enqueue(message);
            if (_busy)
            {
                return;
            }

            _busy = true;
        }

        host.Scheduler.Schedule(this);
    }

    /// <summary>Ends a batch: the next one, or rest.</summary>
    internal void EndBatch()
    {
        lock (_gate)
        {
            if (_inbox.Count == 0)
            {
                _busy = false;
                return;
            }
        }

        host.Scheduler.Schedule(this);
    }

    public void Execute()
    {
        var batch = new List<EntityMessage>();
        lock (_gate)
        {
            while (batch.Count < MaxBatch && _inbox.TryDequeue(out var message))
            {
                batch.Add(message);
            }
        }

        if (!host.Stop.IsStopped)
        {
            _ = host.Scheduler.Invoke(static batch => batch.RunAsync(), host.MakeBatch(this, batch));
        }
    }
}
