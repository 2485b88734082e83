namespace Polyphony.Core.Client;

/// <summary>What a host has to do: how many instances are unfinished, and what they wait for.</summary>
public sealed record QueueStatus
{
    /// <summary>Gets the number of unfinished instances that lists show: neither children nor mailboxes.</summary>
    public required int Unfinished { get; init; }

    /// <summary>Gets a value indicating whether all were counted; otherwise there are at least as many as the numbers say.</summary>
    public required bool IsComplete { get; init; }

    /// <summary>Gets of how many, the oldest, <see cref="States"/> tells. Less than <see cref="Unfinished"/> where there are more than a host reads at a time.</summary>
    public required int Examined { get; init; }

    /// <summary>Gets what these do.</summary>
    public required QueueStates States { get; init; }

    /// <summary>Gets the oldest; <see langword="null"/> if there is none.</summary>
    public OldestInstance? Oldest { get; init; }

    /// <summary>Gets the number of instances that count for the limits on starts: those that no other instance has started, without those that handle the messages of a mailbox.</summary>
    public required int Admitted { get; init; }

    /// <summary>Gets the limit on <see cref="Admitted"/>; <see langword="null"/>: none.</summary>
    public int? Limit { get; init; }

    /// <summary>Gets the workflows that have unfinished instances or a limit of their own, by name.</summary>
    public required IReadOnlyList<WorkflowQueue> Workflows { get; init; }

    /// <summary>Gets the deployments with limits or a pause that this process has called in the last minute.</summary>
    public required IReadOnlyList<DeploymentUse> Deployments { get; init; }

    /// <summary>Gets the messages that wait in mailboxes.</summary>
    public required WaitingMessages Mailboxes { get; init; }
}

/// <summary>How many instances are in which state. Each is in one: the first of this order that applies.</summary>
/// <param name="Pending">Accepted, and not begun: no step was taken yet, or the start time lies ahead.</param>
/// <param name="Suspended">Suspended.</param>
/// <param name="Running">A node runs, or is about to. A node that waits for children (a sub-workflow, a wide <c>forEach</c>) counts as running, whatever they do.</param>
/// <param name="Throttled">A model call waits for a limit of its deployment, or for as long as the provider has asked.</param>
/// <param name="WaitingForPeople">A question is open.</param>
/// <param name="WaitingForEvents">It waits for an event.</param>
/// <param name="WaitingForLocks">It waits for a lock.</param>
/// <param name="WaitingForTimers">It waits for a time, the delay before another attempt included.</param>
public sealed record QueueStates(
    int Pending, int Suspended, int Running, int Throttled, int WaitingForPeople, int WaitingForEvents, int WaitingForLocks, int WaitingForTimers);

/// <summary>The unfinished instance that was accepted first.</summary>
/// <param name="InstanceId">Its id.</param>
/// <param name="CreatedTime">When it was accepted.</param>
/// <param name="AgeSeconds">How many seconds ago that was.</param>
public sealed record OldestInstance(string InstanceId, DateTimeOffset CreatedTime, long AgeSeconds);

/// <summary>The unfinished instances of a workflow that count for its limit.</summary>
/// <param name="Workflow">The workflow.</param>
/// <param name="Unfinished">How many there are.</param>
/// <param name="Limit">The limit of this workflow; <see langword="null"/>: none of its own.</param>
public sealed record WorkflowQueue(string Workflow, int Unfinished, int? Limit);

/// <summary>The messages that wait in mailboxes.</summary>
/// <param name="Mailboxes">How many mailboxes were read.</param>
/// <param name="IsComplete">Whether these are all; otherwise at least as many messages wait as <paramref name="Messages"/> says.</param>
/// <param name="Messages">How many of their messages are not handled yet, those being handled included.</param>
/// <param name="OldestTime">When the oldest message that is being handled was accepted; <see langword="null"/>: none is.</param>
public sealed record WaitingMessages(int Mailboxes, bool IsComplete, long Messages, DateTimeOffset? OldestTime);

/// <summary>How much a process has used of a model deployment, against the limits. A deployment is an address with a model and a key; keys are not told.</summary>
/// <param name="Provider">The provider.</param>
/// <param name="Endpoint">Scheme, host and port of the address; <see langword="null"/>: the provider has none.</param>
/// <param name="Model">The model, as the provider calls it.</param>
/// <param name="RequestsLastMinute">The requests of the last 60 seconds; counted only where there is a limit.</param>
/// <param name="RequestsPerMinute">The limit on them, as the model that called last states it; <see langword="null"/>: none.</param>
/// <param name="TokensLastMinute">The tokens of these requests; those under way count as much as the last answer took.</param>
/// <param name="TokensPerMinute">The limit on them; <see langword="null"/>: none.</param>
/// <param name="Throttled">How many requests have a place of their own in the next time and wait for it.</param>
/// <param name="PausedUntil">Until when the provider takes no requests; <see langword="null"/>: it takes them.</param>
public sealed record DeploymentUse(
    string Provider, string? Endpoint, string Model, int RequestsLastMinute, int? RequestsPerMinute, long TokensLastMinute, long? TokensPerMinute, int Throttled, DateTimeOffset? PausedUntil)
{
    /// <summary>Gets until when nothing is sent, because every call has failed of late; a time that has passed: one call is, or will be, the first to try again. <see langword="null"/>: it answers.</summary>
    public DateTimeOffset? FailingUntil { get; init; }
}

/// <summary>Tells how much a process has used of its model deployments. Thread-safe.</summary>
public interface IDeployments
{
    /// <summary>Lists the deployments with limits or a pause that were called in the last minute.</summary>
    /// <returns>The deployments, by provider, address and model.</returns>
    IReadOnlyList<DeploymentUse> List();
}
