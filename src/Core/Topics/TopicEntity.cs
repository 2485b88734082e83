using System.Text.Json;
using System.Text.Json.Serialization;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Topics;

/// <summary>
/// The entity of a topic. It gives each message its number in each of the mailboxes that get it, begins a mailbox with its first message, and passes the others on, all in one step: a message reaches
/// every subscriber or none.
/// </summary>
/// <remarks>
/// A mailbox that has just been begun may not exist yet on an engine where that takes a message of its own. Until it says that it is there, its messages wait here.
/// On such an engine a step may also run again after a crash, with other messages, when what it sent is on its way already: the same number then stands for two messages. Mailboxes tell them apart by
/// their ids, and each message names the one before it (<see cref="MailboxQueue"/>).
/// </remarks>
internal static class TopicEntity
{
    /// <summary>Takes a message in; input <see cref="TopicMessage"/>.</summary>
    public const string Publish = "publish";

    /// <summary>A mailbox is there; input <see cref="OpenMailbox"/>.</summary>
    public const string Open = "open";

    /// <summary>Takes a dead letter in again; input <see cref="ReplayRequest"/>.</summary>
    public const string Replay = "replay";

    public static Task<string?> RunAsync(EntityContext context)
    {
        var state = context.State is { } json ? JsonSerializer.Deserialize(json, CoreJsonContext.Default.TopicState)! : new TopicState();
        switch (context.Operation)
        {
            case Publish:
                var message = JsonSerializer.Deserialize(context.Input!, CoreJsonContext.Default.TopicMessage)!;
                if (message.IsAwaited)
                {
                    state.Note(message.Id);
                }

                foreach (var delivery in message.Deliveries)
                {
                    Deliver(context, state, message, delivery, context.CurrentUtcDateTime, 0);
                }

                break;
            case Replay:
                var replay = JsonSerializer.Deserialize(context.Input!, CoreJsonContext.Default.ReplayRequest)!;
                Deliver(context, state, replay.Message, replay.Message.Deliveries[0], replay.Time, replay.Attempts);
                break;
            case Open:
                OpenUp(context, state, JsonSerializer.Deserialize(context.Input!, CoreJsonContext.Default.OpenMailbox)!);
                break;
        }

        context.State = JsonSerializer.Serialize(state, CoreJsonContext.Default.TopicState);
        return Task.FromResult<string?>(null);
    }

    private static void OpenUp(EntityContext context, TopicState state, OpenMailbox opened)
    {
        if (!state.Mailboxes.TryGetValue(opened.Mailbox, out var mailbox))
        {
            // Begun in a step that a crash has undone: its message comes once more.
            state.Mailboxes[opened.Mailbox] = new TopicMailbox();
            return;
        }

        var waiting = mailbox.Waiting ?? [];
        mailbox.Waiting = null;
        foreach (var each in waiting.Where(each => each.Number != 1 || each.Id != opened.First))
        {
            Send(context, opened.Mailbox, each);
        }
    }

    private static void Deliver(EntityContext context, TopicState state, TopicMessage message, Delivery delivery, DateTimeOffset time, int attempts)
    {
        var isNew = !state.Mailboxes.TryGetValue(delivery.Mailbox, out var mailbox);
        if (mailbox is null)
        {
            state.Mailboxes[delivery.Mailbox] = mailbox = new TopicMailbox { Waiting = [] };
        }

        var numbered = new MailboxMessage
        {
            Previous = context.CommitsAtOnce ? null : mailbox.LastKey ?? "",
            Number = ++mailbox.Sent,
            Id = message.Id,
            Time = time,
            Data = message.Data,
            Definition = delivery.Definition,
            SubWorkflows = delivery.SubWorkflows,
            EarlierAttempts = attempts,
        };
        if (!context.CommitsAtOnce)
        {
            mailbox.LastKey = numbered.Key;
        }

        if (isNew)
        {
            mailbox.Waiting!.Add(numbered);
            var input = new MailboxInput(message.Topic, message.Source, delivery.Workflow, delivery.Subscription) { First = numbered };
            context.StartOrchestration(TaskNames.MailboxOrchestration, JsonSerializer.Serialize(input, CoreJsonContext.Default.MailboxInput), delivery.Mailbox);
        }
        else if (mailbox.Waiting is { } waiting)
        {
            waiting.Add(numbered);
        }
        else
        {
            Send(context, delivery.Mailbox, numbered);
        }
    }

    private static void Send(EntityContext context, string mailbox, MailboxMessage message) =>
        context.SendEvent(mailbox, EventNames.Message, JsonSerializer.Serialize(message, CoreJsonContext.Default.MailboxMessage));
}

/// <summary>The state of the entity of a topic.</summary>
internal sealed record TopicState
{
    private const int MostRecent = 128;

    /// <summary>Gets the mailboxes that have had a message.</summary>
    public Dictionary<string, TopicMailbox> Mailboxes { get; init; } = new(StringComparer.Ordinal);

    /// <summary>Gets or sets the last messages whose publishers wait for their numbers, by <see cref="TopicNames.Key"/>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public List<string>? Recent { get; set; }

    /// <summary>Notes that a message has its numbers.</summary>
    public void Note(string messageId)
    {
        Recent ??= [];
        Recent.Add(TopicNames.Key(messageId));
        if (Recent.Count > MostRecent)
        {
            Recent.RemoveAt(0);
        }
    }
}

/// <summary>What a topic knows of a mailbox.</summary>
internal sealed record TopicMailbox
{
    /// <summary>Gets or sets how many messages the mailbox was sent.</summary>
    public long Sent { get; set; }

    /// <summary>Gets or sets the <see cref="MailboxMessage.Key"/> of the last one, where a message names the one before it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? LastKey { get; set; }

    /// <summary>Gets or sets the messages that wait until the mailbox is there; <see langword="null"/> once it is.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public List<MailboxMessage>? Waiting { get; set; }
}

/// <summary>The input of <see cref="TopicEntity.Open"/>.</summary>
/// <param name="Mailbox">The mailbox that is there.</param>
/// <param name="First">The id of the message that it was begun with.</param>
internal sealed record OpenMailbox(string Mailbox, string First);

/// <summary>The input of <see cref="TopicEntity.Replay"/>.</summary>
/// <param name="Message">The message, for the one mailbox.</param>
/// <param name="Time">When it was accepted.</param>
/// <param name="Attempts">How many attempts were made before.</param>
internal sealed record ReplayRequest(TopicMessage Message, DateTimeOffset Time, int Attempts);
