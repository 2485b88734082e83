using Polyphony.Core.Locks;

namespace Polyphony.Core.Tests.Locks;

[Trait("Row", "S6")]
public sealed class LockQueueTests
{
    private static readonly DateTimeOffset Start = new(2026, 11, 28, 7, 0, 0, TimeSpan.Zero);

    /// <summary>Requests and releases, each sent once or several times and some of them late, by holders of which some end without a word; the keeper goes on from its saved state now and then.</summary>
    [Fact]
    public void Lock_RandomMessages_IsGrantedInOrderToOneAtATimeAndToEverybody()
    {
        for (var seed = 0; seed < 2_000; seed++)
        {
            var random = new Random(seed);
            var queue = new LockQueue();
            var sent = new List<LockRequest>();
            var late = new List<Action>();
            var granted = new List<string>();
            var over = new HashSet<string>(StringComparer.Ordinal);
            for (var step = 0; step < 60 || queue.Holder is not null; step++)
            {
                switch (step < 60 ? random.Next(7) : 3 + random.Next(3))
                {
                    case 0:
                    case 1:
                        var request = Request(sent.Count);
                        sent.Add(request);
                        Send(request);
                        break;
                    case 2 when sent.Count > 0:
                        Send(sent[random.Next(sent.Count)]);
                        break;
                    case 3 when queue.Holder is { } holder:
                        late.Add(() => Send(holder));
                        Release(holder.Id);
                        break;
                    case 4 when queue.Waiting.Count > 0 && random.Next(3) == 0:
                        Release(queue.Waiting.ElementAt(random.Next(queue.Waiting.Count)).Id);
                        break;
                    case 5 when queue.Holder is { } holder && random.Next(3) == 0:
                        over.Add(holder.Id);
                        Tell(queue.End(holder.InstanceId));
                        break;
                    case 6 when late.Count > 0:
                        late[random.Next(late.Count)]();
                        break;
                    default:
                        queue = new LockQueue(queue.State);
                        break;
                }
            }

            // In the order in which they first came, each once, and all but those that gave up before their turn.
            var order = sent.Select(each => each.Id).Where(granted.Contains).ToList();
            Assert.True(order.SequenceEqual(granted), $"seed {seed}: {string.Join(' ', granted)}");
            Assert.True(sent.All(each => over.Contains(each.Id)), $"seed {seed}: somebody waits for ever");

            void Send(LockRequest request)
            {
                Tell(queue.Request(request, out var isRefused));
                Assert.False(isRefused);
            }

            void Release(string id)
            {
                over.Add(id);
                Tell(queue.Release(id));
            }

            void Tell(LockRequest? next)
            {
                if (next is null || (granted.Count > 0 && granted[^1] == next.Id))
                {
                    return;
                }

                Assert.True(granted.Count == 0 || over.Contains(granted[^1]), $"seed {seed}: {next.Id} beside {granted.LastOrDefault()}");
                Assert.False(over.Contains(next.Id), $"seed {seed}: {next.Id} was over");
                Assert.DoesNotContain(next.Id, granted);
                granted.Add(next.Id);
            }
        }
    }

    [Fact]
    public void Request_OfAnInstanceWithTheIdOfAnEarlierOne_EndsThatOne()
    {
        var queue = new LockQueue();
        Assert.NotNull(queue.Request(Request(1), out _));
        Assert.Null(queue.Request(Request(2), out _));
        var again = Request(1) with { Id = "again", Started = Start.AddHours(1) };
        Assert.Equal("r2", queue.Request(again, out _)!.Id);
        Assert.Equal("again", queue.Release("r2")!.Id);
    }

    [Fact]
    public void Request_OfTheHolderAgain_IsGrantedAgain()
    {
        var queue = new LockQueue();
        Assert.Equal("r1", queue.Request(Request(1), out _)!.Id);
        Assert.Equal("r1", queue.Request(Request(1), out _)!.Id);
        Assert.Null(queue.Release("r1"));
        Assert.Null(queue.Request(Request(1), out _));
        Assert.Null(queue.Holder);
    }

    [Fact]
    public void Release_BeforeItsRequest_LeavesNobodyWithTheLock()
    {
        var queue = new LockQueue();
        Assert.Null(queue.Release("r1"));
        Assert.Null(queue.Request(Request(1), out _));
        Assert.Null(queue.Holder);
    }

    [Fact]
    public void Request_WhenTooManyWait_IsRefusedAndOthersGoOn()
    {
        var queue = new LockQueue();
        for (var i = 0; i <= LockQueue.MaxWaiting; i++)
        {
            queue.Request(Request(i), out var isRefused);
            Assert.False(isRefused);
        }

        Assert.Null(queue.Request(Request(LockQueue.MaxWaiting + 1), out var last));
        Assert.True(last);
        Assert.Equal("r1", queue.Release("r0")!.Id);
        queue.Request(Request(LockQueue.MaxWaiting + 1), out last);
        Assert.False(last);
    }

    [Fact]
    public void Released_OfMany_AreForgottenInOrder()
    {
        var queue = new LockQueue();
        for (var i = 0; i <= LockQueue.MaxReleased; i++)
        {
            queue.Release($"r{i}");
        }

        Assert.Equal(LockQueue.MaxReleased, queue.State.Released!.Count);
        Assert.Equal("r1", queue.State.Released[0]);
    }

    private static LockRequest Request(int number) => new("x", $"r{number}", $"i{number}", Start, "work");
}
