using Polyphony.Core.Payloads;
using Polyphony.Core.Topics;

namespace Polyphony.Core.Tests.Topics;

[Trait("Row", "R4")]
[Trait("Row", "R5")]
public sealed class MailboxQueueTests
{
    private const int Messages = 12;

    [Fact]
    public void Take_NumbersThatStandForOneMessageEach_GivesThemInOrder()
    {
        var queue = new MailboxQueue(0, [Message(1, "a")], null);
        Assert.Equal("a", queue.Take()!.Id);
        queue.Add(Message(3, "c"), isKnown: false);
        Assert.Null(queue.Take());
        queue.Add(Message(2, "b"), isKnown: false);
        queue.Add(Message(2, "b"), isKnown: false);
        queue.Add(Message(1, "a"), isKnown: true);

        Assert.Equal("b", queue.Take()!.Id);
        Assert.Equal("c", queue.Take()!.Id);
        Assert.Null(queue.Take());
        Assert.Equal((3, null, null), (queue.LastNumber, queue.Waiting, queue.Taken));
    }

    /// <summary>A lost step gave number 2 to a message that is there already; the step that took its place gave it to another, which is late.</summary>
    [Fact]
    public void Take_NumberOfALostStep_IsNotMistakenForTheOneThatIsLate()
    {
        var queue = new MailboxQueue(0, [Message(1, "a", "")], null);
        Assert.Equal("a", queue.Take()!.Id);
        queue.Add(Message(2, "a", "a"), isKnown: true);
        Assert.Equal("a", queue.Take()!.Id);

        queue.Add(Message(3, "a", "b"), isKnown: true);
        queue.Add(Message(4, "c", "a"), isKnown: false);
        Assert.Null(queue.Take());
        queue = new MailboxQueue(queue.LastNumber, queue.Waiting!, queue.Taken);
        queue.Add(Message(2, "b", "a"), isKnown: false);

        Assert.Equal("bac", string.Concat(Enumerable.Range(0, 3).Select(_ => queue.Take()!.Id)));
    }

    /// <summary>What follows a message that was never sent does not stop the others, and does not stay for ever.</summary>
    [Fact]
    public void Take_SuccessorOfAMessageThatWasNeverSent_GoesWhenItIsFarBehind()
    {
        var queue = new MailboxQueue(0, [Message(1, "0", "")], null);
        queue.Take();
        queue.Add(Message(3, "lost", "never"), isKnown: false);
        for (var number = 2; number <= MailboxQueue.Remembered + 2; number++)
        {
            queue.Add(Message(number, $"{number - 1}", $"{number - 2}"), isKnown: false);
            Assert.Equal($"{number - 1}", queue.Take()!.Id);
            Assert.Single(queue.Waiting!);
        }

        queue.Add(Message(MailboxQueue.Remembered + 3, "last", $"{MailboxQueue.Remembered + 1}"), isKnown: false);
        Assert.Equal(["last", "lost"], new[] { queue.Take()!.Id, queue.Take()!.Id }.Order(StringComparer.Ordinal));
        Assert.Null(queue.Waiting);
        Assert.Equal(MailboxQueue.Remembered, queue.Taken!.Count);
    }

    /// <summary>
    /// A publisher that sends each message twice and goes on once its topic has numbered it; steps of the topic that are lost after a part of what they sent, and run again with their messages in another
    /// order; events that arrive in any order, and some twice.
    /// </summary>
    [Fact]
    public void Take_LostStepsAndEventsInAnyOrder_KeepsTheOrderOfPublishing()
    {
        var lost = 0;
        for (var seed = 1; seed <= 500; seed++)
        {
            var world = new World(new Random(seed));
            while (!world.IsDone)
            {
                world.Turn();
            }

            Assert.True(Enumerable.Range(1, Messages).Select(i => $"{i}").SequenceEqual(world.Handled), $"Seed {seed}: {string.Join(' ', world.Handled)}");
            lost += world.Lost;
        }

        Assert.True(lost > 1_000, $"{lost}");
    }

    private static MailboxMessage Message(long number, string id, string? previous = null) => new()
    {
        Number = number,
        Id = id,
        Time = DateTimeOffset.UnixEpoch,
        Data = Payload.Null,
        Definition = "d",
        Previous = string.IsNullOrEmpty(previous) ? previous : TopicNames.Key(previous),
    };

    private sealed class World(Random random)
    {
        private readonly List<string> _signals = [];
        private readonly List<MailboxMessage> _events = [];
        private readonly HashSet<string> _numbered = [];
        private MailboxQueue _queue = new(0, [], null);
        private int _published;
        private long _sent;
        private string _last = "";

        public List<string> Handled { get; } = [];

        public int Lost { get; private set; }

        public bool IsDone => Handled.Count >= Messages && _signals.Count == 0 && _events.Count == 0;

        public void Turn()
        {
            switch (random.Next(3))
            {
                case 0 when _published < Messages && (_published == 0 || _numbered.Contains($"{_published}")):
                    _published++;
                    _signals.AddRange([$"{_published}", $"{_published}"]);
                    break;
                case 1 when _signals.Count > 0:
                    Step();
                    break;
                case 2 when _events.Count > 0:
                    Arrive();
                    break;
            }
        }

        private void Step()
        {
            var taken = Enumerable.Range(0, random.Next(1, _signals.Count + 1)).Select(_ => Draw(_signals)).ToList();
            var sent = new List<MailboxMessage>();
            foreach (var id in taken)
            {
                sent.Add(Message(_sent + sent.Count + 1, id, sent.Count == 0 ? _last : sent[^1].Id));
            }

            if (random.Next(2) == 0)
            {
                Lost++;
                _events.AddRange(sent.Take(random.Next(sent.Count + 1)));
                _signals.AddRange(taken);
                return;
            }

            _events.AddRange(sent);
            _numbered.UnionWith(taken);
            _sent += sent.Count;
            _last = sent[^1].Id;
        }

        private void Arrive()
        {
            var message = Draw(_events);
            if (random.Next(10) == 0)
            {
                _events.Add(message);
            }

            _queue.Add(message, Handled.Contains(message.Id));
            while (_queue.Take() is { } next)
            {
                if (!Handled.Contains(next.Id))
                {
                    Handled.Add(next.Id);
                }
            }

            // As at the end of a generation.
            _queue = new MailboxQueue(_queue.LastNumber, _queue.Waiting ?? [], _queue.Taken);
        }

        private T Draw<T>(List<T> from)
        {
            var at = random.Next(from.Count);
            var drawn = from[at];
            from.RemoveAt(at);
            return drawn;
        }
    }
}
