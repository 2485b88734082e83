using System.Text.Json;
using Polyphony.Core.Client;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Runs;
using Polyphony.Engine.Orchestrations;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Runtime;

/// <summary>
/// An unfinished instance in memory. Three parties touch it: whoever posts to the inbox (under <see cref="Gate"/>), its one step
/// at a time (the fields of the step), and the committer (the fields that describe what is committed, written under <see cref="Gate"/>).
/// </summary>
internal sealed class Instance(IActorHost host, InstanceRow row) : IThreadPoolWorkItem
{
    private List<Message>? _inbox;
    private bool _busy;

    internal Lock Gate { get; } = new();

    /// <summary>Gets where it stands among those that started each other. What is read from the file finds its parent when it is first asked.</summary>
    internal Lineage Lineage
    {
        get
        {
            lock (Gate)
            {
                return field ??= host.FindLineage(Row);
            }
        }
        init;
    }

    /// <summary>Gets the row as it was when the instance was created or loaded; what changes is in the other members.</summary>
    internal InstanceRow Row { get; } = row;

    internal long Key => Row.Key;

    internal string Id => Row.Id;

    /// <summary>Gets the workflow for whose limit it counts; <see langword="null"/> for a child, and for what is no workflow.</summary>
    internal string? Workflow { get; } = row.ParentId is null && row.Name == TaskNames.WorkflowOrchestration ? WorkflowOf(row.Tags) : null;

    /// <summary>Gets or sets a value indicating whether it is counted. Of the table.</summary>
    internal bool IsCounted { get; set; }

    // Of the step.
    internal Execution? Live { get; set; }

    /// <summary>Gets or sets the current generation's history where it is known without reading: before its first step.</summary>
    internal GenerationHistory? Fresh { get; set; }

    internal List<Message>? Buffered { get; set; }

    internal int Generation { get; set; }

    internal long EventCount { get; set; }

    internal DateTimeOffset LastStepTime { get; set; }

    internal bool Started { get; set; }

    internal bool Suspended { get; set; }

    internal bool Ended { get; set; }

    internal long LastUsed { get; set; }

    // Of the committer.
    internal long StagedHead { get; set; }

    internal long StagedGenerationRow { get; set; }

    internal bool StagedClosed { get; set; }

    /// <summary>Gets or sets message rows that no step has taken in.</summary>
    internal SortedSet<long>? OpenRows { get; set; }

    // Of the dispatcher of activities.
    internal ActivityDispatcher.Run? FirstActivity { get; set; }

    // Committed, for clients.
    internal bool Visible { get; set; }

    internal OrchestrationRuntimeStatus Status { get; set; }

    internal long Version { get; set; }

    internal long GenerationRow { get; set; }

    internal DateTimeOffset Updated { get; set; }

    internal string? CustomStatus { get; set; }

    internal FailureDetails? Failure { get; set; }

    internal TaskCompletionSource? Changed { get; set; }

    internal TaskCompletionSource? Finished { get; set; }

    /// <summary>Puts a message into the inbox and has a step taken if none is under way.</summary>
    internal void Post(Message message)
    {
        bool schedule;
        lock (Gate)
        {
            (_inbox ??= []).Add(message);
            schedule = !_busy;
            _busy = true;
        }

        if (host.Stop.IsStopped)
        {
            FailInbox();
        }
        else if (schedule)
        {
            host.Scheduler.Schedule(this);
        }
    }

    internal bool IsBusy
    {
        get
        {
            lock (Gate)
            {
                return _busy;
            }
        }
    }

    internal List<Message> TakeInbox()
    {
        lock (Gate)
        {
            var taken = _inbox ?? [];
            _inbox = null;
            return taken;
        }
    }

    /// <summary>Tells who waits for what is in the inbox that the engine has stopped.</summary>
    internal void FailInbox()
    {
        foreach (var message in TakeInbox())
        {
            message.Done?.TrySetException(host.Stop.MakeError());
        }
    }

    /// <summary>Notes that it has changed and wakes who waits for that. After the commit.</summary>
    internal void Publish()
    {
        TaskCompletionSource? changed;
        lock (Gate)
        {
            Version = StagedHead;
            changed = Changed;
            Changed = null;
        }

        changed?.TrySetResult();
    }

    /// <summary>Tells who waits for its next change or its end that neither will come.</summary>
    internal void FailWaiters(Exception cause)
    {
        TaskCompletionSource? changed;
        TaskCompletionSource? finished;
        lock (Gate)
        {
            (changed, finished, Changed, Finished) = (Changed, Finished, null, null);
        }

        changed?.TrySetException(cause);
        finished?.TrySetException(cause);
    }

    /// <summary>Ends a step: takes the next one if something has arrived meanwhile.</summary>
    /// <returns>Whether the instance is idle now.</returns>
    internal bool EndStep()
    {
        lock (Gate)
        {
            if (_inbox is null)
            {
                _busy = false;
                return true;
            }
        }

        host.Scheduler.Schedule(this);
        return false;
    }

    /// <summary>Drops the live execution if no step is under way; the next step replays.</summary>
    internal bool TryEvict(long lastUsed)
    {
        lock (Gate)
        {
            if (_busy || Live is null || LastUsed != lastUsed)
            {
                return false;
            }

            Live = null;
            return true;
        }
    }

    public void Execute() => host.RunStep(this);

    private static string WorkflowOf(string? tags) =>
        tags is null ? "" : JsonSerializer.Deserialize(tags, CoreJsonContext.Default.DictionaryStringString)!.GetValueOrDefault(WorkflowClient.WorkflowTag, "");
}
