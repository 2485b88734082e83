using System.Text.Json.Serialization;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Topics;

/// <summary>The input of <see cref="TaskNames.MailboxOrchestration"/>.</summary>
/// <param name="Topic">The topic type.</param>
/// <param name="Source">The source.</param>
/// <param name="Workflow">The subscriber's workflow.</param>
/// <param name="Subscription">The subscription's name.</param>
internal sealed record MailboxInput(string Topic, string Source, string Workflow, string Subscription)
{
    /// <summary>Gets the message that began the mailbox, in its first generation.</summary>
    public MailboxMessage? First { get; init; }

    /// <summary>Gets where an earlier generation left off.</summary>
    public MailboxState? State { get; init; }

    /// <summary>Gets <see cref="State"/> when it is too large to be passed on as it is: text in the payload store, in parts.</summary>
    public IReadOnlyList<Payload>? StoredState { get; init; }
}

/// <summary>What a mailbox knows between two messages.</summary>
internal sealed record MailboxState
{
    /// <summary>Gets the number of the last message that was dealt with.</summary>
    public long LastNumber { get; init; }

    /// <summary>Gets how many messages were dealt with: handled, given up, or known already.</summary>
    public long Handled { get; init; }

    /// <summary>Gets how many were given up.</summary>
    public long GivenUp { get; init; }

    /// <summary>Gets the last messages that were given up, up to <see cref="GivenUpMessage.MostKept"/>, the newest last.</summary>
    public IReadOnlyList<GivenUpMessage>? LastGivenUp { get; init; }

    /// <summary>Gets how many had an id that was known already.</summary>
    public long Duplicates { get; init; }

    /// <summary>Gets messages that came before others with smaller numbers.</summary>
    public IReadOnlyList<MailboxMessage>? Early { get; init; }

    /// <summary>Gets the last messages that were taken, where each message names the one before it: <see cref="MailboxQueue.Taken"/>.</summary>
    public IReadOnlyList<string>? Taken { get; init; }

    /// <summary>Gets the message ids of the last days, as <see cref="TopicNames.Key"/> makes them, one after another: by the day since 1970 on which they came.</summary>
    public IReadOnlyDictionary<int, string>? Seen { get; init; }

    /// <summary>Gets the state that the subscriber keeps for the source.</summary>
    public IReadOnlyDictionary<string, Payload>? State { get; init; }

    /// <summary>Gets the conversation, a list of <see cref="ContextMessage"/>.</summary>
    public Payload? Conversation { get; init; }

    /// <summary>Gets how many messages the conversation has.</summary>
    public int ConversationMessages { get; init; }

    /// <summary>Gets the sizes of the last messages of the conversation, in bytes of UTF-8 JSON, where it is summarised when it gets long.</summary>
    public IReadOnlyList<long>? ConversationSizes { get; init; }

    /// <summary>Gets when the last message was handled.</summary>
    public DateTimeOffset? LastTime { get; init; }

    /// <summary>Gets what all model calls used.</summary>
    public Usage Usage { get; init; } = Usage.None;
}

/// <summary>What a mailbox shows of itself: its custom status.</summary>
internal sealed record MailboxProgress
{
    /// <summary>Gets the topic type.</summary>
    public required string Topic { get; init; }

    /// <summary>Gets the source.</summary>
    public required string Source { get; init; }

    /// <summary>Gets the subscriber's workflow.</summary>
    public required string Workflow { get; init; }

    /// <summary>Gets the subscription's name.</summary>
    public required string Subscription { get; init; }

    /// <summary>Gets the number of the last message that was dealt with.</summary>
    public long LastNumber { get; init; }

    /// <summary>Gets how many messages were dealt with: handled, given up, or known already.</summary>
    public long Handled { get; init; }

    /// <summary>Gets how many were given up.</summary>
    public long GivenUp { get; init; }

    /// <summary>Gets the last messages that were given up, up to <see cref="GivenUpMessage.MostKept"/>, the newest last.</summary>
    public IReadOnlyList<GivenUpMessage>? LastGivenUp { get; init; }

    /// <summary>Gets how many had an id that was known already.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long Duplicates { get; init; }

    /// <summary>Gets the message that is being handled.</summary>
    public MailboxCurrent? Current { get; init; }

    /// <summary>Gets the subscriber's state for the source.</summary>
    public IReadOnlyDictionary<string, Payload>? State { get; init; }

    /// <summary>Gets the conversation, a list of <see cref="ContextMessage"/>.</summary>
    public Payload? Conversation { get; init; }

    /// <summary>Gets how many messages the conversation has.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int ConversationMessages { get; init; }

    /// <summary>Gets when the last message was handled.</summary>
    public DateTimeOffset? LastTime { get; init; }

    /// <summary>Gets what all model calls used.</summary>
    public Usage Usage { get; init; } = Usage.None;
}

/// <summary>The message that a mailbox is handling.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Time">When it was accepted.</param>
/// <param name="RunId">The run that handles it.</param>
/// <param name="Attempt">Which attempt this is, from 1.</param>
/// <param name="RetryTime">When the next attempt begins, if the last one has failed.</param>
/// <param name="Error">Why it failed.</param>
internal sealed record MailboxCurrent(string Id, DateTimeOffset Time, string RunId, int Attempt, DateTimeOffset? RetryTime = null, string? Error = null)
{
    /// <summary>Gets a value indicating whether the run takes a place among those of the subscription before it begins.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool NeedsPlace { get; init; }
}

/// <summary>A message that was given up, for whoever waits for it: its dead letter comes a moment later.</summary>
/// <param name="Id">Its id.</param>
/// <param name="RunId">The run of the last attempt; there may be none.</param>
/// <param name="Reason">Why.</param>
internal sealed record GivenUpMessage(string Id, string RunId, WorkflowError Reason)
{
    /// <summary>How many of them a mailbox names: whoever waits for one looks at every change, and may be late by that many. Letters are sent, and arrive later.</summary>
    public const int MostKept = 8;

    /// <summary>The maximum number of characters of the reason's message.</summary>
    public const int MaxReasonLength = 500;
}
