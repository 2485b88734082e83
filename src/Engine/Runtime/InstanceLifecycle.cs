using Microsoft.Extensions.Logging;
using Polyphony.Core.Durable;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Runtime;

/// <summary>How instances come into memory when they are created, and leave it when they have ended.</summary>
internal sealed class InstanceLifecycle(
    IActorHost host, Store store, Journal journal, InstanceTable instances, ActivityDispatcher activities, TaskStarter tasks, ILogger log)
{
    /// <summary>Writes a new instance and its first row.</summary>
    /// <returns>The instance, or <see langword="null"/> if the id is taken.</returns>
    internal Instance? Create(StoreWriter writer, NewInstance created)
    {
        if (journal.Create(writer, created) is not { } row)
        {
            return null;
        }

        var instance = new Instance(host, row)
        {
            Fresh = created.MakeHistory(),
            Generation = 1,
            EventCount = 1,
            LastStepTime = row.Created,
            StagedHead = row.Head,
            StagedGenerationRow = row.Head,
            GenerationRow = row.Head,
            Updated = row.Created,
            Status = OrchestrationRuntimeStatus.Pending,
            Lineage = created.Lineage,
        };
        instances.Add(instance);
        return instance;
    }

    /// <summary>Lets a committed new instance take its first step when it is time.</summary>
    internal void Admit(Instance instance)
    {
        var startAt = instance.Fresh!.Start.StartAt;
        lock (instance.Gate)
        {
            instance.Visible = true;
            instance.Version = instance.StagedHead;
        }

        tasks.KickAt(instance, startAt);
    }

    /// <summary>Takes an ended instance out of memory, and cancels what it had called.</summary>
    internal void Forget(Instance instance)
    {
        activities.Cancel(instance);
        instances.Remove(instance);
        Log.Ended(log, instance.Id, instance.Row.Name, instance.Status.ToString());
    }

    /// <summary>Terminates the unfinished children of a terminated instance; who waits is told when all have ended.</summary>
    internal void TerminateChildren(long key, List<TaskCompletionSource> waiting)
    {
        var ends = new List<Task>();
        foreach (var child in store.Read(reader => reader.ReadChildren(key)))
        {
            if (child.Completed is null && instances.TryGetValue(child.Id, out var instance))
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

    private static void Acknowledge(List<TaskCompletionSource> waiting)
    {
        foreach (var done in waiting)
        {
            done.TrySetResult();
        }
    }
}
