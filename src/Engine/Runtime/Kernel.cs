using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Polyphony.Core;
using Polyphony.Core.Durable;
using Polyphony.Engine.Simulation;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Runtime;

/// <summary>
/// The engine's core. A step takes what has arrived for an instance, runs its code, and brings the result to the committer; what the
/// step set off happens after the commit. What is in memory is a cache of the log: it can be rebuilt at any commit.
/// </summary>
internal sealed partial class Kernel : IDisposable
{
    internal const string LogCategory = "Polyphony.Engine";

    /// <summary>How many log rows may pass before the newest rows of unfinished instances are noted in the table of instances.</summary>
    private const long CheckpointRows = 20_000;

    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly HashSet<Instance> _dirty = [];
    private readonly Committer _committer;
    private readonly ILogger _log;
    private long _nextKey;
    private long _nextSequence;
    private long _nextOperation;
    private long _checkpoint;
    private DateTimeOffset _lastCreated;
    private Exception? _stopCause;

    internal Kernel(EngineOptions options, DurableRegistry registry, Store store, IWorkScheduler scheduler)
    {
        Options = options;
        Registry = registry;
        Store = store;
        Scheduler = scheduler;
        Clock = options.TimeProvider;
        _log = options.LoggerFactory.CreateLogger(LogCategory);
        Timers = new TimerQueue(Clock);
        Activities = new ActivityDispatcher(this, options.MaxConcurrentActivities);
        _committer = new Committer(this);
    }

    internal EngineOptions Options { get; }

    internal DurableRegistry Registry { get; }

    internal Store Store { get; }

    internal IWorkScheduler Scheduler { get; }

    internal TimeProvider Clock { get; }

    internal TimerQueue Timers { get; }

    internal ActivityDispatcher Activities { get; }

    /// <summary>Gets the unfinished instances by id.</summary>
    internal ConcurrentDictionary<string, Instance> Instances { get; } = new(StringComparer.Ordinal);

    /// <summary>Gets the unfinished instances that cannot be read.</summary>
    internal DamagedInstances Damaged { get; } = new();

    /// <summary>Gets a task that ends when the engine has stopped, with the error if one stopped it.</summary>
    internal Task Completion => _completion.Task;

    internal bool IsStopped => Volatile.Read(ref _stopCause) is not null;

    internal void Enqueue(CommitRecord record) => _committer.Enqueue(record);

    /// <summary>Makes the error that a call gets once the engine has stopped.</summary>
    internal PolyphonyException Stopped() => _stopCause as PolyphonyException is { Code: not "engine_stopped" } cause
        ? new PolyphonyException("engine_stopped", $"The engine has stopped because of an error: {cause.Message}", cause)
        : new PolyphonyException("engine_stopped", "The engine has stopped. What was committed is kept; start it again on the same file.", _stopCause);

    /// <summary>Refuses what a caller wants to have written while the disk is full. What is in the engine waits for room; callers are told, and come again.</summary>
    /// <exception cref="PolyphonyException">Code <c>data_file_full</c>.</exception>
    internal void CheckRoom()
    {
        if (Store.Wait.IsFull)
        {
            throw new PolyphonyException("data_file_full", $"{Store.WaitsFor}. Free some space; the host goes on by itself.");
        }
    }

    /// <summary>Writes a batch in one transaction, then lets each record's effects loose, in order.</summary>
    internal void Commit(List<CommitRecord> batch)
    {
        try
        {
            Store.Transact(writer =>
            {
                foreach (var record in batch)
                {
                    record.Stage(writer);
                }

                if (_nextSequence - _checkpoint > CheckpointRows)
                {
                    WriteCheckpoint(writer);
                }

                Options.CommitHook?.BeforeCommit();
            });
            Options.CommitHook?.AfterCommit();
            foreach (var record in batch)
            {
                record.Release();
            }
        }
        catch (Exception e)
        {
            // Whatever it is, memory and file may differ from here on: only a restart brings them together.
            Fatal(e);
            foreach (var record in batch)
            {
                record.Fail(Stopped());
            }
        }
    }

    /// <summary>Stops the engine because of an error; nothing more is committed.</summary>
    internal void Fatal(Exception cause)
    {
        if (Interlocked.CompareExchange(ref _stopCause, cause, null) is not null)
        {
            return;
        }

        if (cause is DataFileException known)
        {
            Log.FileFailed(_log, known.Message);
        }
        else
        {
            Log.Fatal(_log, cause, Store.Name);
        }

        if (cause is not SimulatedCrashException)
        {
            // A crashed process would not ask anybody to end.
            Activities.Abort();
        }

        Halt();
        try
        {
            Store.Rollback();
        }
        catch (DataFileException e)
        {
            Log.RollbackFailed(_log, Store.Name, e.Message);
        }

        _completion.TrySetException(cause);
    }

    /// <summary>Stops as a crash would. A commit under way ends first: another engine may be started over the same store at once.</summary>
    internal void Crash() => _committer.Exclude(() => Fatal(new SimulatedCrashException()));

    /// <summary>Stops in order: lets activities end, commits what waits, notes where everything is.</summary>
    internal async Task StopAsync()
    {
        await Activities.StopAsync(Options.StopTimeout);
        Timers.Dispose();
        await SettleAsync();
        Store.StopWaiting();
        if (Interlocked.CompareExchange(ref _stopCause, new PolyphonyException("engine_stopped", "The engine was stopped."), null) is null)
        {
            Halt();
            try
            {
                _committer.Exclude(() => Store.EndUse(WriteCheckpoint));
                _completion.TrySetResult();
            }
            catch (DataFileException e) when (Store.WaitsFor is not null)
            {
                // Another process writes, or the disk is full.
                Log.StoppedWithoutNote(_log, Store.Name, e.Message);
                _completion.TrySetResult();
            }
            catch (Exception e)
            {
                _completion.TrySetException(e);
                throw;
            }
        }
    }

    /// <summary>Frees what the kernel holds, after it has stopped.</summary>
    public void Dispose()
    {
        _committer.Dispose();
        Timers.Dispose();
        (Scheduler as IDisposable)?.Dispose();
    }

    /// <summary>Notes that an instance has changed and wakes who waits for that. After the commit.</summary>
    internal void Publish(Instance instance)
    {
        TaskCompletionSource? changed;
        lock (instance.Gate)
        {
            instance.Version = instance.StagedHead;
            changed = instance.Changed;
            instance.Changed = null;
        }

        changed?.TrySetResult();
    }

    internal long NextSequence() => _nextSequence++;

    internal void MarkDirty(Instance instance) => _dirty.Add(instance);

    internal void MarkClean(Instance instance) => _dirty.Remove(instance);

    /// <summary>Appends a message row to an instance's chain.</summary>
    internal void AppendMessage(StoreWriter writer, Instance receiver, Message message, ReadOnlySpan<byte> data)
    {
        message.Row = NextSequence();
        writer.Append(message.Row, receiver.Key, receiver.StagedHead, data);
        receiver.StagedHead = message.Row;
        (receiver.OpenRows ??= []).Add(message.Row);
        _dirty.Add(receiver);
    }

    /// <summary>Writes a new instance and its first row.</summary>
    /// <returns>The instance, or <see langword="null"/> if the id is taken.</returns>
    internal Instance? Create(StoreWriter writer, NewInstance created)
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
        var instance = new Instance(this, row)
        {
            Fresh = created.MakeHistory(),
            Generation = 1,
            EventCount = 1,
            LastStepTime = time,
            StagedHead = row.Head,
            StagedGenerationRow = row.Head,
            GenerationRow = row.Head,
            Updated = time,
            Status = OrchestrationRuntimeStatus.Pending,
            Lineage = created.Lineage,
        };
        Instances[created.Id] = instance;
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

        KickAt(instance, startAt);
    }

    /// <summary>Keeps keys from being given again after the newest instances were removed.</summary>
    internal void NoteKeys(StoreWriter writer) => writer.SetMeta("next_key", _nextKey);

    private void KickAt(Instance instance, DateTimeOffset? startAt)
    {
        if (startAt is { } at && at > Clock.GetUtcNow())
        {
            Timers.Add(at, () => instance.Post(Message.Kick()));
        }
        else
        {
            instance.Post(Message.Kick());
        }
    }

    /// <summary>Lets steps under way be committed, so that results that are there already are not lost. Nothing new begins meanwhile.</summary>
    private async Task SettleAsync()
    {
        // The system's time, because a clock of a test may stand still.
        var began = Stopwatch.GetTimestamp();
        while (!IsStopped && Instances.Values.Any(static instance => instance.IsBusy) && Stopwatch.GetElapsedTime(began) < Options.StopTimeout)
        {
            await Task.Delay(1);
        }
    }

    private void WriteCheckpoint(StoreWriter writer)
    {
        foreach (var instance in _dirty)
        {
            writer.UpdateHead(instance.Key, instance.StagedHead, instance.StagedGenerationRow);
        }

        _dirty.Clear();
        _checkpoint = _nextSequence;
        writer.SetMeta("checkpoint", _checkpoint);
    }

    private void Halt()
    {
        var cause = Stopped();
        Timers.Dispose();
        _committer.Stop(cause);
        foreach (var instance in Instances.Values)
        {
            TaskCompletionSource? changed;
            TaskCompletionSource? finished;
            lock (instance.Gate)
            {
                changed = instance.Changed;
                finished = instance.Finished;
                instance.Changed = null;
                instance.Finished = null;
            }

            changed?.TrySetException(cause);
            finished?.TrySetException(cause);

            // A step whose commit failed takes no other, so what has arrived behind it would wait for ever.
            FailInbox(instance);
        }
    }
}
