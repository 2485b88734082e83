using System.Text.Json;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Topics;

/// <summary>The entity that keeps a page of a mailbox's dead letters. Replaying one takes it out and sends it to its topic in one step.</summary>
internal static class DeadLetterEntity
{
    /// <summary>How many numbers share an entity: its state is read and written as a whole.</summary>
    public const int PageSize = 50;

    /// <summary>Keeps a dead letter; input <see cref="DeadLetter"/>.</summary>
    public const string Add = "add";

    /// <summary>Removes one; input the <see cref="DeadLetter"/>.</summary>
    public const string Drop = "drop";

    /// <summary>Removes one and publishes it to its mailbox again; input the <see cref="DeadLetter"/> with the definition that is to handle it.</summary>
    public const string Replay = "replay";

    public static Task<string?> RunAsync(EntityContext context)
    {
        var page = context.State is { } json ? JsonSerializer.Deserialize(json, CoreJsonContext.Default.DeadLetterPage)! : new DeadLetterPage();
        var letter = JsonSerializer.Deserialize(context.Input!, CoreJsonContext.Default.DeadLetter)!;
        var found = page.Letters.FindIndex(each => each.Number == letter.Number && each.Message.Id == letter.Message.Id);
        switch (context.Operation)
        {
            case Add when found < 0:
                page.Letters.Add(letter);
                break;
            case Drop when found >= 0:
                page.Letters.RemoveAt(found);
                break;
            case Replay when found >= 0:
                page.Letters.RemoveAt(found);
                var topic = TopicNames.Topic(letter.Message.Topic, letter.Message.Source);
                context.SignalEntity(topic, TopicEntity.Replay, JsonSerializer.Serialize(new ReplayRequest(letter.Message, letter.Time, letter.Attempts), CoreJsonContext.Default.ReplayRequest));
                break;
        }

        context.State = page.Letters.Count == 0 ? null : JsonSerializer.Serialize(page, CoreJsonContext.Default.DeadLetterPage);
        return Task.FromResult<string?>(null);
    }
}

/// <summary>The state of a <see cref="DeadLetterEntity"/>.</summary>
internal sealed record DeadLetterPage
{
    /// <summary>Gets the letters, the oldest first.</summary>
    public List<DeadLetter> Letters { get; init; } = [];
}

/// <summary>A message that could not be handled.</summary>
/// <param name="Number">Its number in the mailbox when it was given up.</param>
/// <param name="Message">The message, with its one delivery.</param>
/// <param name="Time">When it was accepted.</param>
/// <param name="FailedTime">When it was given up.</param>
/// <param name="Attempts">How many attempts were made.</param>
/// <param name="Reason">Why the last of them failed.</param>
/// <param name="RunId">The run of the last attempt.</param>
internal sealed record DeadLetter(long Number, TopicMessage Message, DateTimeOffset Time, DateTimeOffset FailedTime, int Attempts, WorkflowError Reason, string RunId);
