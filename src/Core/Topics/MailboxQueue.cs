using System.Globalization;

namespace Polyphony.Core.Topics;

/// <summary>
/// The messages that a mailbox has received and not taken yet. It gives them out in the order of their numbers, however they arrive.
/// </summary>
/// <remarks>
/// Where a topic's step may run again after a crash, one number may stand for two messages, of which the first may be one that was handled long ago. So there a message names the one before it, and
/// is taken after that one and not just after its number. A message of a step that was lost, whose predecessor was never sent, would wait for ever; it comes once more in the step that took its place,
/// and is taken as a duplicate <see cref="Remembered"/> messages later.
/// </remarks>
internal sealed class MailboxQueue
{
    /// <summary>How many of the last messages it remembers, where messages name the one before.</summary>
    public const int Remembered = 128;

    private readonly List<MailboxMessage> _waiting;
    private readonly Queue<string> _order;
    private readonly HashSet<string> _taken;

    /// <param name="lastNumber">The number of the last message that was taken.</param>
    /// <param name="waiting">Those that came before others with smaller numbers.</param>
    /// <param name="taken">The last ones that were taken, as <see cref="Taken"/> gave them.</param>
    public MailboxQueue(long lastNumber, IEnumerable<MailboxMessage> waiting, IReadOnlyList<string>? taken)
    {
        LastNumber = lastNumber;
        _waiting = [.. waiting];
        _order = new Queue<string>(taken ?? []);
        _taken = new HashSet<string>(_order, StringComparer.Ordinal);
    }

    /// <summary>Gets the largest number of those that were taken.</summary>
    public long LastNumber { get; private set; }

    /// <summary>Gets those that wait; <see langword="null"/> if there are none.</summary>
    public IReadOnlyList<MailboxMessage>? Waiting => _waiting.Count == 0 ? null : [.. _waiting];

    /// <summary>Gets the last ones that were taken, the oldest first; <see langword="null"/> where messages do not name the one before.</summary>
    public IReadOnlyList<string>? Taken => _order.Count == 0 ? null : [.. _order];

    /// <summary>Adds a message, unless it is there already or was taken.</summary>
    /// <param name="message">The message.</param>
    /// <param name="isKnown">Whether a message of its id was handled.</param>
    public void Add(MailboxMessage message, bool isKnown)
    {
        var isTaken = message.Previous is null ? message.Number <= LastNumber && isKnown : _taken.Contains(PlaceOf(message.Number, message.Key));
        if (!isTaken && !_waiting.Exists(each => each.Number == message.Number && each.Key == message.Key))
        {
            _waiting.Add(message);
        }
    }

    /// <summary>Takes the next message.</summary>
    /// <returns>The message; <see langword="null"/> if it has not arrived yet.</returns>
    public MailboxMessage? Take()
    {
        if (_waiting.Where(IsNext).MinBy(static each => each.Number) is not { } next)
        {
            return null;
        }

        _waiting.Remove(next);
        LastNumber = Math.Max(LastNumber, next.Number);
        if (next.Previous is not null && PlaceOf(next.Number, next.Key) is var place && _taken.Add(place))
        {
            _order.Enqueue(place);
            if (_order.Count > Remembered)
            {
                _taken.Remove(_order.Dequeue());
            }
        }

        return next;
    }

    private bool IsNext(MailboxMessage message) => message.Previous is not { } previous
        ? message.Number <= LastNumber + 1
        : message.Number == 1 || message.Number <= LastNumber - Remembered || _taken.Contains(PlaceOf(message.Number - 1, previous));

    private static string PlaceOf(long number, string key) => string.Create(CultureInfo.InvariantCulture, $"{number}.{key}");
}
