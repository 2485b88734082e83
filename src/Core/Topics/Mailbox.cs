using System.Text.Json;
using Polyphony.Core.Durable;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Topics;

/// <summary>A message that was accepted.</summary>
/// <param name="MessageId">Its id.</param>
/// <param name="Topic">The topic type.</param>
/// <param name="Source">The source.</param>
/// <param name="Deliveries">Who gets it.</param>
public sealed record PublishedMessage(string MessageId, string Topic, string Source, IReadOnlyList<MessageDelivery> Deliveries);

/// <summary>One subscriber of a message.</summary>
/// <param name="Workflow">The subscriber's workflow.</param>
/// <param name="Subscription">The subscription's name.</param>
/// <param name="MailboxId">The mailbox: it keeps the subscriber's messages of the source.</param>
/// <param name="RunId">The instance that will handle the message. Later attempts have ids of their own.</param>
public sealed record MessageDelivery(string Workflow, string Subscription, string MailboxId, string RunId);

/// <summary>A subscription, as it is listed.</summary>
/// <param name="Topic">The topic type.</param>
/// <param name="SourcePrefix">What the sources begin with; <see langword="null"/> for all.</param>
/// <param name="Workflow">The workflow.</param>
/// <param name="Name">The subscription's name.</param>
/// <param name="Agent">The agent that handles the messages; <see langword="null"/> if a workflow does.</param>
public sealed record TopicSubscription(string Topic, string? SourcePrefix, string Workflow, string Name, string? Agent);

/// <summary>A page of mailboxes.</summary>
/// <param name="Mailboxes">The mailboxes.</param>
/// <param name="ContinuationToken">What to pass on for the next page; <see langword="null"/> at the end. Opaque.</param>
public sealed record MailboxPage(IReadOnlyList<Mailbox> Mailboxes, string? ContinuationToken);

/// <summary>A mailbox: the messages of one subscriber and source, handled one after another.</summary>
public sealed record Mailbox
{
    /// <summary>Gets the id: that of the instance that handles the messages.</summary>
    public required string Id { get; init; }

    /// <summary>Gets the topic type.</summary>
    public required string Topic { get; init; }

    /// <summary>Gets the source.</summary>
    public required string Source { get; init; }

    /// <summary>Gets the subscriber's workflow.</summary>
    public required string Workflow { get; init; }

    /// <summary>Gets the subscription's name.</summary>
    public required string Subscription { get; init; }

    /// <summary>Gets the status; a suspended mailbox keeps its messages.</summary>
    public OrchestrationRuntimeStatus RuntimeStatus { get; init; }

    /// <summary>Gets how many messages are not handled yet, the current one included.</summary>
    public long Depth { get; init; }

    /// <summary>Gets when the oldest of them was accepted.</summary>
    public DateTimeOffset? OldestTime { get; init; }

    /// <summary>Gets how many messages were dealt with: handled, given up, or known already.</summary>
    public long Handled { get; init; }

    /// <summary>Gets how many were given up and became dead letters, those that were replayed or dropped since included.</summary>
    public long GivenUp { get; init; }

    /// <summary>Gets how many had an id that was known already.</summary>
    public long Duplicates { get; init; }

    /// <summary>Gets what is being handled; <see langword="null"/> if nothing is.</summary>
    public MailboxWork? Current { get; init; }

    /// <summary>Gets the state that the subscriber keeps for the source.</summary>
    public JsonElement? State { get; init; }

    /// <summary>Gets how many messages of the conversation are kept.</summary>
    public int ConversationMessages { get; init; }

    /// <summary>Gets when the last message was handled.</summary>
    public DateTimeOffset? LastHandledTime { get; init; }

    /// <summary>Gets what the model calls of all messages used.</summary>
    public Usage Usage { get; init; } = Usage.None;
}

/// <summary>The message that a mailbox is handling.</summary>
/// <param name="MessageId">Its id.</param>
/// <param name="RunId">The instance that handles it.</param>
/// <param name="Attempt">Which attempt this is, from 1.</param>
/// <param name="RetryTime">When the next attempt begins, if this one has failed.</param>
/// <param name="Error">Why it has failed.</param>
public sealed record MailboxWork(string MessageId, string RunId, int Attempt, DateTimeOffset? RetryTime, string? Error)
{
    /// <summary>Gets a value indicating whether it waits for its turn among the messages of all sources: as many as the subscription's <c>maxConcurrency</c> are being handled.</summary>
    public bool WaitsForPlace { get; init; }
}

/// <summary>A message that could not be handled.</summary>
/// <param name="Number">Its number among the messages of its mailbox.</param>
/// <param name="MessageId">Its id.</param>
/// <param name="Time">When it was accepted.</param>
/// <param name="FailedTime">When it was given up.</param>
/// <param name="Attempts">How many attempts were made.</param>
/// <param name="Reason">Why the last of them failed.</param>
/// <param name="RunId">The instance of the last attempt.</param>
/// <param name="Data">The data.</param>
public sealed record DeadMessage(long Number, string MessageId, DateTimeOffset Time, DateTimeOffset FailedTime, int Attempts, WorkflowError Reason, string RunId, JsonElement Data);

/// <summary>A message of a conversation.</summary>
/// <param name="Role"><c>user</c> for what came in, <c>assistant</c> for what was answered.</param>
/// <param name="Agent">The agent that answered.</param>
/// <param name="Content">What was said.</param>
public sealed record SessionMessage(string Role, string? Agent, JsonElement Content);

/// <summary>How a message was handled.</summary>
/// <param name="RunId">The instance of the last attempt.</param>
/// <param name="StopReason">How it ended.</param>
/// <param name="Output">Its output.</param>
/// <param name="Error">Why it failed, if it has.</param>
public sealed record HandledResult(string RunId, StopReason StopReason, JsonElement? Output, WorkflowError? Error);
