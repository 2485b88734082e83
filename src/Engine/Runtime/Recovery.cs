using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;
using Polyphony.Engine.Orchestrations;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Runtime;

/// <summary>Rebuilds from the log what is in memory only: everything at the start, a single instance when it is set back.</summary>
internal sealed class Recovery(
    IActorHost host,
    EngineOptions options,
    Store store,
    Journal journal,
    InstanceTable instances,
    DamagedInstances damaged,
    EntityTable entities,
    TaskStarter tasks,
    ILogger log)
{
    /// <summary>How long a start waits for another process that writes to the file, or for room on the disk.</summary>
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(30);

    /// <summary>Reads every unfinished instance, then lets them continue. Before anything else runs.</summary>
    internal void Recover()
    {
        var started = Stopwatch.GetTimestamp();
        var recovered = new List<(Instance Instance, GenerationHistory History)>();
        var operations = store.Read(reader =>
        {
            var newer = journal.Restore(reader);
            foreach (var row in ReadUnfinished(reader))
            {
                if (row.Name.Length == 0)
                {
                    damaged.Add(row.Id, "its row in the table of instances is lost");
                    continue;
                }

                var head = newer.TryGetValue(row.Key, out var found) ? found : row.Head;
                try
                {
                    var history = GenerationHistory.Read(reader, head);
                    recovered.Add((MakeInstance(row, head, history), history));
                }
                catch (DataFileException e) when (e.IsCorrupt)
                {
                    damaged.Add(row.Id, e.Found);
                }
            }

            return ReadOperations(reader);
        });
        store.BeginUse(StartPatience);
        foreach (var (instance, _) in recovered)
        {
            instances.Add(instance);
        }

        if (options.Paused)
        {
            return;
        }

        foreach (var (instance, history) in recovered)
        {
            GoOn(instance, history);
        }

        foreach (var (entity, message) in operations)
        {
            entities.Deliver(entities.Expect(entity), message);
        }

        Log.Started(log, store.Name, recovered.Count, (long)Stopwatch.GetElapsedTime(started).TotalMilliseconds);
    }

    /// <summary>Reads the rows of unfinished instances; where the table is damaged, one by one.</summary>
    private List<InstanceRow> ReadUnfinished(StoreReader reader)
    {
        try
        {
            return reader.ReadUnfinished();
        }
        catch (DataFileException e) when (e.IsCorrupt)
        {
            Log.FileDamaged(log, store.Name, e.Found);
        }

        var rows = new List<InstanceRow>();
        foreach (var (key, id) in reader.ReadKeys(static _ => { }))
        {
            try
            {
                if (reader.FindInstance(key) is { Completed: null } row)
                {
                    rows.Add(row);
                }
            }
            catch (DataFileException e) when (e.IsCorrupt)
            {
                damaged.Add(id ?? StoreReader.IdOf(key), e.Found);
            }
        }

        return rows;
    }

    /// <summary>Makes an instance as its history left it.</summary>
    private Instance MakeInstance(InstanceRow row, long head, GenerationHistory history)
    {
        var instance = new Instance(host, row)
        {
            Generation = history.Generation,
            EventCount = history.EventCount,
            LastStepTime = history.LastStepTime > row.Created ? history.LastStepTime : row.Created,
            Started = history.Steps.Count > 0 || history.Generation > 1,
            Suspended = history.IsSuspended,
            StagedHead = head,
            StagedGenerationRow = history.GenerationRow,
            OpenRows = history.Waiting.Count > 0 ? [.. history.Waiting.Keys] : null,
            Visible = true,
            Version = head,
            GenerationRow = history.GenerationRow,
            Updated = history.Updated,
            CustomStatus = history.CustomStatus,
            Failure = history.Failure,
        };
        instance.Status = instance.Suspended ? OrchestrationRuntimeStatus.Suspended
            : instance.Started ? OrchestrationRuntimeStatus.Running : OrchestrationRuntimeStatus.Pending;
        if (head != row.Head)
        {
            journal.MarkDirty(instance);
        }

        return instance;
    }

    /// <summary>Takes a failed instance back into memory, with the event that sets it back written. Inside the open transaction.</summary>
    internal (Instance Instance, GenerationHistory History) Revive(StoreWriter writer, InstanceRow row, ExecutionRewound rewound)
    {
        var time = options.TimeProvider.GetUtcNow();
        var before = GenerationHistory.Read(writer.Reader, row.Head);
        var step = new StepRow
        {
            Time = time > before.Updated ? time : before.Updated,
            FirstSequence = before.EventCount + 1,
            Items = [new StepItem(rewound, 0)],
        };
        var head = journal.NextSequence();
        writer.Append(head, row.Key, row.Head, RowCodec.EncodeStep(step));
        writer.Update(row.Key, step.Time, null, (int)OrchestrationRuntimeStatus.Running, head, row.GenerationRow, row.CustomStatus);
        var history = GenerationHistory.Read(writer.Reader, head);
        var instance = MakeInstance(row, head, history);

        // Until the commit there is only the failed one to be seen.
        instance.Visible = false;
        instances.Add(instance);
        return (instance, history);
    }

    /// <summary>Hands out again what is open, and delivers what waits.</summary>
    internal void GoOn(Instance instance, GenerationHistory history)
    {
        lock (instance.Gate)
        {
            instance.Visible = true;
        }

        if (history.Steps.Count == 0)
        {
            instance.Fresh = history;
        }

        if (instance.Row.ParentId is not null && IsOrphan(instance))
        {
            // The crash came between the end of the parent and that of this child.
            instance.Post(new Message { Request = Request.Terminate });
            return;
        }

        foreach (var task in history.OpenTasks())
        {
            tasks.Begin(instance, instance.Generation, task);
        }

        var waiting = history.Waiting.Select(waiting => new Message { Event = waiting.Value.Event, Generation = waiting.Value.Generation, Row = waiting.Key });
        if (instance.Suspended)
        {
            instance.Buffered = [.. waiting];
            return;
        }

        foreach (var message in waiting)
        {
            instance.Post(message);
        }

        if (history.Steps.Count == 0)
        {
            tasks.KickAt(instance, history.Start.StartAt);
        }
        else if (history.EndsRewound)
        {
            instance.Post(Message.Kick());
        }
    }

    private bool IsOrphan(Instance instance) =>
        !instances.Contains(instance.Row.ParentId!) &&
        store.Read(reader => reader.FindInstance(instance.Row.ParentKey)) is { Status: (int)OrchestrationRuntimeStatus.Terminated };

    private List<(string Entity, EntityMessage Message)> ReadOperations(StoreReader reader)
    {
        var found = new List<(string Entity, EntityMessage Message)>();
        using var rows = reader.Database.Prepare("SELECT seq, entity, data FROM entity_inbox ORDER BY seq");
        while (rows.Step())
        {
            try
            {
                found.Add((rows.Text(1)!, EntityMessage.Decode(rows.Blob(2), rows.Int64(0))));
            }
            catch (Exception e) when (e is InvalidDataException or IndexOutOfRangeException or ArgumentOutOfRangeException)
            {
                Log.FileDamaged(log, store.Name, $"message {rows.Int64(0)} to entity \"{rows.Text(1)}\": {e.Message}");
            }
        }

        return found;
    }
}
