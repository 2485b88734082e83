using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;

namespace Polyphony.Engine.Simulation;

/// <summary>Calls the engine that runs at the time, and repeats what can be repeated when it crashes meanwhile.</summary>
internal sealed class SimulatedClient(SeededSimulation simulation) : DurableClient
{
    public override async Task<string> StartAsync(string name, string? input, StartOrchestrationOptions? options = null, CancellationToken cancellationToken = default)
    {
        for (var repeated = false; ; repeated = true)
        {
            try
            {
                return await simulation.CurrentClient.StartAsync(name, input, options, cancellationToken);
            }
            catch (InstanceExistsException) when (repeated)
            {
                // The start that the crash left in doubt was committed.
                return options!.InstanceId!;
            }
            catch (PolyphonyException e) when (e.Code == "engine_stopped" && options?.InstanceId is not null)
            {
                await Task.Yield();
            }
        }
    }

    public override Task<OrchestrationMetadata?> GetAsync(string instanceId, bool fetchInputsAndOutputs = true, CancellationToken cancellationToken = default) =>
        RepeatAsync(client => client.GetAsync(instanceId, fetchInputsAndOutputs, cancellationToken));

    public override Task<OrchestrationPage> QueryAsync(OrchestrationQuery query, CancellationToken cancellationToken = default) =>
        RepeatAsync(client => client.QueryAsync(query, cancellationToken));

    public override Task<IReadOnlyList<HistoryEvent>> GetHistoryAsync(string instanceId, long fromSequence = 0, CancellationToken cancellationToken = default) =>
        RepeatAsync(client => client.GetHistoryAsync(instanceId, fromSequence, cancellationToken));

    public override Task<OrchestrationMetadata?> WaitForChangeAsync(string instanceId, long knownVersion, CancellationToken cancellationToken = default) =>
        RepeatAsync(client => client.WaitForChangeAsync(instanceId, knownVersion, cancellationToken));

    public override Task RaiseEventAsync(string instanceId, string eventName, string? payload, CancellationToken cancellationToken = default) =>
        simulation.CurrentClient.RaiseEventAsync(instanceId, eventName, payload, cancellationToken);

    public override Task SuspendAsync(string instanceId, string? reason = null, CancellationToken cancellationToken = default) =>
        simulation.CurrentClient.SuspendAsync(instanceId, reason, cancellationToken);

    public override Task ResumeAsync(string instanceId, string? reason = null, CancellationToken cancellationToken = default) =>
        simulation.CurrentClient.ResumeAsync(instanceId, reason, cancellationToken);

    public override Task TerminateAsync(string instanceId, string? output = null, CancellationToken cancellationToken = default) =>
        simulation.CurrentClient.TerminateAsync(instanceId, output, cancellationToken);

    public override Task<string> RestartAsync(string instanceId, string? newInstanceId = null, CancellationToken cancellationToken = default) =>
        simulation.CurrentClient.RestartAsync(instanceId, newInstanceId, cancellationToken);

    public override Task RewindAsync(string instanceId, string? reason = null, CancellationToken cancellationToken = default) =>
        simulation.CurrentClient.RewindAsync(instanceId, reason, cancellationToken);

    public override Task<int> PurgeAsync(string instanceId, CancellationToken cancellationToken = default) =>
        simulation.CurrentClient.PurgeAsync(instanceId, cancellationToken);

    public override Task SignalEntityAsync(EntityId entity, string operation, string? input, CancellationToken cancellationToken = default) =>
        simulation.CurrentClient.SignalEntityAsync(entity, operation, input, cancellationToken);

    public override Task<string?> GetEntityStateAsync(EntityId entity, CancellationToken cancellationToken = default) =>
        RepeatAsync(client => client.GetEntityStateAsync(entity, cancellationToken));

    internal override Task CheckAdmissionAsync(AdmissionLimits limits, string workflow, string instanceId, CancellationToken cancellationToken) => RepeatAsync(async client =>
    {
        await client.CheckAdmissionAsync(limits, workflow, instanceId, cancellationToken);
        return true;
    });

    internal override Task<UnfinishedInstances> ReadUnfinishedAsync(int most, CancellationToken cancellationToken) =>
        RepeatAsync(client => client.ReadUnfinishedAsync(most, cancellationToken));

    private async Task<T> RepeatAsync<T>(Func<DurableClient, Task<T>> call)
    {
        while (true)
        {
            try
            {
                return await call(simulation.CurrentClient);
            }
            catch (PolyphonyException e) when (e.Code == "engine_stopped")
            {
                await Task.Yield();
            }
        }
    }
}
