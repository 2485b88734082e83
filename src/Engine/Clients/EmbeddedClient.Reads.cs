using System.Text.Json;
using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;
using Polyphony.Core.Json;
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
        var history = kernel.Store.Read(reader =>
        {
            var head = kernel.Instances.TryGetValue(instanceId, out var instance) && instance.Visible
                ? instance.Version
                : (reader.FindInstance(instanceId) ?? throw new InstanceNotFoundException(instanceId)).Head;
            return ReadHistory(reader, head, fromSequence);
        });
        return Task.FromResult(history);
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

            if (kernel.IsStopped)
            {
                throw kernel.Stopped();
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

            if (kernel.IsStopped)
            {
                throw kernel.Stopped();
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

            var row = kernel.Store.Read(reader => reader.FindInstance(id));
            if (row is null)
            {
                return null;
            }

            if (row.Completed is not null)
            {
                return kernel.Store.Read(reader => DescribeFinished(reader, row, fetch));
            }

            if (kernel.IsStopped)
            {
                throw kernel.Stopped();
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
                Tags = ReadTags(instance.Row.Tags),
                CustomStatus = instance.CustomStatus,
                FailureDetails = instance.Failure,
                Version = instance.Version,
            };
        }

        return fetch ? described with { Input = kernel.Store.Read(reader => ReadInput(reader, generationRow)) } : described;
    }

    private static OrchestrationMetadata DescribeFinished(StoreReader reader, InstanceRow row, bool fetch)
    {
        var status = (OrchestrationRuntimeStatus)row.Status;
        var end = fetch || status == OrchestrationRuntimeStatus.Failed ? reader.ReadRow(row.Head).Step?.Items[^1].Event : null;
        return new OrchestrationMetadata
        {
            InstanceId = row.Id,
            Name = row.Name,
            RuntimeStatus = status,
            CreatedTime = row.Created,
            LastUpdatedTime = row.Updated,
            CompletedTime = row.Completed,
            ParentInstanceId = row.ParentId,
            Tags = ReadTags(row.Tags),
            CustomStatus = row.CustomStatus,
            Input = fetch ? ReadInput(reader, row.GenerationRow) : null,
            Output = fetch ? (end as ExecutionCompleted)?.Output ?? (end as ExecutionTerminated)?.Output : null,
            FailureDetails = (end as ExecutionFailed)?.FailureDetails,
            Version = row.Head,
        };
    }

    private static string? ReadInput(StoreReader reader, long generationRow) => (reader.ReadRow(generationRow).Step?.Items[0].Event as ExecutionStarted)?.Input;

    private static IReadOnlyDictionary<string, string> ReadTags(string? tags) =>
        tags is null ? new Dictionary<string, string>() : JsonSerializer.Deserialize(tags, CoreJsonContext.Default.DictionaryStringString)!;

    private static bool IsFinal(OrchestrationRuntimeStatus status) =>
        status is OrchestrationRuntimeStatus.Completed or OrchestrationRuntimeStatus.Failed or OrchestrationRuntimeStatus.Terminated;

    private static IReadOnlyList<HistoryEvent> ReadHistory(StoreReader reader, long head, long fromSequence)
    {
        var rows = reader.ReadChain(head, row => row.Step is { } step && step.FirstSequence <= fromSequence);
        var messages = rows.Where(row => row.Message is not null).ToDictionary(row => row.Sequence, row => row.Message!);
        var events = new List<HistoryEvent>();
        foreach (var step in rows.Select(row => row.Step).OfType<StepRow>())
        {
            var sequence = step.FirstSequence;
            foreach (var item in step.Items)
            {
                if (sequence >= fromSequence)
                {
                    var taken = item.Event ?? (messages.TryGetValue(item.MessageRow, out var message) ? message : reader.ReadRow(item.MessageRow).Message)!.Event;
                    events.Add(taken with { Sequence = sequence, Timestamp = step.Time });
                }

                sequence++;
            }
        }

        return events;
    }
}
