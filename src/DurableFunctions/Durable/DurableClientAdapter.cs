using System.Globalization;
using Grpc.Core;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Entities;
using Polyphony.Core.Client;
using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;
using Polyphony.Core.Ledger;
using Polyphony.Core.Payloads;
using DurableMetadata = Microsoft.DurableTask.Client.OrchestrationMetadata;
using DurableStatus = Microsoft.DurableTask.Client.OrchestrationRuntimeStatus;
using OrchestrationMetadata = Polyphony.Core.Durable.OrchestrationMetadata;
using OrchestrationRuntimeStatus = Polyphony.Core.Durable.OrchestrationRuntimeStatus;
using StartOrchestrationOptions = Polyphony.Core.Durable.StartOrchestrationOptions;

namespace Polyphony.DurableFunctions.Durable;

/// <summary>Core's <see cref="DurableClient"/> over Durable Task's <see cref="DurableTaskClient"/>. Thread-safe.</summary>
/// <remarks>
/// Durable Task takes requests as messages: what was asked is durable when a call returns, and happens a moment later. Where a caller
/// of the embedded engine sees it at once (suspend, resume, terminate, rewind), this waits for it, but not for longer than
/// <see cref="SettleTime"/>. Changes are found by polling.
/// </remarks>
internal sealed partial class DurableClientAdapter : DurableClient
{
    /// <summary>The tag that tells when an instance was accepted: for Azure Storage an instance is created again whenever it continues as new.</summary>
    internal const string CreatedTag = "polyphony-created";

    private static readonly TimeSpan SettleTime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan FirstPoll = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LastPoll = TimeSpan.FromSeconds(1);

    private readonly Func<DurableTaskClient> _client;
    private readonly IPayloadStore _payloads;
    private readonly ILedger _ledger;
    private readonly IStartReservations _reservations;
    private readonly InstanceStarter _starter;
    private readonly TimeProvider _timeProvider;
    private readonly UnfinishedScan _unfinished;
    private readonly AdmittedStarts _admitted;

    /// <summary>Wraps a client.</summary>
    /// <param name="client">Gives Durable Task's client; called for every request, since Azure Functions binds one to each invocation.</param>
    /// <param name="payloads">Where purged instances' payloads are given up.</param>
    /// <param name="ledger">Where purged instances' entries are removed.</param>
    /// <param name="reservations">Where ids are reserved for starts.</param>
    /// <param name="timeProvider">The clock.</param>
    public DurableClientAdapter(
        Func<DurableTaskClient> client, IPayloadStore payloads, ILedger ledger, IStartReservations reservations, TimeProvider timeProvider)
    {
        _client = client;
        _payloads = payloads;
        _ledger = ledger;
        _reservations = reservations;
        _starter = new InstanceStarter(client, reservations, timeProvider);
        _timeProvider = timeProvider;
        _unfinished = new UnfinishedScan(client, (id, cancellationToken) => GetAsync(id, fetchInputsAndOutputs: false, cancellationToken), timeProvider);
        _admitted = new AdmittedStarts(_starter, _unfinished, async (id, cancellationToken) => await GetAsync(id, fetchInputsAndOutputs: false, cancellationToken) is not null);
    }

    /// <inheritdoc/>
    public override async Task<string> StartAsync(string name, string? input, StartOrchestrationOptions? options = null, CancellationToken cancellationToken = default)
    {
        DurableLimits.CheckPayload(input, $"input of orchestration \"{name}\"");
        var now = _timeProvider.GetUtcNow();
        var tags = new Dictionary<string, string>(options?.Tags ?? new Dictionary<string, string>(), StringComparer.Ordinal);
        tags[CreatedTag] = now.UtcDateTime.ToString("O");
        var startAt = options?.StartAt;
        if (DelayedStart.IsAhead(startAt, now))
        {
            tags[DelayedStart.Tag] = startAt!.Value.UtcDateTime.ToString("O");
            input = DelayedStart.Wrap(input, startAt.Value);
            startAt = null;
        }

        var request = new StartRequest(name, input, tags, startAt);
        return options is { Admission: { } limits, InstanceId: { } id } && tags.TryGetValue(WorkflowClient.WorkflowTag, out var workflow) && limits.Concern(workflow)
            ? await _admitted.StartAsync(limits, workflow, id, request, cancellationToken)
            : await _starter.StartAsync(options?.InstanceId, request, cancellationToken);
    }

    /// <inheritdoc/>
    internal override Task CheckAdmissionAsync(AdmissionLimits limits, string workflow, string instanceId, CancellationToken cancellationToken) =>
        _admitted.CheckAsync(limits, workflow, instanceId, cancellationToken);

    /// <inheritdoc/>
    internal override Task<UnfinishedInstances> ReadUnfinishedAsync(int most, CancellationToken cancellationToken) => _unfinished.ReadAsync(most, cancellationToken);

    /// <inheritdoc/>
    public override async Task<OrchestrationMetadata?> GetAsync(string instanceId, bool fetchInputsAndOutputs = true, CancellationToken cancellationToken = default)
    {
        try
        {
            // The custom status is among the inputs and outputs for Durable Task.
            return await _client().GetInstanceAsync(instanceId, getInputsAndOutputs: true, cancellationToken) is { } found ? Describe(found, fetchInputsAndOutputs) : null;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Cancelled)
        {
            throw new OperationCanceledException($"Reading instance \"{instanceId}\" was cancelled.", e, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public override async Task<IReadOnlyList<HistoryEvent>> GetHistoryAsync(string instanceId, long fromSequence = 0, CancellationToken cancellationToken = default)
    {
        _ = await RequireAsync(instanceId, cancellationToken);
        var events = HistoryReader.Read(await _client().GetOrchestrationHistoryAsync(instanceId, cancellationToken));
        return fromSequence <= 0 ? events : [.. events.Where(e => e.Sequence >= fromSequence)];
    }

    /// <inheritdoc/>
    public override async Task<OrchestrationMetadata?> WaitForChangeAsync(string instanceId, long knownVersion, CancellationToken cancellationToken = default)
    {
        for (var delay = FirstPoll; ; delay = Longer(delay))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var found = await GetAsync(instanceId, fetchInputsAndOutputs: false, cancellationToken);
            if (found is null || found.Version > knownVersion || found.IsFinished)
            {
                return found;
            }

            await Task.Delay(delay, _timeProvider, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public override async Task RaiseEventAsync(string instanceId, string eventName, string? payload, CancellationToken cancellationToken = default)
    {
        DurableLimits.CheckPayload(payload, $"payload of event \"{eventName}\"");
        await RequireUnfinishedAsync(instanceId, "send an event to", cancellationToken);
        await _client().RaiseEventAsync(instanceId, eventName, RawJson.Of(payload), cancellationToken);
    }

    /// <inheritdoc/>
    public override async Task SuspendAsync(string instanceId, string? reason = null, CancellationToken cancellationToken = default)
    {
        if ((await RequireUnfinishedAsync(instanceId, "suspend", cancellationToken)).RuntimeStatus != OrchestrationRuntimeStatus.Suspended)
        {
            await _client().SuspendInstanceAsync(instanceId, reason, cancellationToken);
            await SettleAsync(instanceId, found => found.RuntimeStatus == OrchestrationRuntimeStatus.Suspended, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public override async Task ResumeAsync(string instanceId, string? reason = null, CancellationToken cancellationToken = default)
    {
        if ((await RequireUnfinishedAsync(instanceId, "resume", cancellationToken)).RuntimeStatus == OrchestrationRuntimeStatus.Suspended)
        {
            await _client().ResumeInstanceAsync(instanceId, reason, cancellationToken);
            await SettleAsync(instanceId, found => found.RuntimeStatus != OrchestrationRuntimeStatus.Suspended, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public override async Task TerminateAsync(string instanceId, string? output = null, CancellationToken cancellationToken = default)
    {
        var found = await RequireUnfinishedAsync(instanceId, "terminate", cancellationToken);
        await _client().TerminateInstanceAsync(instanceId, new TerminateInstanceOptions(RawJson.Of(output), Recursive: true), cancellationToken);
        await SettleAsync(instanceId, now => now.IsFinished, cancellationToken);

        // Not every storage provider ends the children as well. While they are ended one after another, those that still run may start more: it is done when there is nobody new.
        var looked = new HashSet<string>(StringComparer.Ordinal);
        for (var before = -1; looked.Count > before;)
        {
            before = looked.Count;
            foreach (var child in await DescendantsAsync(found, cancellationToken))
            {
                if (looked.Add(child) && await GetAsync(child, fetchInputsAndOutputs: false, cancellationToken) is { IsFinished: false })
                {
                    await _client().TerminateInstanceAsync(child, new TerminateInstanceOptions(RawJson.Of(output)), cancellationToken);
                    await SettleAsync(child, now => now.IsFinished, cancellationToken);
                }
            }
        }
    }

    /// <inheritdoc/>
    public override async Task<string> RestartAsync(string instanceId, string? newInstanceId = null, CancellationToken cancellationToken = default)
    {
        var found = await GetAsync(instanceId, fetchInputsAndOutputs: true, cancellationToken) ?? throw new InstanceNotFoundException(instanceId);
        return found.IsFinished
            ? await StartAsync(found.Name, found.Input, new StartOrchestrationOptions { InstanceId = newInstanceId, Tags = found.Tags }, cancellationToken)
            : throw new InvalidInstanceStatusException(instanceId, found.RuntimeStatus, "restart", "Terminate it first, or wait for its end.");
    }

    /// <inheritdoc/>
    public override async Task RewindAsync(string instanceId, string? reason = null, CancellationToken cancellationToken = default)
    {
        var found = await RequireAsync(instanceId, cancellationToken);
        if (found.RuntimeStatus != OrchestrationRuntimeStatus.Failed)
        {
            throw new InvalidInstanceStatusException(instanceId, found.RuntimeStatus, "rewind", "Only failed instances can be rewound.");
        }

        await _client().RewindInstanceAsync(instanceId, reason ?? "", cancellationToken);
        await SettleAsync(instanceId, now => now.Version != found.Version, cancellationToken);
    }

    /// <inheritdoc/>
    public override async Task<int> PurgeAsync(string instanceId, CancellationToken cancellationToken = default)
    {
        if (await GetAsync(instanceId, fetchInputsAndOutputs: false, cancellationToken) is not { } found)
        {
            return 0;
        }

        if (!found.IsFinished)
        {
            throw new InvalidInstanceStatusException(instanceId, found.RuntimeStatus, "purge", "Terminate it first, or wait for its end.");
        }

        // The instance itself goes last: a purge that is cut off can be asked for again. Its id is free only then, since Durable Task looks as well.
        await _reservations.RemoveAsync(instanceId, cancellationToken);
        var removed = 0;
        foreach (var each in (await DescendantsAsync(found, cancellationToken)).Reverse().Append(instanceId))
        {
            await _payloads.ReleaseAsync(each, cancellationToken);
            await _ledger.RemoveAsync(each, cancellationToken);
            removed += (await _client().PurgeInstanceAsync(each, (PurgeInstanceOptions?)null, cancellationToken)).PurgedInstanceCount;
        }

        return removed;
    }

    /// <inheritdoc/>
    public override bool KeepsSignalsInOrder => false;

    /// <inheritdoc/>
    public override Task SignalEntityAsync(EntityId entity, string operation, string? input, CancellationToken cancellationToken = default)
    {
        DurableLimits.CheckPayload(input, $"input of operation \"{operation}\" of {entity}");
        return _client().Entities.SignalEntityAsync(new EntityInstanceId(entity.Name, entity.Key), operation, RawJson.Of(input), null, cancellationToken);
    }

    /// <inheritdoc/>
    public override async Task<string?> GetEntityStateAsync(EntityId entity, CancellationToken cancellationToken = default) =>
        await _client().Entities.GetEntityAsync<RawJson>(new EntityInstanceId(entity.Name, entity.Key), includeState: true, cancellationToken) is { IncludesState: true } found
            ? found.State?.Text
            : null;

    /// <summary>Whether a tag is the caller's, and not one of the adapters' own.</summary>
    internal static bool IsTheirs(KeyValuePair<string, string> tag) => tag.Key is not (CreatedTag or OrchestrationContextAdapter.ParentTag or DelayedStart.Tag);

    private static TimeSpan Longer(TimeSpan delay) => delay * 1.5 < LastPoll ? delay * 1.5 : LastPoll;

    private OrchestrationMetadata Describe(DurableMetadata found, bool payloads)
    {
        var status = Map(found.RuntimeStatus);
        if (status == OrchestrationRuntimeStatus.Running && DelayedStart.IsWaiting(found.Tags, _timeProvider.GetUtcNow()))
        {
            status = OrchestrationRuntimeStatus.Pending;
        }

        var finished = status is OrchestrationRuntimeStatus.Completed or OrchestrationRuntimeStatus.Failed or OrchestrationRuntimeStatus.Terminated;
        var failed = status == OrchestrationRuntimeStatus.Failed;
        return new OrchestrationMetadata
        {
            InstanceId = found.InstanceId,
            Name = found.Name,
            RuntimeStatus = status,
            CreatedTime = found.Tags.TryGetValue(CreatedTag, out var created) ? DateTimeOffset.Parse(created, CultureInfo.InvariantCulture) : found.CreatedAt,
            LastUpdatedTime = found.LastUpdatedAt,
            CompletedTime = finished ? found.LastUpdatedAt : null,
            ParentInstanceId = found.Tags.GetValueOrDefault(OrchestrationContextAdapter.ParentTag),
            Tags = found.Tags.Where(IsTheirs).ToDictionary(StringComparer.Ordinal),
            Input = payloads ? DelayedStart.Unwrap(found.SerializedInput).Input : null,
            Output = payloads && !failed ? found.SerializedOutput : null,
            CustomStatus = CancellableCalls.StatusOf(found.SerializedCustomStatus),
            FailureDetails = failed ? Failure(found) : null,
            Version = VersionOf(found.LastUpdatedAt, status),
        };
    }

    // On Azure Storage there are no details, and the text stands where the output would.
    private static FailureDetails Failure(DurableMetadata found) => found.FailureDetails is { } details
        ? CodedFailureException.Read(details)
        : CodedFailureException.Read(found.SerializedOutput);

    // Time of the last change in tenths of a millisecond, so that it stays exact in a JSON number, and the status, since an end may share its time.
    private static long VersionOf(DateTimeOffset updated, OrchestrationRuntimeStatus status) => ((updated.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / 1000 * 8) + (int)status;

    private static OrchestrationRuntimeStatus Map(DurableStatus status) => status switch
    {
        DurableStatus.Pending => OrchestrationRuntimeStatus.Pending,
        DurableStatus.Suspended => OrchestrationRuntimeStatus.Suspended,
        DurableStatus.Completed => OrchestrationRuntimeStatus.Completed,
        DurableStatus.Failed => OrchestrationRuntimeStatus.Failed,
        DurableStatus.Terminated => OrchestrationRuntimeStatus.Terminated,
        _ => OrchestrationRuntimeStatus.Running,
    };

    private async Task<OrchestrationMetadata> RequireAsync(string instanceId, CancellationToken cancellationToken) =>
        await GetAsync(instanceId, fetchInputsAndOutputs: false, cancellationToken) ?? throw new InstanceNotFoundException(instanceId);

    private async Task<OrchestrationMetadata> RequireUnfinishedAsync(string instanceId, string asked, CancellationToken cancellationToken)
    {
        var found = await RequireAsync(instanceId, cancellationToken);
        if (found.IsFinished)
        {
            throw new InvalidInstanceStatusException(instanceId, found.RuntimeStatus, asked, "It has finished; start or restart one instead.");
        }

        if (found.RuntimeStatus == OrchestrationRuntimeStatus.Pending)
        {
            // Azure Storage drops a message that reaches an instance before its start does, and puts a start off for seconds when it comes to it too early.
            await SettleAsync(async () => await _client().GetInstanceAsync(instanceId, cancellationToken) is not { RuntimeStatus: DurableStatus.Pending }, cancellationToken);
        }

        return found;
    }

    private Task SettleAsync(string instanceId, Func<OrchestrationMetadata, bool> condition, CancellationToken cancellationToken) =>
        SettleAsync(async () => await GetAsync(instanceId, fetchInputsAndOutputs: false, cancellationToken) is not { } found || condition(found), cancellationToken);

    private async Task SettleAsync(Func<Task<bool>> condition, CancellationToken cancellationToken)
    {
        var begun = _timeProvider.GetTimestamp();
        for (var delay = FirstPoll; !await condition() && _timeProvider.GetElapsedTime(begun) < SettleTime; delay = Longer(delay))
        {
            await Task.Delay(delay, _timeProvider, cancellationToken);
        }
    }
}
