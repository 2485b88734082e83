using Microsoft.Extensions.Logging.Abstractions;
using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;
using Polyphony.Engine.Orchestrations;
using Polyphony.Engine.Runtime;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Clients;

/// <summary>
/// Sets failed instances back. A failure is taken back if nothing that the code did later depends on it: the code, replayed without
/// the failure, still takes every recorded step. What the code had handled (a retry, a fallback) stays as it was.
/// </summary>
internal static class Rewind
{
    /// <summary>How many failures are tried one by one when not all of them can be taken back together.</summary>
    private const int MaxSingleTries = 100;

    /// <summary>Works out what to take back, for an instance and the failed children that it waits for.</summary>
    /// <exception cref="InstanceNotFoundException">There is no such instance.</exception>
    /// <exception cref="InvalidInstanceStatusException">It has not failed.</exception>
    internal static RewindRecord Plan(Kernel kernel, string instanceId, string? reason)
    {
        if (kernel.Stop.IsStopped)
        {
            throw kernel.Stop.MakeError();
        }

        // One state for the whole plan: what it rests on may be purged or set back meanwhile, which the record finds out.
        return kernel.Store.Read(reader =>
        {
            var row = reader.FindInstance(instanceId) ?? throw new InstanceNotFoundException(instanceId);
            if (row.Completed is null || row.Status != (int)OrchestrationRuntimeStatus.Failed)
            {
                throw NotFailed(kernel, row);
            }

            var record = new RewindRecord(kernel, reason);
            Plan(kernel, reader, row, record);
            return record;
        });
    }

    internal static InvalidInstanceStatusException NotFailed(Kernel kernel, InstanceRow row)
    {
        var status = row.Completed is not null ? (OrchestrationRuntimeStatus)row.Status
            : kernel.Instances.TryGetValue(row.Id, out var instance) ? instance.Status : OrchestrationRuntimeStatus.Running;
        return new InvalidInstanceStatusException(row.Id, status, "rewind", "Only a failed instance can be set back.");
    }

    private static void Plan(Kernel kernel, StoreReader reader, InstanceRow row, RewindRecord record)
    {
        var history = GenerationHistory.Read(reader, row.Head);
        var children = history.Steps.SelectMany(step => step.Asked).OfType<SubOrchestrationCreated>().ToDictionary(child => child.TaskId);
        var failed = history.Steps.SelectMany(step => step.Arrived)
            .Where(arrived => arrived is TaskFailed || (arrived is SubOrchestrationFailed e && FindFailedChild(reader, row, children, e) is not null))
            .Select(arrived => HistoryEvents.TaskIdOfResult(arrived)!.Value)
            .Distinct()
            .ToList();
        var taken = Choose(kernel, reader, row, failed);
        record.Add(row, taken);
        foreach (var child in taken.Where(children.ContainsKey))
        {
            Plan(kernel, reader, reader.FindInstance(children[child].InstanceId)!, record);
        }
    }

    private static List<int> Choose(Kernel kernel, StoreReader reader, InstanceRow row, List<int> failed)
    {
        if (failed.Count == 0 || IsConsistent(kernel, reader, row, failed))
        {
            return failed;
        }

        var taken = new List<int>();
        foreach (var task in Enumerable.Reverse(failed).Take(MaxSingleTries))
        {
            if (IsConsistent(kernel, reader, row, [.. taken, task]))
            {
                taken.Add(task);
            }
        }

        taken.Reverse();
        return taken;
    }

    private static bool IsConsistent(Kernel kernel, StoreReader reader, InstanceRow row, List<int> without)
    {
        // Code that is gone or changed is reported by the next step, as always.
        if (!kernel.Registry.Orchestrations.TryGetValue(row.Name, out var function))
        {
            return true;
        }

        var history = GenerationHistory.Read(reader, row.Head);
        history.Rewind(without);
        try
        {
            var execution = Replay.Run(
                new ExecutionFacts
                {
                    Name = row.Name,
                    Id = row.Id,
                    Generation = history.Generation,
                    Parent = row.ParentId is null ? null : new ParentInstance(row.ParentName ?? "", row.ParentId),
                    Loggers = NullLoggerFactory.Instance,
                    ComparesInputs = kernel.Registry.ComparesInputs(row.Name),
                    OnIllegalAwait = static _ => { },
                },
                function,
                history);
            return execution.Ended is null && execution.PeekActions().Count == 0;
        }
        catch (NonDeterministicOrchestrationException)
        {
            return false;
        }
    }

    private static InstanceRow? FindFailedChild(StoreReader reader, InstanceRow parent, Dictionary<int, SubOrchestrationCreated> children, SubOrchestrationFailed failed) =>
        children.TryGetValue(failed.TaskId, out var child) &&
        reader.FindInstance(child.InstanceId) is { Completed: not null, Status: (int)OrchestrationRuntimeStatus.Failed } row &&
        row.ParentKey == parent.Key && row.ParentTaskId == failed.TaskId ? row : null;
}

/// <summary>Sets instances back, all in one transaction.</summary>
internal sealed class RewindRecord(Kernel kernel, string? reason) : ClientRecord<bool>
{
    private readonly List<(InstanceRow Row, List<int> Tasks)> _plan = [];
    private readonly List<(Instance Instance, GenerationHistory History)> _revived = [];

    internal void Add(InstanceRow row, List<int> tasks) => _plan.Add((row, tasks));

    internal override void Stage(StoreWriter writer)
    {
        foreach (var (row, _) in _plan)
        {
            // Someone else may have set it back, or purged it, since the plan was made.
            var now = writer.Reader.FindInstance(row.Key);
            if (now?.Head != row.Head)
            {
                Refusal = now is null ? new InstanceNotFoundException(row.Id) : Rewind.NotFailed(kernel, now);
                return;
            }
        }

        foreach (var (row, tasks) in _plan)
        {
            _revived.Add(kernel.Recovery.Revive(writer, row, new ExecutionRewound(reason, tasks)));
        }
    }

    internal override void Release()
    {
        foreach (var (instance, history) in _revived)
        {
            kernel.Recovery.GoOn(instance, history);
        }

        base.Release();
    }
}
