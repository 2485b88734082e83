namespace Polyphony.Core.Durable;

/// <summary>The unfinished instances of an engine.</summary>
internal sealed record UnfinishedInstances
{
    /// <summary>Gets how many there are of those that lists show: neither children nor mailboxes, schedules and locks.</summary>
    public required int Count { get; init; }

    /// <summary>Gets a value indicating whether all were counted; otherwise there are at least as many.</summary>
    public required bool IsComplete { get; init; }

    /// <summary>Gets how many of them count for <see cref="AdmissionLimits"/>.</summary>
    public required int Admitted { get; init; }

    /// <summary>Gets how many of the latter each workflow has, by name.</summary>
    public required IReadOnlyDictionary<string, int> Workflows { get; init; }

    /// <summary>Gets the oldest of those that lists show, the oldest first, without inputs and outputs.</summary>
    public required IReadOnlyList<OrchestrationMetadata> Oldest { get; init; }

    /// <summary>Gets the mailboxes, as far as they were read.</summary>
    public required IReadOnlyList<OrchestrationMetadata> Mailboxes { get; init; }

    /// <summary>Gets a value indicating whether all mailboxes were read.</summary>
    public required bool HasAllMailboxes { get; init; }
}
