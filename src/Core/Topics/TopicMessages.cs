using System.Globalization;
using System.Text.Json.Serialization;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Topics;

/// <summary>The input of <see cref="TaskNames.Publish"/>.</summary>
/// <param name="RootInstanceId">The instance that keeps what is evaluated.</param>
/// <param name="Topic">The topic type.</param>
/// <param name="MessageId">The message's id, unless <paramref name="Message"/> gives one.</param>
/// <param name="Message">An object with <c>source</c>, <c>data</c> and perhaps <c>messageId</c>.</param>
internal sealed record PublishCall(string RootInstanceId, string Topic, string MessageId, Payload Message);

/// <summary>The output of <see cref="TaskNames.Publish"/>. Exactly one is set.</summary>
/// <param name="Message">The message, with those who get it.</param>
/// <param name="Error">Why there is none.</param>
internal sealed record PublishResult(TopicMessage? Message, CallError? Error = null);

/// <summary>A message on its way to the mailboxes of those who get it: the input of <see cref="TopicEntity.Publish"/>.</summary>
/// <param name="Id">The message's id.</param>
/// <param name="Topic">The topic type.</param>
/// <param name="Source">The source.</param>
/// <param name="Data">The data. What lies in the payload store is kept for each of the mailboxes.</param>
/// <param name="Deliveries">Who gets it.</param>
internal sealed record TopicMessage(string Id, string Topic, string Source, Payload Data, IReadOnlyList<Delivery> Deliveries)
{
    /// <summary>Gets a value indicating whether its publisher waits until it has its numbers.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool IsAwaited { get; init; }
}

/// <summary>One subscriber of a message, as it was when the message was accepted.</summary>
/// <param name="Mailbox">The mailbox: the instance that handles the subscriber's messages of the source.</param>
/// <param name="Subscription">The subscription's name.</param>
/// <param name="Workflow">The workflow that it belongs to.</param>
/// <param name="Definition">The hash of the pinned definition that handles the message.</param>
/// <param name="SubWorkflows">The hashes of the workflows pinned with it, by name.</param>
internal sealed record Delivery(string Mailbox, string Subscription, string Workflow, string Definition, IReadOnlyDictionary<string, string>? SubWorkflows = null);

/// <summary>A message in a mailbox.</summary>
internal sealed record MailboxMessage
{
    /// <summary>Gets its place in the mailbox, from 1, without gaps: messages are handled in this order, however they arrive.</summary>
    public required long Number { get; init; }

    /// <summary>Gets the message's id.</summary>
    public required string Id { get; init; }

    /// <summary>Gets when it was accepted.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>Gets the data.</summary>
    public required Payload Data { get; init; }

    /// <summary>Gets the hash of the pinned definition that handles it.</summary>
    public required string Definition { get; init; }

    /// <summary>Gets the hashes of the workflows pinned with it, by name.</summary>
    public IReadOnlyDictionary<string, string>? SubWorkflows { get; init; }

    /// <summary>Gets how many attempts were made before it became a dead letter and was replayed; 0 for a message that was published.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int EarlierAttempts { get; init; }

    /// <summary>Gets the <see cref="Key"/> of the message whose number is one less, empty for the first; <see langword="null"/> where no number can stand for two messages.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Previous { get; init; }

    /// <summary>Gets what the message is remembered by. Each replay of a dead letter is a message of its own.</summary>
    [JsonIgnore]
    public string Key => TopicNames.Key(EarlierAttempts == 0 ? Id : string.Create(CultureInfo.InvariantCulture, $"{Id}\n{EarlierAttempts}"));
}

/// <summary>The message that a run handles.</summary>
/// <param name="Scope">What expressions read of it.</param>
/// <param name="State">The state of the source; <see langword="null"/> if there is none yet.</param>
/// <param name="Conversation">The conversation so far, a list of <see cref="ContextMessage"/>: questions and answers in turn.</param>
/// <param name="ConversationMessages">How many messages that is.</param>
internal sealed record HandledMessage(MessageScope Scope, IReadOnlyDictionary<string, Payload>? State = null, Payload? Conversation = null, int ConversationMessages = 0);

/// <summary>What a <c>publish</c> node gives.</summary>
/// <param name="MessageId">The message's id.</param>
/// <param name="Topic">The topic type.</param>
/// <param name="Source">The source.</param>
/// <param name="Mailboxes">The mailboxes that get it.</param>
internal sealed record PublishReceipt(string MessageId, string Topic, string Source, IReadOnlyList<string> Mailboxes);
