using Polyphony.Core.Locks;

namespace Polyphony.Core.Tests.Locks;

[Trait("Row", "S6")]
public sealed class LockQueueTests
{
    private static readonly DateTimeOffset Start = new(2026, 11, 28, 7, 0, 0, TimeSpan.Zero);

    /// <summary>
    /// Requests and releases, each sent once or several times and some of them late, by holders of which some end without a word; the keeper goes on from its saved state now and then, and the number
    /// of places changes.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    [Trait("Row", "R4")]
    public void Lock_RandomMessages_IsGrantedInOrderToAsManyAsThereArePlacesAndToEverybody(int most)
    {
        var widest = 0;
        for (var seed = 0; seed < 2_000; seed++)
        {
            var random = new Random(seed);
            var queue = new LockQueue();
            var sent = new List<LockRequest>();
            var late = new List<Action>();
            var granted = new List<string>();
            var over = new HashSet<string>(StringComparer.Ordinal);
            var places = 1;
            for (var step = 0; step < 60 || queue.Holders.Count > 0; step++)
            {
                switch (step < 60 ? random.Next(7) : 3 + random.Next(3))
                {
                    case 0:
                    case 1:
                        places = most == 1 ? 1 : random.Next(1, most + 1);
                        var request = Request(sent.Count) with { Places = most == 1 ? null : new LockPlaces(places, Start.AddSeconds(sent.Count)) };
                        sent.Add(request);
                        Send(request);
                        break;
                    case 2 when sent.Count > 0:
                        Send(sent[random.Next(sent.Count)]);
                        break;
                    case 3 when queue.Holders.Count > 0:
                        var holder = queue.Holders[random.Next(queue.Holders.Count)];
                        late.Add(() => Send(holder));
                        Release(holder.Id);
                        break;
                    case 4 when queue.Waiting.Count > 0 && random.Next(3) == 0:
                        Release(queue.Waiting.ElementAt(random.Next(queue.Waiting.Count)).Id);
                        break;
                    case 5 when queue.Holders.Count > 0 && random.Next(3) == 0:
                        var ended = queue.Holders[random.Next(queue.Holders.Count)];
                        over.Add(ended.Id);
                        Tell(queue.End(ended.InstanceId));
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

            void Tell(IReadOnlyList<LockRequest> told)
            {
                foreach (var next in told.Where(next => over.Contains(next.Id) || !granted.Contains(next.Id)))
                {
                    Assert.False(over.Contains(next.Id), $"seed {seed}: {next.Id} was over");
                    granted.Add(next.Id);
                    var atWork = granted.Count(id => !over.Contains(id));
                    Assert.True(atWork <= places, $"seed {seed}: {atWork} at {places} places");
                    widest = Math.Max(widest, atWork);
                }

                var free = places - granted.Count(id => !over.Contains(id));
                Assert.True(free <= 0 || queue.Waiting.Count == 0, $"seed {seed}: {queue.Waiting.Count} wait beside {free} free places");
            }
        }

        Assert.Equal(most, widest);
    }

    [Fact]
    [Trait("Row", "R4")]
    public void Places_AreAsManyAsWasSettledLast_InWhicheverOrderTheRequestsCome()
    {
        var queue = new LockQueue();
        foreach (var (number, count, time) in new[] { (1, 1, 1), (2, 1, 1), (3, 1, 1), (4, 1, 1) })
        {
            queue.Request(Limited(number, count, time), out _);
        }

        // Two more places for those that wait, and none for the one that told of them.
        Assert.Equal(["r2", "r3"], queue.Request(Limited(5, 3, 2), out _).Select(each => each.Id));
        Assert.Empty(queue.Request(Limited(6, 1, 1), out _));
        Assert.Equal(["r4"], queue.Release("r1").Select(each => each.Id));

        // Fewer: nobody loses a place, and the next comes when there is room.
        queue = new LockQueue(queue.State);
        Assert.Empty(queue.Request(Limited(7, 1, 3), out _));
        Assert.Empty(queue.Release("r2"));
        Assert.Empty(queue.Release("r3"));
        Assert.Equal(["r5"], queue.Release("r4").Select(each => each.Id));

        static LockRequest Limited(int number, int count, int time) => Request(number) with { Places = new LockPlaces(count, Start.AddSeconds(time)) };
    }

    [Fact]
    public void Request_OfAnInstanceWithTheIdOfAnEarlierOne_EndsThatOne()
    {
        var queue = new LockQueue();
        Assert.Single(queue.Request(Request(1), out _));
        Assert.Empty(queue.Request(Request(2), out _));
        var again = Request(1) with { Id = "again", Started = Start.AddHours(1) };
        Assert.Equal("r2", Assert.Single(queue.Request(again, out _)).Id);
        Assert.Equal("again", Assert.Single(queue.Release("r2")).Id);
    }

    [Fact]
    public void Request_OfTheHolderAgain_IsGrantedAgain()
    {
        var queue = new LockQueue();
        Assert.Equal("r1", Assert.Single(queue.Request(Request(1), out _)).Id);
        Assert.Equal("r1", Assert.Single(queue.Request(Request(1), out _)).Id);
        Assert.Empty(queue.Release("r1"));
        Assert.Empty(queue.Request(Request(1), out _));
        Assert.Empty(queue.Holders);
    }

    [Fact]
    public void Release_BeforeItsRequest_LeavesNobodyWithTheLock()
    {
        var queue = new LockQueue();
        Assert.Empty(queue.Release("r1"));
        Assert.Empty(queue.Request(Request(1), out _));
        Assert.Empty(queue.Holders);
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

        Assert.Empty(queue.Request(Request(LockQueue.MaxWaiting + 1), out var last));
        Assert.True(last);
        Assert.Equal("r1", Assert.Single(queue.Release("r0")).Id);
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
