using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;
using Polyphony.Engine.Orchestrations;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Runtime;

/// <summary>One step of an instance: its rows, what it sets off, and who waits for its commit.</summary>
internal sealed class StepRecord(Kernel kernel, Instance instance) : CommitRecord
{
    private readonly List<Draft> _rows = [];
    private readonly List<TaskCompletionSource> _done = [];
    private readonly List<HistoryEvent> _actions = [];
    private List<int>? _cancelledTimers;
    private Dictionary<int, NewInstance>? _children;
    private Dictionary<int, FailureDetails>? _refused;
    private readonly Outbox _outbox = new(kernel);
    private readonly int _generation = instance.Generation;
    private string? _customStatus = instance.CustomStatus;
    private FailureDetails? _failure = instance.Failure;
    private DateTimeOffset _time;
    private bool _continued;

    internal bool IsEmpty => _rows.Count == 0;

    /// <summary>Gets the event that ends the instance.</summary>
    internal HistoryEvent? End { get; private set; }

    internal void Add(TaskCompletionSource? done)
    {
        if (done is not null)
        {
            _done.Add(done);
        }
    }

    internal void Refuse(Message message, Exception reason)
    {
        if (message.Done is not null)
        {
            _done.Remove(message.Done);
            message.Done.TrySetException(reason);
        }
    }

    internal void Suspend(string? reason, FailureDetails? details, DateTimeOffset time)
    {
        instance.Suspended = true;
        _failure = details;
        AddRow(time, [new StepItem(new ExecutionSuspended(reason, details), 0)]);
    }

    internal void Resume(string? reason, DateTimeOffset time)
    {
        instance.Suspended = false;
        _failure = null;
        AddRow(time, [new StepItem(new ExecutionResumed(reason), 0)]);
    }

    internal void EndWith(ExecutionTerminated end, DateTimeOffset time)
    {
        instance.Ended = true;
        instance.Live = null;
        instance.Lineage.Terminate();
        End = end;
        AddRow(time, [new StepItem(end, 0)]);
    }

    /// <summary>Keeps what arrives while the instance takes no step.</summary>
    internal void Keep(List<Message> arrived, DateTimeOffset time)
    {
        foreach (var message in arrived)
        {
            (instance.Buffered ??= []).Add(message);
            if (message.Row == 0)
            {
                _time = time;
                _rows.Add(new Draft(RowCodec.EncodeMessage(time, message.Generation, message.Event!), message, null));
            }
        }
    }

    /// <summary>Adds what the code did.</summary>
    internal void AddCodeStep(Execution live, DateTimeOffset time, List<StepItem> items, bool first)
    {
        var actions = live.TakeActions();
        var ended = live.Ended;
        if (items.Count == 1 && actions.Count == 0 && ended is null && !live.CustomStatusSet && !first)
        {
            return;
        }

        foreach (var action in actions)
        {
            items.Add(new StepItem(action, 0));
            if (action is SubOrchestrationCreated child)
            {
                Prepare(child, time);
            }
        }

        _actions.AddRange(actions);
        if (live.TakeCancelledTimers() is { } cancelled)
        {
            (_cancelledTimers ??= []).AddRange(cancelled);
        }

        instance.Started = true;
        instance.LastStepTime = time;
        if (live.CustomStatusSet)
        {
            _customStatus = live.CustomStatus;
        }

        if (ended is null)
        {
            AddRow(time, items, live.CustomStatusSet);
        }
        else if (live.ContinuesAsNew && ended.IsCompletedSuccessfully)
        {
            items.Add(new StepItem(new ContinuedAsNew(live.NextInput), 0));
            AddRow(time, items, live.CustomStatusSet);
            Continue(live, time);
        }
        else
        {
            End = MakeEnd(ended);
            items.Add(new StepItem(End, 0));
            instance.Ended = true;
            instance.Live = null;
            AddRow(time, items, live.CustomStatusSet);
        }
    }

    internal override void Stage(StoreWriter writer)
    {
        foreach (var row in _rows)
        {
            if (row.Message is { } message)
            {
                kernel.Journal.AppendMessage(writer, instance, message, row.Data);
                continue;
            }

            var data = row.Step!.Generation > 0 && instance.OpenRows is { Count: > 0 } open ? RowCodec.WithCarriedRows(row.Data, open) : row.Data;
            var sequence = kernel.Journal.NextSequence();
            writer.Append(sequence, instance.Key, instance.StagedHead, data);
            instance.StagedHead = sequence;
            if (row.Step.Generation > 0)
            {
                instance.StagedGenerationRow = sequence;
            }

            foreach (var item in row.Step.Items)
            {
                if (item.MessageRow > 0)
                {
                    instance.OpenRows?.Remove(item.MessageRow);
                }
            }
        }

        if (instance.OpenRows is { Count: 0 })
        {
            instance.OpenRows = null;
        }

        if (End is null)
        {
            kernel.Journal.MarkDirty(instance);
        }
        else
        {
            StageEnd(writer);
        }

        foreach (var action in _actions)
        {
            StageAction(writer, action);
        }
    }

    internal override void Release()
    {
        TaskCompletionSource? changed;
        TaskCompletionSource? finished;
        if (End is not null)
        {
            // Whoever sees the end finds its place free.
            kernel.Instances.StopCounting(instance);
        }

        lock (instance.Gate)
        {
            instance.Status = End is null ? instance.Suspended ? OrchestrationRuntimeStatus.Suspended
                : instance.Started ? OrchestrationRuntimeStatus.Running : OrchestrationRuntimeStatus.Pending : StatusOf(End);
            instance.Version = instance.StagedHead;
            instance.GenerationRow = instance.StagedGenerationRow;
            instance.CustomStatus = _customStatus;
            instance.Failure = _failure;
            instance.Updated = _time;
            changed = instance.Changed;
            instance.Changed = null;
            finished = End is null ? null : instance.Finished;
        }

        if (End is not null)
        {
            kernel.Lifecycle.Forget(instance);
        }

        foreach (var timer in _cancelledTimers ?? [])
        {
            kernel.Timers.Cancel(instance.Key, _generation, timer);
        }

        if (_continued)
        {
            kernel.Activities.Cancel(instance);
        }
        else if (End is null)
        {
            foreach (var action in _actions)
            {
                kernel.Tasks.Begin(instance, _generation, action);
            }
        }

        _outbox.Release();
        changed?.TrySetResult();
        finished?.TrySetResult();
        if (_continued)
        {
            instance.Post(Message.Kick());
        }

        if (End is ExecutionTerminated)
        {
            kernel.Lifecycle.TerminateChildren(instance.Key, _done);
        }
        else
        {
            Acknowledge();
        }

        kernel.Steps.Rest(instance);
    }

    internal override void Fail(Exception cause)
    {
        foreach (var done in _done)
        {
            done.TrySetException(cause);
        }
    }

    /// <summary>Tells who waited that it is done.</summary>
    internal void Acknowledge()
    {
        foreach (var done in _done)
        {
            done.TrySetResult();
        }
    }

    internal static OrchestrationRuntimeStatus StatusOf(HistoryEvent end) => end switch
    {
        ExecutionCompleted => OrchestrationRuntimeStatus.Completed,
        ExecutionTerminated => OrchestrationRuntimeStatus.Terminated,
        _ => OrchestrationRuntimeStatus.Failed,
    };

    private static HistoryEvent MakeEnd(Task<string?> ended)
    {
        if (ended.IsCompletedSuccessfully)
        {
            try
            {
                DurableLimits.CheckPayload(ended.Result, "output of the orchestration");
                return new ExecutionCompleted(ended.Result);
            }
            catch (PayloadTooLargeException e)
            {
                return new ExecutionFailed(FailureDetails.FromException(e));
            }
        }

        return new ExecutionFailed(FailureDetails.FromException(ended.Exception?.InnerException ?? new TaskCanceledException(ended)));
    }

    private void AddRow(DateTimeOffset time, List<StepItem> items, bool setsStatus = false, int generation = 0)
    {
        var row = new StepRow
        {
            Time = time,
            FirstSequence = instance.EventCount + 1,
            Generation = generation,
            SetsCustomStatus = setsStatus,
            CustomStatus = setsStatus ? _customStatus : null,
            Items = items,
        };
        instance.EventCount += items.Count;
        _time = time;
        _rows.Add(new Draft(RowCodec.EncodeStep(row), null, row));
    }

    private void Continue(Execution live, DateTimeOffset time)
    {
        _continued = true;
        instance.Live = null;
        instance.Generation++;
        var before = instance.Row;
        var start = new ExecutionStarted(
            before.Name,
            live.NextInput,
            before.ParentId is null ? null : new ParentInstance(before.ParentName ?? "", before.ParentId),
            before.ParentId is null ? null : before.ParentTaskId,
            null,
            null);
        var carried = live.PreservesEvents ? live.UnprocessedEvents : [];
        instance.Fresh = GenerationHistory.Begin(instance.Generation, start, carried);
        AddRow(time, [new StepItem(start, 0), .. carried.Select(raised => new StepItem(raised, 0))], _customStatus is not null, instance.Generation);
    }

    private void Prepare(SubOrchestrationCreated child, DateTimeOffset time)
    {
        // What may not be started fails the task in Stage, like an id that is taken.
        var isEternal = kernel.Registry.IsEternal(instance.Row.Name);
        var refused = kernel.Registry.Orchestrations.ContainsKey(child.Name)
            ? isEternal ? null : instance.Lineage.TryAdd(key => kernel.Store.Read(reader => reader.CountDescendants(key)))
            : new FailureDetails("unknown_orchestration", $"No orchestration \"{child.Name}\" is registered on this host.");
        if (refused is not null)
        {
            (_refused ??= []).Add(child.TaskId, refused);
            return;
        }

        var start = new ExecutionStarted(child.Name, child.Input, new ParentInstance(instance.Row.Name, instance.Id), child.TaskId);
        (_children ??= []).Add(
            child.TaskId,
            new NewInstance(child.InstanceId, start, time) { ParentKey = instance.Key, ParentGeneration = _generation, Lineage = instance.Lineage.MakeChild(isEternal) });
    }

    private void StageEnd(StoreWriter writer)
    {
        instance.StagedClosed = true;
        kernel.Journal.MarkClean(instance);
        writer.Update(instance.Key, _time, _time, (int)StatusOf(End!), instance.StagedHead, instance.StagedGenerationRow, _customStatus);
        if (instance.Row.ParentId is null)
        {
            return;
        }

        var task = instance.Row.ParentTaskId;
        HistoryEvent result = End switch
        {
            ExecutionCompleted e => new SubOrchestrationCompleted(task, e.Output),
            ExecutionFailed e => new SubOrchestrationFailed(task, e.FailureDetails),
            _ => new SubOrchestrationFailed(task, new FailureDetails("terminated", $"Child \"{instance.Id}\" was terminated.")),
        };
        _outbox.StageMessage(writer, instance.Row.ParentId, result, instance.Row.ParentGeneration, _time, instance.Row.ParentKey);
    }

    private void StageAction(StoreWriter writer, HistoryEvent action)
    {
        switch (action)
        {
            case SubOrchestrationCreated e when _refused?.GetValueOrDefault(e.TaskId) is { } refused:
                FailChild(writer, e, refused);
                break;
            case SubOrchestrationCreated e when !_outbox.StageCreate(writer, _children![e.TaskId]):
                FailChild(writer, e, FailureDetails.FromException(new InstanceExistsException(e.InstanceId)));
                break;
            case EventSent e:
                _outbox.StageMessage(writer, e.InstanceId, new EventRaised(e.Name, e.Payload), 0, _time);
                break;
            case EntityCalled e:
                _outbox.StageOperation(writer, e.Entity, new EntityMessage(e.Operation, e.Input) { CallerId = instance.Id, CallerKey = instance.Key, CallerGeneration = _generation, CallerTask = e.TaskId });
                break;
            case EntitySignaled e:
                _outbox.StageOperation(writer, e.Entity, new EntityMessage(e.Operation, e.Input));
                break;
            default:
                break;
        }
    }

    private void FailChild(StoreWriter writer, SubOrchestrationCreated child, FailureDetails details) =>
        _outbox.StageMessage(writer, instance.Id, new SubOrchestrationFailed(child.TaskId, details), _generation, _time);

    /// <summary>A row to be written: a step, or a message that is kept.</summary>
    private sealed record Draft(byte[] Data, Message? Message, StepRow? Step);
}
