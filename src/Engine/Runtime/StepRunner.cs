using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;
using Polyphony.Engine.Orchestrations;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Runtime;

/// <summary>Takes the steps of instances: what has arrived, in order, through the code, into a record for the committer.</summary>
internal sealed class StepRunner(Kernel kernel)
{
    private static readonly TimeSpan LargestSlew = TimeSpan.FromSeconds(10);

    private readonly LiveExecutions _live = new(kernel.Options.MaxLiveInstances);

    /// <summary>Takes one step of an instance: everything that has arrived, in order. One at a time per instance.</summary>
    internal void Run(Instance instance)
    {
        if (kernel.Stop.IsStopped)
        {
            instance.FailInbox();
            return;
        }

        var step = new StepRecord(kernel, instance);
        var inbox = instance.TakeInbox();
        try
        {
            TakeStep(instance, inbox, step);
        }
        catch (DataFileException e) when (e.IsCorrupt)
        {
            // Only its own rows are read here. It stays busy, so that it takes no step any more.
            StandStill(instance, inbox, e);
            return;
        }
        catch (Exception e)
        {
            // Orchestrator code cannot get here; what does is the disk or a bug, and memory can no longer be trusted.
            kernel.Shutdown.Fatal(e);
            foreach (var message in inbox)
            {
                message.Done?.TrySetException(kernel.Stop.MakeError());
            }

            return;
        }

        if (step.IsEmpty)
        {
            step.Acknowledge();
            Rest(instance);
        }
        else
        {
            kernel.Enqueue(step);
        }
    }

    /// <summary>After a step: the next one, or rest.</summary>
    internal void Rest(Instance instance)
    {
        if (instance.EndStep())
        {
            _live.Rest(instance);
        }
    }

    private void TakeStep(Instance instance, List<Message> inbox, StepRecord step)
    {
        if (instance.Ended)
        {
            foreach (var message in inbox)
            {
                message.Done?.TrySetException(AlreadyEnded(instance.Id, instance.Status, message));
            }

            return;
        }

        var arrived = new List<Message>();
        var kicked = false;
        foreach (var message in inbox)
        {
            if (step.End is not null)
            {
                message.Done?.TrySetException(AlreadyEnded(instance.Id, StepRecord.StatusOf(step.End), message));
                continue;
            }

            step.Add(message.Done);
            switch (message.Request)
            {
                case Request.Deliver:
                    arrived.Add(message);
                    break;
                case Request.Kick:
                    kicked = true;
                    break;
                case Request.Terminate:
                    step.EndWith(new ExecutionTerminated(message.Text), Now(instance));
                    break;
                case Request.Suspend:
                    RunCode(instance, arrived, kicked, step);
                    kicked = false;
                    if (step.End is not null)
                    {
                        step.Refuse(message, AlreadyEnded(instance.Id, StepRecord.StatusOf(step.End), message));
                    }
                    else if (!instance.Suspended)
                    {
                        step.Suspend(message.Text, null, Now(instance));
                    }

                    break;
                case Request.Resume when instance.Suspended:
                    step.Resume(message.Text, Now(instance));
                    kicked = true;
                    break;
                case Request.ReportIllegalAwait when instance.Live is { Illegal: { } illegal }:
                    Stop(instance, step, new NonDeterministicOrchestrationException(instance.Id, "only its own tasks", illegal, "a wait between two steps"));
                    break;
                default:
                    break;
            }
        }

        if (step.End is null)
        {
            RunCode(instance, arrived, kicked, step);
        }
    }

    /// <summary>Runs the code over what has arrived; keeps it for later while the instance is suspended, or is not to start yet.</summary>
    private void RunCode(Instance instance, List<Message> arrived, bool kicked, StepRecord step)
    {
        if (arrived.Count == 0 && !kicked)
        {
            return;
        }

        if (instance.Lineage.IsTerminated)
        {
            // Who terminated a tree goes down it level by level, and will come by here; meanwhile nothing below may grow on.
            arrived.Clear();
            return;
        }

        var early = !instance.Started && instance.Fresh?.Start.StartAt > kernel.Clock.GetUtcNow();
        if (!early && !instance.Suspended)
        {
            arrived.InsertRange(0, instance.Buffered ?? []);
            instance.Buffered = null;
            if (TryGetLive(instance, step) is { } live)
            {
                TakeCodeStep(instance, live, arrived, step);
            }
        }

        if (early && kicked)
        {
            // The clock was set back after the timer of the start had fired.
            kernel.Tasks.KickAt(instance, instance.Fresh!.Start.StartAt);
        }

        if (early || instance.Suspended)
        {
            step.Keep(arrived, Now(instance));
        }

        arrived.Clear();
    }

    /// <summary>Gets the running code, by replay if need be; stops the instance if that is not possible.</summary>
    private Execution? TryGetLive(Instance instance, StepRecord step)
    {
        if (instance.Live is { } live)
        {
            if (live.Illegal is not { } illegal)
            {
                return live;
            }

            Stop(instance, step, new NonDeterministicOrchestrationException(instance.Id, "only its own tasks", illegal, "a wait between two steps"));
            return null;
        }

        if (!kernel.Registry.Orchestrations.TryGetValue(instance.Row.Name, out var function))
        {
            Stop(instance, step, new FailureDetails(
                "unknown_orchestration",
                $"No orchestration \"{instance.Row.Name}\" is registered on this host, so instance \"{instance.Id}\" was stopped. Register it and resume the instance."));
            return null;
        }

        var history = instance.Fresh ?? kernel.Store.Read(reader => GenerationHistory.Read(reader, instance.Version));
        try
        {
            instance.Live = Replay.Run(MakeFacts(instance.Row, history.Generation, execution => OnIllegalAwait(instance, execution)), function, history);
        }
        catch (NonDeterministicOrchestrationException e)
        {
            Stop(instance, step, e);
            return null;
        }

        if (!instance.Live.HasStarted)
        {
            instance.Fresh = history;
        }

        return instance.Live;
    }

    private ExecutionFacts MakeFacts(InstanceRow row, int generation, Action<Execution> onIllegalAwait) => new()
    {
        Name = row.Name,
        Id = row.Id,
        Generation = generation,
        Parent = row.ParentId is null ? null : new ParentInstance(row.ParentName ?? "", row.ParentId),
        Loggers = kernel.Options.LoggerFactory,
        ComparesInputs = kernel.Registry.ComparesInputs(row.Name),
        OnIllegalAwait = onIllegalAwait,
    };

    private static void OnIllegalAwait(Instance instance, Execution execution)
    {
        // While a step runs it sees this by itself; between steps it has to be told.
        if (ReferenceEquals(instance.Live, execution))
        {
            instance.Post(new Message { Request = Request.ReportIllegalAwait });
        }
    }

    private void TakeCodeStep(Instance instance, Execution live, List<Message> arrived, StepRecord step)
    {
        var time = Now(instance);
        foreach (var message in arrived)
        {
            // The clock may have been set back since the timer fired; the code must not find itself before it.
            time = message.NotBefore > time ? message.NotBefore : time;
        }

        var items = new List<StepItem>(arrived.Count + 4) { new(new OrchestratorStarted(), 0) };
        live.BeginStep(time, replaying: false);
        var first = !live.HasStarted;
        if (first)
        {
            Replay.Begin(live, kernel.Registry.Orchestrations[instance.Row.Name], instance.Fresh!);
        }

        foreach (var message in arrived)
        {
            var applies = (message.Generation == 0 || message.Generation == instance.Generation) && live.Expects(message.Event!);
            if (message.Row > 0)
            {
                items.Add(new StepItem(null, message.Row));
            }
            else if (applies)
            {
                items.Add(new StepItem(message.Event, 0));
            }

            if (applies)
            {
                live.Apply(message.Event!);
            }
        }

        if (live.Illegal is null && live.Ended is null && !live.Waits)
        {
            Stop(instance, step, new NonDeterministicOrchestrationException(
                instance.Id,
                "only its own tasks",
                "waits for a task that nothing in its history can complete (such as Task.Delay, Task.Run or I/O)",
                $"the step at {time:O}"));
            return;
        }

        if (live.Illegal is { } illegal)
        {
            Stop(instance, step, new NonDeterministicOrchestrationException(instance.Id, "only its own tasks", illegal, $"the step at {time:O}"));
            return;
        }

        instance.Fresh = null;
        step.AddCodeStep(live, time, items, first);
    }

    private void Stop(Instance instance, StepRecord step, NonDeterministicOrchestrationException difference) =>
        Stop(instance, step, FailureDetails.FromException(difference) with { StackTrace = null });

    private void Stop(Instance instance, StepRecord step, FailureDetails details)
    {
        Log.Stopped(kernel.Logger, instance.Id, details.ErrorMessage);
        instance.Live = null;
        step.Suspend(details.ErrorType, details, Now(instance));
    }

    /// <summary>
    /// Gets the time of an instance's next step. It does not go back by the small steps in which clocks are kept right; a clock that was set back is
    /// followed, or new timers would be late by as much.
    /// </summary>
    private DateTimeOffset Now(Instance instance)
    {
        var now = kernel.Clock.GetUtcNow();
        return now > instance.LastStepTime || instance.LastStepTime - now > LargestSlew ? now : instance.LastStepTime;
    }

    private static InvalidInstanceStatusException AlreadyEnded(string id, OrchestrationRuntimeStatus status, Message message) => new(
        id,
        status,
        message.Request switch
        {
            Request.Suspend => "suspend",
            Request.Resume => "resume",
            Request.Terminate => "terminate",
            _ => "raise an event for",
        },
        "It has finished and takes nothing more; restart it to run it again.");

    private void StandStill(Instance instance, List<Message> inbox, DataFileException damage)
    {
        kernel.Damaged.Add(instance.Id, damage.Found);
        kernel.Instances.Remove(instance);
        var error = DamagedInstances.Error(instance.Id, damage.Found, damage);
        instance.FailWaiters(error);
        foreach (var message in inbox.Concat(instance.TakeInbox()))
        {
            message.Done?.TrySetException(error);
        }
    }
}
