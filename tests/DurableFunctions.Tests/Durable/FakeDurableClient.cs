using DurableTask.Core.Exceptions;
using DurableTask.Core.History;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Polyphony.DurableFunctions.Tests.Durable;

/// <summary>
/// Durable Task's client as a storage provider answers it: lists in the order of ids and without tags, filters statuses and times itself,
/// and notes what it was asked.
/// </summary>
internal sealed class FakeDurableClient() : DurableTaskClient("fake")
{
    private int _looks;

    /// <summary>Gets or sets what happens while an instance is terminated.</summary>
    public Action<string>? Terminating { get; set; }

    /// <summary>Gets how often single instances were read.</summary>
    public int Looks => Volatile.Read(ref _looks);

    public SortedDictionary<string, OrchestrationMetadata> Instances { get; } = new(StringComparer.Ordinal);

    public List<StartOrchestrationOptions> Starts { get; } = [];

    public List<object?> Inputs { get; } = [];

    public List<string> Calls { get; } = [];

    public List<OrchestrationQuery> Queries { get; } = [];

    public IList<HistoryEvent> History { get; set; } = [];

    /// <summary>Adds an instance that was begun some minutes after midnight.</summary>
    public void Add(
        string id,
        int minute = 0,
        OrchestrationRuntimeStatus status = OrchestrationRuntimeStatus.Completed,
        string name = "o",
        string? parent = null,
        string? output = null,
        string? input = null,
        TaskFailureDetails? failure = null,
        params (string Key, string Value)[] tags)
    {
        var time = new DateTimeOffset(2030, 1, 1, 0, minute, 0, TimeSpan.Zero);
        var all = tags.ToDictionary(tag => tag.Key, tag => tag.Value);
        if (parent is not null)
        {
            all["polyphony-parent"] = parent;
        }

        Instances[id] = new OrchestrationMetadata(name, id)
        {
            RuntimeStatus = status,
            CreatedAt = time,
            LastUpdatedAt = time,
            SerializedInput = input,
            SerializedOutput = output,
            FailureDetails = failure,
            Tags = all,
        };
    }

    public void SetCustomStatus(string id, string? status) => Instances[id] = new OrchestrationMetadata(Instances[id].Name, id)
    {
        RuntimeStatus = Instances[id].RuntimeStatus,
        SerializedCustomStatus = status,
    };

    public override Task<string> ScheduleNewOrchestrationInstanceAsync(
        TaskName orchestratorName, object? input = null, StartOrchestrationOptions? options = null, CancellationToken cancellation = default)
    {
        Starts.Add(options!);
        Inputs.Add(input);
        var id = options!.InstanceId ?? $"new{Starts.Count}";
        if (Instances.TryGetValue(id, out var found) && options.DedupeStatuses!.Contains(found.RuntimeStatus.ToString()))
        {
            throw new OrchestrationAlreadyExistsException("It exists.");
        }

        Add(id, 0, OrchestrationRuntimeStatus.Running, orchestratorName.Name, input: input?.ToString(), tags: [.. options.Tags.Select(tag => (tag.Key, tag.Value))]);
        return Task.FromResult(id);
    }

    public override Task RaiseEventAsync(string instanceId, string eventName, object? eventPayload = null, CancellationToken cancellation = default) =>
        Note($"raise {instanceId} {eventName} {eventPayload}");

    public override Task SuspendInstanceAsync(string instanceId, string? reason = null, CancellationToken cancellation = default) =>
        Note($"suspend {instanceId} {reason}", instanceId, OrchestrationRuntimeStatus.Suspended);

    public override Task ResumeInstanceAsync(string instanceId, string? reason = null, CancellationToken cancellation = default) =>
        Note($"resume {instanceId} {reason}", instanceId, OrchestrationRuntimeStatus.Running);

    public override Task TerminateInstanceAsync(string instanceId, TerminateInstanceOptions? options = null, CancellationToken cancellation = default)
    {
        Terminating?.Invoke(instanceId);
        return Note($"terminate {instanceId} {options?.Output} {options?.Recursive}", instanceId, OrchestrationRuntimeStatus.Terminated);
    }

    public override Task RewindInstanceAsync(string instanceId, string reason, CancellationToken cancellation = default) =>
        Note($"rewind {instanceId} {reason}", instanceId, OrchestrationRuntimeStatus.Running);

    public override Task<PurgeResult> PurgeInstanceAsync(string instanceId, PurgeInstanceOptions? options = null, CancellationToken cancellation = default)
    {
        Calls.Add($"purge {instanceId}");
        return Task.FromResult(new PurgeResult(Instances.Remove(instanceId) ? 1 : 0));
    }

    public override Task<IList<HistoryEvent>> GetOrchestrationHistoryAsync(string instanceId, CancellationToken cancellation = default) => Task.FromResult(History);

    public override Task<OrchestrationMetadata?> GetInstancesAsync(string instanceId, bool getInputsAndOutputs = false, CancellationToken cancellation = default)
    {
        var found = Instances.GetValueOrDefault(instanceId);
        Interlocked.Increment(ref _looks);
        return Task.FromResult(found);
    }

    public override AsyncPageable<OrchestrationMetadata> GetAllInstancesAsync(OrchestrationQuery? filter = null)
    {
        var query = filter!;
        Queries.Add(query);
        var found = Instances.Values.Where(each =>
            each.InstanceId.StartsWith(query.InstanceIdPrefix ?? "", StringComparison.Ordinal) &&
            (query.CreatedFrom is not { } from || each.CreatedAt >= from) &&
            (query.CreatedTo is not { } to || each.CreatedAt <= to) &&
            (query.Statuses is not { } statuses || statuses.Contains(each.RuntimeStatus)))
            .Select(each => new OrchestrationMetadata(each.Name, each.InstanceId)
            {
                RuntimeStatus = each.RuntimeStatus,
                CreatedAt = each.CreatedAt,
                LastUpdatedAt = each.LastUpdatedAt,
            })
            .Chunk(3)
            .ToList();
        return Pageable.Create((token, _) =>
        {
            var page = int.Parse(token ?? "0");
            return Task.FromResult(new Page<OrchestrationMetadata>(page < found.Count ? found[page] : [], page + 1 < found.Count ? $"{page + 1}" : null));
        });
    }

    public override Task<OrchestrationMetadata> WaitForInstanceStartAsync(string instanceId, bool getInputsAndOutputs = false, CancellationToken cancellation = default) =>
        throw new NotSupportedException();

    public override Task<OrchestrationMetadata> WaitForInstanceCompletionAsync(string instanceId, bool getInputsAndOutputs = false, CancellationToken cancellation = default) =>
        throw new NotSupportedException();

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private Task Note(string call, string? instanceId = null, OrchestrationRuntimeStatus status = default)
    {
        Calls.Add(call);
        if (instanceId is not null)
        {
            var old = Instances[instanceId];
            Instances[instanceId] = new OrchestrationMetadata(old.Name, instanceId)
            {
                RuntimeStatus = status,
                CreatedAt = old.CreatedAt,
                LastUpdatedAt = old.LastUpdatedAt.AddSeconds(1),
                Tags = old.Tags,
            };
        }

        return Task.CompletedTask;
    }
}
