using System.Text.Json;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Topics;

namespace Polyphony.Core.Runs;

/// <summary>
/// Where the messages of a run go that it publishes: to their topics at once, or, in a run that handles a message itself, to the end of the run, so that they are sent in the same step in which that
/// message is acknowledged.
/// </summary>
/// <param name="context">The orchestration.</param>
/// <param name="areHeld">Whether they wait for the end of the run.</param>
internal sealed class Publications(OrchestrationContext context, bool areHeld)
{
    /// <summary>How much the messages may take together that a run holds: its result, with all else, must fit one history event.</summary>
    public const int MaxHeldBytes = 24 * 1024;

    private readonly List<TopicMessage> _held = [];
    private int _bytes;

    /// <summary>Gets a value indicating whether messages wait for the end of the run.</summary>
    public bool AreHeld => areHeld;

    /// <summary>Gets the messages that wait, in the order in which they were published; <see langword="null"/> if there are none.</summary>
    public IReadOnlyList<TopicMessage>? Held => _held.Count == 0 ? null : [.. _held];

    /// <summary>Takes up what an earlier generation held.</summary>
    public void Restore(IReadOnlyList<TopicMessage>? held)
    {
        foreach (var message in held ?? [])
        {
            _held.Add(message);
            _bytes += SizeOf(message);
        }
    }

    /// <summary>Publishes a message.</summary>
    /// <returns>Why not; <see langword="null"/>: it is published, or will be.</returns>
    public CallError? Add(TopicMessage message)
    {
        if (!areHeld)
        {
            Send(context, message);
            return null;
        }

        // After a failure, the same node publishes the same once more.
        if (_held.Exists(each => each.Id == message.Id && each.Topic == message.Topic && each.Source == message.Source))
        {
            return null;
        }

        var bytes = SizeOf(message);
        if (_bytes + bytes > MaxHeldBytes)
        {
            return new CallError(
                ErrorCodes.TooManyPublished,
                $"What the handling of one message publishes takes more than {MaxHeldBytes:N0} bytes, data in the payload store aside: publish fewer messages, or one with a list.",
                ErrorKind.Terminal);
        }

        _held.Add(message);
        _bytes += bytes;
        return null;
    }

    /// <summary>Publishes what a sub-workflow has held.</summary>
    /// <returns>Why not; <see langword="null"/>: all is published, or will be.</returns>
    public CallError? Take(IReadOnlyList<TopicMessage>? held)
    {
        foreach (var message in held ?? [])
        {
            if (Add(message) is { } refused)
            {
                return refused;
            }
        }

        return null;
    }

    /// <summary>Sends a message to its topic.</summary>
    public static void Send(OrchestrationContext context, TopicMessage message) => context.SignalEntity(
        TopicNames.Topic(message.Topic, message.Source), TopicEntity.Publish, JsonSerializer.Serialize(message, CoreJsonContext.Default.TopicMessage));

    private static int SizeOf(TopicMessage message) => JsonSerializer.SerializeToUtf8Bytes(message, CoreJsonContext.Default.TopicMessage).Length;
}
