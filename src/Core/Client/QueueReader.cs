using System.Text.Json;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Runs;
using Polyphony.Core.Topics;

namespace Polyphony.Core.Client;

/// <summary>Tells how much a host has to do, and what holds it back. Thread-safe.</summary>
/// <param name="client">The workflows.</param>
/// <param name="topics">The mailboxes.</param>
/// <param name="limits">The host's limits on starts.</param>
/// <param name="deployments">What this process calls; without it, deployments are left out.</param>
/// <param name="timeProvider">The clock; by default the system's.</param>
public sealed class QueueReader(WorkflowClient client, TopicClient topics, AdmissionLimits limits, IDeployments? deployments = null, TimeProvider? timeProvider = null)
{
    /// <summary>The maximum number of instances whose states are read. Azure Functions read fewer: see docs/http.md.</summary>
    public const int MaxExamined = 10_000;

    /// <summary>The maximum number of mailboxes that are read.</summary>
    public const int MaxMailboxes = 1_000;

    private readonly TimeProvider _timeProvider = timeProvider ?? TimeProvider.System;

    /// <summary>Reads the status. Looks at unfinished instances only, and at no more than <see cref="MaxExamined"/> of them.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The status.</returns>
    public async Task<QueueStatus> ReadAsync(CancellationToken cancellationToken = default)
    {
        var found = await client.Durable.ReadUnfinishedAsync(MaxExamined, cancellationToken);
        var names = found.Workflows.Keys.Union(limits.PerWorkflow.Keys).Order(StringComparer.Ordinal);
        return new QueueStatus
        {
            Unfinished = found.Count,
            IsComplete = found.IsComplete,
            Examined = found.Oldest.Count,
            States = Count(found.Oldest),
            Oldest = found.Oldest is [var oldest, ..] ? new OldestInstance(oldest.InstanceId, oldest.CreatedTime, AgeOf(oldest.CreatedTime)) : null,
            Admitted = found.Admitted,
            Limit = limits.MaxUnfinished,
            Workflows = [.. names.Select(name => new WorkflowQueue(name, found.Workflows.GetValueOrDefault(name), limits.PerWorkflow.TryGetValue(name, out var limit) ? limit : null))],
            Deployments = deployments?.List() ?? [],
            Mailboxes = await ReadMailboxesAsync(found, cancellationToken),
        };
    }

    /// <summary>Finds what an instance does.</summary>
    internal static QueueState StateOf(OrchestrationMetadata instance)
    {
        if (instance.RuntimeStatus != OrchestrationRuntimeStatus.Running)
        {
            return instance.RuntimeStatus == OrchestrationRuntimeStatus.Suspended ? QueueState.Suspended : QueueState.Pending;
        }

        // What is no workflow has a status of its own, or none.
        if (instance.Name != TaskNames.WorkflowOrchestration || instance.CustomStatus is not { } json
            || JsonSerializer.Deserialize(json, CoreJsonContext.Default.WorkflowProgress) is not { } progress)
        {
            return QueueState.Running;
        }

        var locked = progress.WaitingFor.Where(wait => wait.Kind == "lock").Select(wait => NodeOf(wait.Activation)).ToHashSet(StringComparer.Ordinal);
        if (progress.Nodes.Any(node => node.Status == "running" && !locked.Contains(node.Node)))
        {
            return QueueState.Running;
        }

        if (progress.Nodes.Any(node => node.WaitReason is CallWaitReasons.RetryAfter or CallWaitReasons.CircuitOpen or CallWaitReasons.RequestsPerMinute or CallWaitReasons.TokensPerMinute))
        {
            return QueueState.Throttled;
        }

        return Waits("human") ? QueueState.WaitingForPeople
            : Waits("event") ? QueueState.WaitingForEvents
            : Waits("lock") || Waits(PendingWait.Place) ? QueueState.WaitingForLocks
            : Waits("timer") || progress.Nodes.Any(node => node.WaitReason is not null) ? QueueState.WaitingForTimers
            : QueueState.Running;

        bool Waits(string kind) => progress.WaitingFor.Any(wait => wait.Kind == kind);
    }

    // "review[3]" is an activation of "review".
    private static string NodeOf(string activation) => activation.IndexOfAny(['[', '#']) is > 0 and var end ? activation[..end] : activation;

    private static QueueStates Count(IReadOnlyList<OrchestrationMetadata> instances)
    {
        var counts = new int[Enum.GetValues<QueueState>().Length];
        foreach (var instance in instances)
        {
            counts[(int)StateOf(instance)]++;
        }

        return new QueueStates(
            Of(QueueState.Pending), Of(QueueState.Suspended), Of(QueueState.Running), Of(QueueState.Throttled), Of(QueueState.WaitingForPeople), Of(QueueState.WaitingForEvents),
            Of(QueueState.WaitingForLocks), Of(QueueState.WaitingForTimers));

        int Of(QueueState state) => counts[(int)state];
    }

    private async Task<WaitingMessages> ReadMailboxesAsync(UnfinishedInstances found, CancellationToken cancellationToken)
    {
        var messages = 0L;
        DateTimeOffset? oldest = null;
        var read = 0;
        foreach (var metadata in found.Mailboxes.Take(MaxMailboxes))
        {
            if (await topics.DescribeMailboxAsync(metadata, cancellationToken) is { } mailbox)
            {
                read++;
                messages += mailbox.Depth;
                oldest = mailbox.OldestTime is { } time && !(oldest < time) ? time : oldest;
            }
        }

        return new WaitingMessages(read, found.HasAllMailboxes && found.Mailboxes.Count <= MaxMailboxes, messages, oldest);
    }

    private long AgeOf(DateTimeOffset time) => Math.Max(0, (long)(_timeProvider.GetUtcNow() - time).TotalSeconds);
}

/// <summary>What an unfinished instance does, as <see cref="QueueStates"/> counts it.</summary>
internal enum QueueState
{
    Pending,
    Suspended,
    Running,
    Throttled,
    WaitingForPeople,
    WaitingForEvents,
    WaitingForLocks,
    WaitingForTimers,
}
