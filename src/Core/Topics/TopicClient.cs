using System.Security.Cryptography;
using System.Text.Json;
using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Topics;

/// <summary>
/// Publishes messages to topics, and shows and manages the mailboxes of those who get them: what the HTTP API, the CLI and C# programs use. Thread-safe.
/// </summary>
/// <remarks>
/// A message that was accepted is handled once by each subscriber, after all that were accepted before it from the same source, and survives the process. Publishing the same message id to a topic and
/// source once more, within 7 days at least, changes nothing: that is how a publisher that does not know whether its message was accepted may try again.
/// </remarks>
/// <param name="workflows">The client of the workflows with their subscriptions.</param>
/// <param name="timeProvider">The clock for short waits; by default the system's.</param>
public sealed class TopicClient(WorkflowClient workflows, TimeProvider? timeProvider = null)
{
    private static readonly TimeSpan FirstLook = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan LongestLook = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan SendAgain = TimeSpan.FromSeconds(10);

    private readonly TopicRouter _router = new(workflows.Catalog, workflows.Pinning, workflows.Payloads);

    /// <summary>Publishes a message. Accepted, and durable, when the task completes.</summary>
    /// <param name="topic">The topic type: 1 to 63 lower-case letters, digits and <c>-</c>.</param>
    /// <param name="source">The source, such as a ticket or a customer: 1 to 128 characters.</param>
    /// <param name="data">The data.</param>
    /// <param name="messageId">The message's id, 1 to 128 characters; by default a new one.</param>
    /// <param name="cancellationToken">Ends the wait; the message may have been accepted all the same.</param>
    /// <returns>The id, and who gets the message.</returns>
    /// <exception cref="PolyphonyException"><c>topic_invalid</c>: the topic type, the source or the id is none; <c>no_subscriber</c>: nobody subscribes to it.</exception>
    /// <exception cref="SchemaViolationException">The data does not fit what a subscriber takes.</exception>
    /// <exception cref="InvalidJsonException">The data is nested too deeply, or holds half of a surrogate pair.</exception>
    /// <exception cref="WorkflowInvalidException">A subscriber, or a workflow that it uses, is not valid.</exception>
    public async Task<PublishedMessage> PublishAsync(string topic, string source, JsonElement data, string? messageId = null, CancellationToken cancellationToken = default)
    {
        workflows.Durable.CheckWritable();
        var message = await _router.RouteAsync(topic, source, messageId ?? RandomNumberGenerator.GetHexString(32, lowercase: true), data, cancellationToken);
        await SendAsync(message, cancellationToken);
        return new PublishedMessage(
            message.Id, topic, source, [.. message.Deliveries.Select(delivery => new MessageDelivery(delivery.Workflow, delivery.Subscription, delivery.Mailbox, TopicNames.Run(delivery.Mailbox, message.Id, 1)))]);
    }

    /// <summary>Lists the subscriptions of all workflows, by topic type.</summary>
    /// <returns>The subscriptions.</returns>
    public IReadOnlyList<TopicSubscription> ListSubscriptions() =>
        [.. from workflow in workflows.Catalog.List()
            from subscription in workflow.Subscriptions
            orderby subscription.Topic, workflow.Name, subscription.Name
            select new TopicSubscription(subscription.Topic, subscription.SourcePrefix, workflow.Name, subscription.Name, subscription.Agent)];

    /// <summary>Reads a mailbox.</summary>
    /// <param name="mailboxId">Its id.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The mailbox; <see langword="null"/> if it has had no message yet, or there is none of that id.</returns>
    public async Task<Mailbox?> GetMailboxAsync(string mailboxId, CancellationToken cancellationToken = default) =>
        await FindAsync(mailboxId, cancellationToken) is ({ } found, { } progress) ? await ReadAsync(found, progress, cancellationToken) : null;

    /// <summary>Lists mailboxes, the newest first.</summary>
    /// <param name="topic">The topic type wanted, or <see langword="null"/> for all. A page may hold fewer mailboxes of one type than it could.</param>
    /// <param name="pageSize">How many mailboxes are looked at: 1 to 1,000.</param>
    /// <param name="continuationToken">The token of the page before, or <see langword="null"/> for the first.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The page.</returns>
    public async Task<MailboxPage> ListMailboxesAsync(string? topic = null, int pageSize = OrchestrationQuery.DefaultPageSize, string? continuationToken = null, CancellationToken cancellationToken = default)
    {
        var page = await workflows.Durable.QueryAsync(
            new OrchestrationQuery { Name = TaskNames.MailboxOrchestration, PageSize = pageSize, ContinuationToken = continuationToken }, cancellationToken);
        var mailboxes = new List<Mailbox>();
        foreach (var each in page.Instances)
        {
            if (ProgressOf(each) is { } progress && (topic is null || progress.Topic == topic))
            {
                mailboxes.Add(await ReadAsync(each, progress, cancellationToken));
            }
        }

        return new MailboxPage(mailboxes, page.ContinuationToken);
    }

    /// <summary>Lists the dead letters of a mailbox, the oldest first.</summary>
    /// <param name="mailboxId">The mailbox.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The messages that could not be handled; <see langword="null"/> if there is no such mailbox.</returns>
    public async Task<IReadOnlyList<DeadMessage>?> ListDeadLettersAsync(string mailboxId, CancellationToken cancellationToken = default)
    {
        if (await FindAsync(mailboxId, cancellationToken) is not (_, { } progress))
        {
            return null;
        }

        var letters = new List<DeadMessage>();
        for (var page = 0L; progress.GivenUp > 0 && page <= progress.LastNumber / DeadLetterEntity.PageSize; page++)
        {
            foreach (var letter in await ReadPageAsync(mailboxId, page * DeadLetterEntity.PageSize, cancellationToken))
            {
                letters.Add(new DeadMessage(
                    letter.Number, letter.Message.Id, letter.Time, letter.FailedTime, letter.Attempts, letter.Reason, letter.RunId, await workflows.ReadAsync(letter.Message.Data, cancellationToken)));
            }
        }

        return letters;
    }

    /// <summary>Names the mailbox of a subscription and a source.</summary>
    /// <param name="subscription">The subscription.</param>
    /// <param name="source">The source.</param>
    /// <returns>The mailbox's id.</returns>
    public static string MailboxId(TopicSubscription subscription, string source) => TopicNames.Mailbox(subscription.Workflow, subscription.Name, source);

    /// <summary>Finds the subscription by which an agent is spoken to in sessions.</summary>
    /// <param name="agent">The agent, or the name of the subscription.</param>
    /// <returns>The subscription.</returns>
    /// <exception cref="PolyphonyException"><c>session_not_found</c>: there is none, or more than one.</exception>
    public TopicSubscription FindSession(string agent)
    {
        var all = ListSubscriptions();
        var found = all.Where(each => each.Name == agent).ToList();
        found = found.Count > 0 ? found : [.. all.Where(each => each.Agent == agent)];
        return found switch
        {
            [var one] => one,
            [] => throw new PolyphonyException("session_not_found", $"No agent and no subscription \"{agent}\" takes messages. {(all.Count == 0 ? "No workflow has subscriptions." : $"Known: {string.Join(", ", all.Select(each => each.Name).Distinct().Order(StringComparer.Ordinal))}.")}"),
            _ => throw new PolyphonyException("session_not_found", $"\"{agent}\" takes messages by several subscriptions: {string.Join(", ", found.Select(each => $"{each.Name} of workflow {each.Workflow}"))}. Name the subscription, or give them different names."),
        };
    }

    /// <summary>Reads the conversation of a mailbox, as far as it is kept.</summary>
    /// <param name="mailboxId">The mailbox.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The messages, oldest first; <see langword="null"/> if there is no such mailbox.</returns>
    public async Task<IReadOnlyList<SessionMessage>?> GetConversationAsync(string mailboxId, CancellationToken cancellationToken = default)
    {
        if (await FindAsync(mailboxId, cancellationToken) is not (_, { } progress))
        {
            return null;
        }

        var messages = new List<SessionMessage>();
        if (progress.Conversation is { } conversation)
        {
            foreach (var message in (await workflows.ReadAsync(conversation, cancellationToken)).Deserialize(CoreJsonContext.Default.ListContextMessage)!)
            {
                messages.Add(new SessionMessage(message.Role, message.Agent, await workflows.ReadAsync(message.Content, cancellationToken)));
            }
        }

        return messages;
    }

    /// <summary>Sends a dead letter to its mailbox again, after all that waits there, to be handled by the subscription as it is now; if there is none any more, as it was.</summary>
    /// <param name="mailboxId">The mailbox.</param>
    /// <param name="number">The letter's number.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether there was such a letter.</returns>
    public async Task<bool> ReplayAsync(string mailboxId, long number, CancellationToken cancellationToken = default)
    {
        if (await FindLetterAsync(mailboxId, number, cancellationToken) is not { } letter)
        {
            return false;
        }

        var old = letter.Message.Deliveries[0];
        if (await _router.FindAsync(old.Workflow, old.Subscription, mailboxId, cancellationToken) is { } current)
        {
            letter = letter with { Message = letter.Message with { Deliveries = [current] } };
        }

        await SignalAsync(mailboxId, letter, DeadLetterEntity.Replay, cancellationToken);
        return true;
    }

    /// <summary>Removes a dead letter for good.</summary>
    /// <param name="mailboxId">The mailbox.</param>
    /// <param name="number">The letter's number.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether there was such a letter.</returns>
    public async Task<bool> DropAsync(string mailboxId, long number, CancellationToken cancellationToken = default)
    {
        if (await FindLetterAsync(mailboxId, number, cancellationToken) is not { } letter)
        {
            return false;
        }

        await SignalAsync(mailboxId, letter, DeadLetterEntity.Drop, cancellationToken);
        return true;
    }

    /// <summary>Waits until a mailbox has handled a message: with success, or given up.</summary>
    /// <param name="delivery">The delivery, as <see cref="PublishAsync"/> returned it.</param>
    /// <param name="messageId">The message's id.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>How the message was handled.</returns>
    public async Task<HandledResult> WaitForHandledAsync(MessageDelivery delivery, string messageId, CancellationToken cancellationToken = default)
    {
        long version = 0;
        long? known = null;
        while (true)
        {
            // The run is there as soon as the message has had its turn, and the mailbox changes when it ends.
            var mailbox = await workflows.Durable.WaitForChangeAsync(delivery.MailboxId, version, cancellationToken);
            if (mailbox is null)
            {
                // The message that begins a mailbox is on its way to it.
                await Task.Delay(TimeSpan.FromMilliseconds(20), timeProvider ?? TimeProvider.System, cancellationToken);
                continue;
            }

            version = mailbox.Version;
            if (ProgressOf(mailbox) is { } progress)
            {
                if (await FindEndAsync(delivery.MailboxId, messageId, progress, known, cancellationToken) is { } end)
                {
                    return end;
                }

                known = progress.GivenUp;
            }
        }
    }

    /// <summary>
    /// Gives a message to its topic. Where signals may overtake each other after a crash, it waits until the message has its number: only then is the order fixed on which the caller may rely.
    /// </summary>
    private async Task SendAsync(TopicMessage message, CancellationToken cancellationToken)
    {
        var topic = TopicNames.Topic(message.Topic, message.Source);
        var isInOrder = workflows.Durable.KeepsSignalsInOrder;
        var signal = JsonSerializer.Serialize(message with { IsAwaited = !isInOrder }, CoreJsonContext.Default.TopicMessage);
        do
        {
            await workflows.Durable.SignalEntityAsync(topic, TopicEntity.Publish, signal, cancellationToken);
        }
        while (!isInOrder && !await HasNumberAsync(topic, message.Id, cancellationToken));
    }

    /// <summary>
    /// Waits until a message has its number. After some time it is sent once more, as the same message: a host that has crashed keeps from others what it had taken.
    /// </summary>
    private async Task<bool> HasNumberAsync(EntityId topic, string messageId, CancellationToken cancellationToken)
    {
        var clock = timeProvider ?? TimeProvider.System;
        var key = TopicNames.Key(messageId);
        var began = clock.GetTimestamp();
        for (var delay = FirstLook; clock.GetElapsedTime(began) < SendAgain; delay = delay * 2 < LongestLook ? delay * 2 : LongestLook)
        {
            await Task.Delay(delay, clock, cancellationToken);
            if (await workflows.Durable.GetEntityStateAsync(topic, cancellationToken) is { } state
                && JsonSerializer.Deserialize(state, CoreJsonContext.Default.TopicState)!.Recent?.Contains(key) == true)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Finds how a message has ended.</summary>
    /// <param name="mailboxId">The mailbox.</param>
    /// <param name="messageId">The message.</param>
    /// <param name="progress">The mailbox as it is.</param>
    /// <param name="known">How many messages had been given up when it was looked the last time; <see langword="null"/> the first time.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    private async Task<HandledResult?> FindEndAsync(string mailboxId, string messageId, MailboxProgress progress, long? known, CancellationToken cancellationToken)
    {
        // Attempts have ids of their own; as long as one follows, the message is the current one of its mailbox.
        if (progress.Current is { } current && current.Id == messageId)
        {
            return null;
        }

        HandledResult? last = null;
        for (var attempt = 1; await FindRunAsync(TopicNames.Run(mailboxId, messageId, attempt), cancellationToken) is { } run; attempt++)
        {
            if (!run.IsFinished)
            {
                return null;
            }

            last = new HandledResult(run.InstanceId, run.StopReason ?? StopReason.Failed, run.Output, run.Error);
        }

        // No run could begin for it. The mailbox names the last messages that were given up; of those before there are the letters.
        return last
            ?? (progress.LastGivenUp?.LastOrDefault(each => each.Id == messageId) is { } given ? new HandledResult(given.RunId, StopReason.Failed, null, given.Reason)
            : progress.GivenUp > (known ?? 0) + GivenUpMessage.MostKept || (known is null && progress.GivenUp > 0) ? await FindLetterOfAsync(mailboxId, messageId, cancellationToken)
            : null);
    }

    private async Task<HandledResult?> FindLetterOfAsync(string mailboxId, string messageId, CancellationToken cancellationToken) =>
        (await ListDeadLettersAsync(mailboxId, cancellationToken))?.LastOrDefault(letter => letter.MessageId == messageId) is { } dead
            ? new HandledResult(dead.RunId, StopReason.Failed, null, dead.Reason)
            : null;

    /// <summary>Finds the run of an attempt; if it could not begin since the conversation was not summarised, the run that was to do that.</summary>
    private async Task<WorkflowStatus?> FindRunAsync(string run, CancellationToken cancellationToken)
    {
        var options = new WorkflowStatusOptions(Input: false);
        return await workflows.GetAsync(run, options, cancellationToken) ?? await workflows.GetAsync(TopicNames.Summary(run), options, cancellationToken);
    }

    private async Task<(OrchestrationMetadata? Metadata, MailboxProgress? Progress)> FindAsync(string mailboxId, CancellationToken cancellationToken) =>
        await workflows.Durable.GetAsync(mailboxId, fetchInputsAndOutputs: false, cancellationToken) is { Name: TaskNames.MailboxOrchestration } found ? (found, ProgressOf(found)) : default;

    /// <summary>Describes a mailbox; <see langword="null"/> if it has had no message yet.</summary>
    internal async Task<Mailbox?> DescribeMailboxAsync(OrchestrationMetadata metadata, CancellationToken cancellationToken) =>
        ProgressOf(metadata) is { } progress ? await ReadAsync(metadata, progress, cancellationToken) : null;

    private async Task<Mailbox> ReadAsync(OrchestrationMetadata metadata, MailboxProgress progress, CancellationToken cancellationToken)
    {
        var topic = await workflows.Durable.GetEntityStateAsync(TopicNames.Topic(progress.Topic, progress.Source), cancellationToken);
        var sent = topic is null ? 0 : JsonSerializer.Deserialize(topic, CoreJsonContext.Default.TopicState)!.Mailboxes.GetValueOrDefault(metadata.InstanceId)?.Sent ?? 0;
        return new Mailbox
        {
            Id = metadata.InstanceId,
            Topic = progress.Topic,
            Source = progress.Source,
            Workflow = progress.Workflow,
            Subscription = progress.Subscription,
            RuntimeStatus = metadata.RuntimeStatus,
            Depth = Math.Max(0, sent - progress.LastNumber),
            OldestTime = progress.Current?.Time,
            Handled = progress.Handled,
            GivenUp = progress.GivenUp,
            Duplicates = progress.Duplicates,
            Current = progress.Current is { } current ? await ReadAsync(current, cancellationToken) : null,
            State = progress.State is { } state ? await workflows.ReadStateAsync(state, cancellationToken) : null,
            ConversationMessages = progress.ConversationMessages,
            LastHandledTime = progress.LastTime,
            Usage = progress.Usage,
        };
    }

    private async Task<MailboxWork> ReadAsync(MailboxCurrent current, CancellationToken cancellationToken) => new(current.Id, current.RunId, current.Attempt, current.RetryTime, current.Error)
    {
        WaitsForPlace = current.NeedsPlace
            && await workflows.Durable.GetAsync(current.RunId, fetchInputsAndOutputs: false, cancellationToken) is { IsFinished: false, CustomStatus: { } status }
            && JsonSerializer.Deserialize(status, CoreJsonContext.Default.WorkflowProgress) is { WaitingFor: [{ Kind: PendingWait.Place }] },
    };

    private static MailboxProgress? ProgressOf(OrchestrationMetadata metadata) =>
        metadata.CustomStatus is { } json ? JsonSerializer.Deserialize(json, CoreJsonContext.Default.MailboxProgress) : null;

    private async Task<DeadLetter?> FindLetterAsync(string mailboxId, long number, CancellationToken cancellationToken) =>
        (await ReadPageAsync(mailboxId, number, cancellationToken)).FirstOrDefault(letter => letter.Number == number);

    private async Task<IReadOnlyList<DeadLetter>> ReadPageAsync(string mailboxId, long number, CancellationToken cancellationToken) =>
        await workflows.Durable.GetEntityStateAsync(TopicNames.DeadLetters(mailboxId, number), cancellationToken) is { } page
            ? JsonSerializer.Deserialize(page, CoreJsonContext.Default.DeadLetterPage)!.Letters
            : [];

    private Task SignalAsync(string mailboxId, DeadLetter letter, string operation, CancellationToken cancellationToken) => workflows.Durable.SignalEntityAsync(
        TopicNames.DeadLetters(mailboxId, letter.Number), operation, JsonSerializer.Serialize(letter, CoreJsonContext.Default.DeadLetter), cancellationToken);
}
