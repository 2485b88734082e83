using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;
using Polyphony.Engine.Runtime;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Clients;

/// <content>What a client reads: unfinished instances from memory, finished ones from the file.</content>
internal sealed partial class EmbeddedClient
{
    public override Task<OrchestrationMetadata?> GetAsync(string instanceId, bool fetchInputsAndOutputs = true, CancellationToken cancellationToken = default)
    {
        CheckRunning();
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(Find(instanceId, fetchInputsAndOutputs));
    }

    public override Task<IReadOnlyList<HistoryEvent>> GetHistoryAsync(string instanceId, long fromSequence = 0, CancellationToken cancellationToken = default)
    {
        CheckRunning();
        cancellationToken.ThrowIfCancellationRequested();
        while (true)
        {
            // What is in memory is newer than what is read after it, never older: the rows are there unless the whole instance has been purged meanwhile.
            var instance = kernel.Instances.TryGetValue(instanceId, out var live) && live.Visible ? live : null;
            var head = instance?.Version;
            var history = DamagedInstances.Read(instanceId, () => kernel.Store.Read(reader =>
            {
                var row = instance is null ? reader.FindInstance(instanceId) ?? throw new InstanceNotFoundException(instanceId) : reader.FindInstance(instance.Key);
                return row is null ? null : InstanceReader.ReadHistory(reader, head ?? row.Head, fromSequence);
            }));
            if (history is not null)
            {
                return Task.FromResult(history);
            }
        }
    }

    public override async Task<OrchestrationMetadata?> WaitForChangeAsync(string instanceId, long knownVersion, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            CheckRunning();
            if (!kernel.Instances.TryGetValue(instanceId, out var instance) || !instance.Visible)
            {
                return Find(instanceId, fetch: false);
            }

            Task changed;
            lock (instance.Gate)
            {
                // Two tests, because the end may be committed while another version than the last is known.
                if (instance.Version > knownVersion || IsFinal(instance.Status))
                {
                    changed = Task.CompletedTask;
                }
                else
                {
                    changed = (instance.Changed ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
                }
            }

            if (changed.IsCompleted && Find(instanceId, fetch: false) is { } found && (found.Version > knownVersion || found.IsFinished))
            {
                return found;
            }

            if (kernel.Stop.IsStopped)
            {
                throw kernel.Stop.MakeError();
            }

            await changed.WaitAsync(cancellationToken);
        }
    }

    /// <remarks>Woken once, at the end: somebody who waits for a long run costs its steps nothing.</remarks>
    /// <inheritdoc/>
    public override async Task<OrchestrationMetadata> WaitForCompletionAsync(string instanceId, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            CheckRunning();
            cancellationToken.ThrowIfCancellationRequested();
            kernel.Damaged.Check(instanceId);
            Task? finished = null;
            if (kernel.Instances.TryGetValue(instanceId, out var instance) && instance.Visible)
            {
                lock (instance.Gate)
                {
                    finished = IsFinal(instance.Status) ? null : (instance.Finished ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
                }
            }

            if (finished is null)
            {
                var found = Find(instanceId, fetch: true) ?? throw new InstanceNotFoundException(instanceId);
                if (found.IsFinished)
                {
                    return found;
                }

                // It has come into memory meanwhile.
                continue;
            }

            if (kernel.Stop.IsStopped)
            {
                throw kernel.Stop.MakeError();
            }

            await finished.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Reads one instance; it may end between memory and file, so it is looked up until one of them has it.</summary>
    private OrchestrationMetadata? Find(string id, bool fetch)
    {
        while (true)
        {
            if (kernel.Instances.TryGetValue(id, out var instance) && instance.Visible && Describe(instance, fetch) is { } unfinished)
            {
                return unfinished;
            }

            var (row, finished) = DamagedInstances.Read(id, () => kernel.Store.Read(reader => reader.FindInstance(id) is { } row
                ? (row, row.Completed is null ? null : InstanceReader.DescribeFinished(reader, row, fetch))
                : (null, null)));
            if (finished is not null || row is null)
            {
                return finished;
            }

            if (kernel.Damaged.Find(id) is { } damage)
            {
                return InstanceReader.DescribeRow(row) with { RuntimeStatus = OrchestrationRuntimeStatus.Suspended, FailureDetails = DamagedInstances.Details(id, damage) };
            }

            if (kernel.Stop.IsStopped)
            {
                throw kernel.Stop.MakeError();
            }

            // Committed and about to be let loose, or just ended: the other place has it in a moment.
            Thread.Yield();
        }
    }

    private OrchestrationMetadata? Describe(Instance instance, bool fetch)
    {
        OrchestrationMetadata described;
        long generationRow;
        lock (instance.Gate)
        {
            if (IsFinal(instance.Status))
            {
                return null;
            }

            generationRow = instance.GenerationRow;
            described = new OrchestrationMetadata
            {
                InstanceId = instance.Id,
                Name = instance.Row.Name,
                RuntimeStatus = instance.Status,
                CreatedTime = instance.Row.Created,
                LastUpdatedTime = instance.Updated,
                ParentInstanceId = instance.Row.ParentId,
                Tags = InstanceReader.ReadTags(instance.Row.Tags),
                CustomStatus = instance.CustomStatus,
                FailureDetails = instance.Failure,
                Version = instance.Version,
            };
        }

        if (!fetch)
        {
            return described;
        }

        // It may have ended and been purged since.
        try
        {
            var (there, input) = kernel.Store.Read(reader => reader.FindInstance(instance.Key) is null ? (false, null) : (true, InstanceReader.ReadInput(reader, generationRow)));
            return there ? described with { Input = input } : null;
        }
        catch (DataFileException e) when (e.IsCorrupt)
        {
            return described with { FailureDetails = DamagedInstances.Details(instance.Id, e.Found) };
        }
    }

    private static bool IsFinal(OrchestrationRuntimeStatus status) =>
        status is OrchestrationRuntimeStatus.Completed or OrchestrationRuntimeStatus.Failed or OrchestrationRuntimeStatus.Terminated;
}
