using Polyphony.Core.Locks;
using Polyphony.Core.Schedules;
using Polyphony.Core.Topics;

namespace Polyphony.Core.Client;

/// <summary>Ids of instances that nobody can give: those of what the program keeps by itself.</summary>
internal static class ReservedIds
{
    private static readonly (string Prefix, string Owners)[] Prefixes =
    [
        (TopicNames.Prefix, "mailboxes"),
        (ScheduleIds.OwnPrefix, "schedules"),
        (LockNames.Prefix, "locks"),
    ];

    /// <summary>Refuses an id that is reserved.</summary>
    /// <param name="instanceId">The id that somebody wants.</param>
    /// <exception cref="InstanceIdInvalidException">It begins like those of mailboxes, schedules or locks.</exception>
    public static void Check(string instanceId)
    {
        foreach (var (prefix, owners) in Prefixes)
        {
            if (instanceId.StartsWith(prefix, StringComparison.Ordinal))
            {
                throw new InstanceIdInvalidException(instanceId, $"Ids that begin with \"{prefix}\" are those of {owners}. Choose another id.");
            }
        }
    }
}
