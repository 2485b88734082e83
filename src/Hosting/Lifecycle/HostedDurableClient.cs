using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;

namespace Polyphony.Hosting.Lifecycle;

/// <summary>The engine's client, for services that are made before the engine has started. Thread-safe.</summary>
/// <param name="host">The engine.</param>
internal sealed class HostedDurableClient(HostedEngine host) : DurableClient
{
    private DurableClient Client => host.Engine.Client;

    /// <inheritdoc/>
    public override void CheckWritable() => Client.CheckWritable();

    /// <inheritdoc/>
    public override Task<string> StartAsync(string name, string? input, StartOrchestrationOptions? options = null, CancellationToken cancellationToken = default) =>
        Client.StartAsync(name, input, options, cancellationToken);

    /// <inheritdoc/>
    public override Task<OrchestrationMetadata?> GetAsync(string instanceId, bool fetchInputsAndOutputs = true, CancellationToken cancellationToken = default) =>
        Client.GetAsync(instanceId, fetchInputsAndOutputs, cancellationToken);

    /// <inheritdoc/>
    public override Task<OrchestrationPage> QueryAsync(OrchestrationQuery query, CancellationToken cancellationToken = default) => Client.QueryAsync(query, cancellationToken);

    /// <inheritdoc/>
    public override Task<IReadOnlyList<HistoryEvent>> GetHistoryAsync(string instanceId, long fromSequence = 0, CancellationToken cancellationToken = default) =>
        Client.GetHistoryAsync(instanceId, fromSequence, cancellationToken);

    /// <inheritdoc/>
    public override Task<OrchestrationMetadata?> WaitForChangeAsync(string instanceId, long knownVersion, CancellationToken cancellationToken = default) =>
        Client.WaitForChangeAsync(instanceId, knownVersion, cancellationToken);

    /// <inheritdoc/>
    public override Task<OrchestrationMetadata> WaitForCompletionAsync(string instanceId, CancellationToken cancellationToken = default) =>
        Client.WaitForCompletionAsync(instanceId, cancellationToken);

    /// <inheritdoc/>
    public override Task RaiseEventAsync(string instanceId, string eventName, string? payload, CancellationToken cancellationToken = default) =>
        Client.RaiseEventAsync(instanceId, eventName, payload, cancellationToken);

    /// <inheritdoc/>
    public override Task SuspendAsync(string instanceId, string? reason = null, CancellationToken cancellationToken = default) => Client.SuspendAsync(instanceId, reason, cancellationToken);

    /// <inheritdoc/>
    public override Task ResumeAsync(string instanceId, string? reason = null, CancellationToken cancellationToken = default) => Client.ResumeAsync(instanceId, reason, cancellationToken);

    /// <inheritdoc/>
    public override Task TerminateAsync(string instanceId, string? output = null, CancellationToken cancellationToken = default) => Client.TerminateAsync(instanceId, output, cancellationToken);

    /// <inheritdoc/>
    public override Task<string> RestartAsync(string instanceId, string? newInstanceId = null, CancellationToken cancellationToken = default) =>
        Client.RestartAsync(instanceId, newInstanceId, cancellationToken);

    /// <inheritdoc/>
    public override Task RewindAsync(string instanceId, string? reason = null, CancellationToken cancellationToken = default) => Client.RewindAsync(instanceId, reason, cancellationToken);

    /// <inheritdoc/>
    public override Task<int> PurgeAsync(string instanceId, CancellationToken cancellationToken = default) => Client.PurgeAsync(instanceId, cancellationToken);

    /// <inheritdoc/>
    public override Task SignalEntityAsync(EntityId entity, string operation, string? input, CancellationToken cancellationToken = default) =>
        Client.SignalEntityAsync(entity, operation, input, cancellationToken);

    /// <inheritdoc/>
    public override Task<string?> GetEntityStateAsync(EntityId entity, CancellationToken cancellationToken = default) => Client.GetEntityStateAsync(entity, cancellationToken);

    /// <inheritdoc/>
    internal override Task CheckAdmissionAsync(AdmissionLimits limits, string workflow, string instanceId, CancellationToken cancellationToken) =>
        Client.CheckAdmissionAsync(limits, workflow, instanceId, cancellationToken);

    /// <inheritdoc/>
    internal override Task<UnfinishedInstances> ReadUnfinishedAsync(int most, CancellationToken cancellationToken) => Client.ReadUnfinishedAsync(most, cancellationToken);
}
