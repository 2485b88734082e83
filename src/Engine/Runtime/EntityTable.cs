using System.Collections.Concurrent;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Runtime;

/// <summary>The entities in memory, and the operations on their way to them. The committer alone adds and removes.</summary>
internal sealed class EntityTable(IActorHost host, Journal journal, TimerQueue timers, TimeProvider clock)
{
    /// <summary>How many entities may lie idle in memory.</summary>
    private const int MaxIdle = 10_000;

    private readonly ConcurrentDictionary<string, EntityActor> _actors = new(StringComparer.Ordinal);
    private long _delivered;

    /// <summary>Finds the entity that an operation will be delivered to.</summary>
    internal EntityActor Expect(string entity)
    {
        var actor = _actors.GetOrAdd(entity, static (id, host) => new EntityActor(host, id), host);
        actor.Expect();
        return actor;
    }

    /// <summary>Writes an operation. Inside the open transaction.</summary>
    internal EntityActor Add(StoreWriter writer, string entity, EntityMessage message)
    {
        message.Row = journal.NextOperation();
        writer.AddEntityMessage(message.Row, entity, message.Encode());
        return Expect(entity);
    }

    /// <summary>Lets a committed operation reach its entity.</summary>
    internal void Deliver(EntityActor actor, EntityMessage message)
    {
        if (message.DueAt is { } due && due > clock.GetUtcNow())
        {
            timers.Add(due, () => actor.Post(message));
        }
        else
        {
            actor.Post(message);
        }

        if (++_delivered % MaxIdle == 0 && _actors.Count > MaxIdle)
        {
            foreach (var (id, idle) in _actors)
            {
                if (idle.IsIdle)
                {
                    _actors.TryRemove(id, out _);
                }
            }
        }
    }
}
