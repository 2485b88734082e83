using Polyphony.Core.Durable;
using Polyphony.Core.Runs;
using Polyphony.Engine.Runtime;

namespace Polyphony.Engine.Clients;

/// <content>Counts of unfinished instances, all of which are in memory.</content>
internal sealed partial class EmbeddedClient
{
    private static readonly OrchestrationQuery Listed = new();

    internal override Task CheckAdmissionAsync(AdmissionLimits limits, string workflow, string instanceId, CancellationToken cancellationToken)
    {
        CheckRunning();
        return kernel.Instances.FindExcess(limits, workflow) is { } excess && Find(instanceId, fetch: false) is null ? throw excess : Task.CompletedTask;
    }

    internal override Task<UnfinishedInstances> ReadUnfinishedAsync(int most, CancellationToken cancellationToken)
    {
        CheckRunning();
        cancellationToken.ThrowIfCancellationRequested();
        var (admitted, workflows) = kernel.Instances.ReadCounts();
        var listed = new List<Instance>();
        var mailboxes = new List<Instance>();
        foreach (var instance in kernel.Instances.Values)
        {
            if (instance.Row.Name == TaskNames.MailboxOrchestration)
            {
                mailboxes.Add(instance);
            }
            else if (Listed.Wants(instance.Row.Name, instance.Row.ParentId))
            {
                listed.Add(instance);
            }
        }

        return Task.FromResult(new UnfinishedInstances
        {
            Count = listed.Count,
            IsComplete = true,
            Admitted = admitted,
            Workflows = workflows,
            Oldest = Describe(listed, most),
            Mailboxes = Describe(mailboxes, most),
            HasAllMailboxes = mailboxes.Count <= most,
        });
    }

    // Keys are given in the order of creation. What ends or is not committed meanwhile is left out.
    private List<OrchestrationMetadata> Describe(List<Instance> instances, int most)
    {
        instances.Sort(static (one, other) => one.Key.CompareTo(other.Key));
        return [.. instances.Take(most).Where(instance => instance.Visible).Select(instance => Describe(instance, fetch: false)).OfType<OrchestrationMetadata>()];
    }
}
