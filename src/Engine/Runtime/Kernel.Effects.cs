using System.Collections.Concurrent;
using Polyphony.Core;
using Polyphony.Core.Durable.History;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Runtime;

/// <content>What committed steps set off.</content>
internal sealed partial class Kernel
{
    /// <summary>How many entities may lie idle in memory.</summary>
    private const int MaxIdleEntities = 10_000;

    private long _delivered;

    /// <summary>Gets the entities in memory by id; the committer alone adds and removes.</summary>
    internal ConcurrentDictionary<string, EntityActor> Entities { get; } = new(StringComparer.Ordinal);

    /// <summary>Begins what a committed step asked for, or what was open when the engine stopped.</summary>
    internal void Begin(Instance instance, int generation, HistoryEvent action)
    {
        switch (action)
        {
            case TaskScheduled e:
                Activities.Start(instance, generation, e);
                break;
            case TaskCancelled e:
                Activities.Cancel(instance, generation, e.TaskId);
                break;
            case TimerCreated e:
                Timers.Add(e.FireAt, instance, generation, e.TaskId, () => instance.Post(new Message { Event = new TimerFired(e.TaskId), Generation = generation, NotBefore = e.FireAt }));
                break;
            default:
                break;
        }
    }

    /// <summary>Takes an ended instance out of memory, and cancels what it had called.</summary>
    internal void Forget(Instance instance)
    {
        Activities.Cancel(instance);
        Instances.TryRemove(new KeyValuePair<string, Instance>(instance.Id, instance));
        Log.Ended(_log, instance.Id, instance.Row.Name, instance.Status.ToString());
    }

    /// <summary>Terminates the unfinished children of a terminated instance; who waits is told when all have ended.</summary>
    internal void TerminateChildren(long key, List<TaskCompletionSource> waiting)
    {
        var ends = new List<Task>();
        foreach (var child in Store.Read(reader => reader.ReadChildren(key)))
        {
            if (child.Completed is null && Instances.TryGetValue(child.Id, out var instance))
            {
                // Not asynchronous: nothing of a user's hangs on it, and a simulation keeps its order.
                var done = new TaskCompletionSource();
                ends.Add(done.Task);
                instance.Post(new Message { Request = Request.Terminate, Text = null, Done = done });
            }
        }

        if (ends.Count == 0)
        {
            Acknowledge(waiting);
            return;
        }

        // A child that ended by itself meanwhile is as good.
        _ = Task.WhenAll(ends).ContinueWith(_ => Acknowledge(waiting), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Finds where an instance stands whose parent has started it before the engine did.</summary>
    internal Lineage FindLineage(InstanceRow row) =>
        row.ParentId is { } id && Instances.TryGetValue(id, out var parent) && parent.Key == row.ParentKey ? parent.Lineage.MakeChild() : Lineage.OfReadRoot(row.Key);

    internal EntityActor AddEntityMessage(StoreWriter writer, string entity, EntityMessage message)
    {
        message.Row = _nextOperation++;
        writer.AddEntityMessage(message.Row, entity, message.Encode());
        var actor = Entities.GetOrAdd(entity, static (id, kernel) => new EntityActor(kernel, id), this);
        actor.Expect();
        return actor;
    }

    /// <summary>Lets a committed operation reach its entity.</summary>
    internal void Deliver(EntityActor actor, EntityMessage message)
    {
        if (message.DueAt is { } due && due > Clock.GetUtcNow())
        {
            Timers.Add(due, () => actor.Post(message));
        }
        else
        {
            actor.Post(message);
        }

        if (++_delivered % MaxIdleEntities == 0 && Entities.Count > MaxIdleEntities)
        {
            foreach (var (id, idle) in Entities)
            {
                if (idle.IsIdle)
                {
                    Entities.TryRemove(id, out _);
                }
            }
        }
    }

    internal void NoteCancellationFailed(Instance instance, Exception cause) => Log.CancellationFailed(_log, cause, instance.Id);

    internal void NoteDropped(EntityMessage message, string entity, string reason) => Log.OperationDropped(_log, message.Operation, entity, reason);

    /// <exception cref="PolyphonyException">No orchestration has this name.</exception>
    internal void CheckRegistered(string name)
    {
        if (!Registry.Orchestrations.ContainsKey(name))
        {
            throw new PolyphonyException("unknown_orchestration", $"No orchestration \"{name}\" is registered on this host. Register it, or correct the name.");
        }
    }

    private static void Acknowledge(List<TaskCompletionSource> waiting)
    {
        foreach (var done in waiting)
        {
            done.TrySetResult();
        }
    }
}
