using Polyphony.Core.Durable;
using Polyphony.Core.Runs;
using Polyphony.Engine.Runtime;

namespace Polyphony.Engine.Clients;

/// <summary>Reads the unfinished instances, all of which are in memory.</summary>
internal static class Unfinished
{
    private static readonly OrchestrationQuery Listed = new();

    /// <summary>Counts them, and describes the oldest.</summary>
    /// <param name="instances">The instances.</param>
    /// <param name="most">How many are described, and how many mailboxes.</param>
    /// <param name="describe">Describes one; <see langword="null"/> if it has ended meanwhile.</param>
    /// <returns>What there is.</returns>
    public static UnfinishedInstances Read(InstanceTable instances, int most, Func<Instance, OrchestrationMetadata?> describe)
    {
        var (admitted, workflows) = instances.ReadCounts();
        var listed = new List<Instance>();
        var mailboxes = new List<Instance>();
        foreach (var instance in instances.Values)
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

        return new UnfinishedInstances
        {
            Count = listed.Count,
            IsComplete = true,
            Admitted = admitted,
            Workflows = workflows,
            Oldest = Describe(listed),
            Mailboxes = Describe(mailboxes),
            HasAllMailboxes = mailboxes.Count <= most,
        };

        // Keys are given in the order of creation. What is not committed yet is left out.
        List<OrchestrationMetadata> Describe(List<Instance> found)
        {
            found.Sort(static (one, other) => one.Key.CompareTo(other.Key));
            return [.. found.Take(most).Where(instance => instance.Visible).Select(describe).OfType<OrchestrationMetadata>()];
        }
    }
}
