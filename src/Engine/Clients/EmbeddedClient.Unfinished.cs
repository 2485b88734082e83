using Polyphony.Core.Durable;

namespace Polyphony.Engine.Clients;

/// <content>Counts of unfinished instances.</content>
internal sealed partial class EmbeddedClient
{
    internal override Task CheckAdmissionAsync(AdmissionLimits limits, string workflow, string instanceId, CancellationToken cancellationToken)
    {
        CheckRunning();
        return kernel.Instances.FindExcess(limits, workflow) is { } excess && Find(instanceId, fetch: false) is null ? throw excess : Task.CompletedTask;
    }

    internal override Task<UnfinishedInstances> ReadUnfinishedAsync(int most, CancellationToken cancellationToken)
    {
        CheckRunning();
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(Unfinished.Read(kernel.Instances, most, instance => Describe(instance, fetch: false)));
    }
}
