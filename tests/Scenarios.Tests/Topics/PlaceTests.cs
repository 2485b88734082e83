using System.Collections.Concurrent;
using System.Text.Json;
using Polyphony.Core.Client;
using Polyphony.Core.Durable;
using Polyphony.Core.Locks;
using Polyphony.Core.Runs;
using Polyphony.Core.Topics;

namespace Polyphony.Scenarios.Tests.Topics;

/// <summary>How many messages of a subscription are handled at the same time, of all sources together.</summary>
[Trait("Row", "R4")]
public sealed class PlaceTests
{
    private const string Desk = """
        name: desk
        models: { m: { provider: offline } }
        agents: { triage: { model: m, timeout: 1d } }
        subscriptions: { triage: { topic: tickets, agent: triage, maxConcurrency: 3 } }
        """;

    private readonly ConcurrentQueue<string> _begun = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _gates = new(StringComparer.Ordinal);
    private int _atWork;
    private int _most;

    [Theory]
    [InlineData(1)]
    [InlineData(500)]
    public async Task ManySources_AreHandledByAsManyAsThereArePlaces_InTheOrderInWhichTheyAsked(int operations)
    {
        const int sources = 20;
        await using var host = await StartAsync(Desk, new InterpreterOptions { OperationsPerGeneration = operations });
        using var hold = host.Clock.Hold();
        var messages = new List<PublishedMessage>();
        for (var i = 0; i < sources; i++)
        {
            messages.Add(await PublishAsync(host, $"s{i}"));
            await (i < 3 ? BegunAsync(host, $"s{i}") : QueuedAsync(host, messages[^1], i - 2));
        }

        var status = await QueuedAsync(host, messages[^1], sources - 3);
        Assert.Equal("polyphony-subscription:desk.triage", status.CustomStatus!.WaitingFor[0].Lock);
        Assert.Equal(messages[0].Deliveries[0].RunId, status.CustomStatus!.WaitingFor[0].Holder);
        Assert.False((await MailboxAsync(host, "s0")).Current!.WaitsForPlace);

        for (var i = 0; i < sources; i++)
        {
            Gate($"s{i}").SetResult();
            await HandledAsync(host, messages[i]);
            await BegunAsync(host, $"s{Math.Min(i + 3, sources - 1)}");
        }

        Assert.Equal(Enumerable.Range(0, sources).Select(i => $"s{i}"), _begun);
        Assert.Equal(3, _most);
    }

    [Fact]
    public async Task WithoutALimit_NothingIsAskedAndNobodyWaits()
    {
        await using var host = await StartAsync(Desk.Replace(", maxConcurrency: 3", "", StringComparison.Ordinal));
        using var hold = host.Clock.Hold();
        for (var i = 0; i < 10; i++)
        {
            await PublishAsync(host, $"s{i}");
        }

        for (var i = 0; i < 10; i++)
        {
            await BegunAsync(host, $"s{i}");
        }

        Assert.Equal(10, _most);
        Assert.DoesNotContain((await host.Engine.Client.QueryAsync(new OrchestrationQuery { Name = TaskNames.LockOrchestration })).Instances, _ => true);
        ReleaseAll();
    }

    [Fact]
    public async Task WaitingForAPlace_DoesNotCountForTheTimeLimit_AndTheTimeLimitGivesItBack()
    {
        await using var host = await StartAsync(Desk.Replace("name: desk", "name: desk\nlimits: { timeout: 10m }", StringComparison.Ordinal).Replace(": 3", ": 1, retry: { maxAttempts: 1 }", StringComparison.Ordinal));
        host.Models.Respond = async (_, messages, _, cancellationToken) =>
        {
            // The second takes too long.
            await Task.Delay(TimeSpan.FromMinutes(messages[^1].Text == "s1" ? 11 : 8), host.Clock, cancellationToken);
            return TestModels.Text("ok");
        };
        var messages = new List<PublishedMessage>();
        using (host.Clock.Hold())
        {
            for (var i = 0; i < 5; i++)
            {
                messages.Add(await PublishAsync(host, $"s{i}"));
                await UntilAsync(host, $"s{i}", mailbox => mailbox.Current is { } current && current.WaitsForPlace == (i > 0));
            }
        }

        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(i == 1 ? StopReason.Timeout : StopReason.Completed, (await HandledAsync(host, messages[i])).StopReason);
        }
    }

    [Fact]
    public async Task ARunThatIsTerminated_AtWorkOrWaiting_LeavesItsPlaceToTheNext()
    {
        await using var host = await StartAsync(Desk.Replace(": 3", ": 1", StringComparison.Ordinal));
        using var hold = host.Clock.Hold();
        var messages = new List<PublishedMessage>();
        for (var i = 0; i < 3; i++)
        {
            messages.Add(await PublishAsync(host, $"s{i}"));
            await (i == 0 ? BegunAsync(host, "s0") : QueuedAsync(host, messages[^1], i));
        }

        await host.Engine.Client.TerminateAsync(messages[1].Deliveries[0].RunId);
        await host.Engine.Client.TerminateAsync(messages[0].Deliveries[0].RunId);
        Gate("s2").SetResult();
        hold.Dispose();
        Assert.Equal(StopReason.Completed, (await HandledAsync(host, messages[2])).StopReason);
        Assert.DoesNotContain("s1", _begun);
        Assert.Equal(1, (await MailboxAsync(host, "s1")).GivenUp);
    }

    [Fact]
    public async Task AMessageThatIsTriedAgain_LeavesItsPlaceMeanwhile()
    {
        await using var host = await StartAsync(Desk.Replace(": 3", ": 1, retry: { maxAttempts: 2, firstDelay: 1h, maxDelay: 1h }", StringComparison.Ordinal));
        using var hold = host.Clock.Hold();
        var fails = await PublishAsync(host, "fails");
        await BegunAsync(host, "fails");
        var other = await PublishAsync(host, "other");
        await UntilAsync(host, "other", mailbox => mailbox.Current is { WaitsForPlace: true });
        Gate("fails").SetException(new Activities.Providers.ModelException(new CallError(ErrorCodes.ContentFilter, "no", ErrorKind.Terminal)));

        await BegunAsync(host, "other");
        await UntilAsync(host, "fails", mailbox => mailbox.Current is { Attempt: 1, RetryTime: not null, WaitsForPlace: false });
        Gate("other").SetResult();
        Assert.Equal(StopReason.Completed, (await HandledAsync(host, other)).StopReason);

        _gates["fails"] = new TaskCompletionSource();
        Gate("fails").SetResult();
        hold.Dispose();
        Assert.Equal(StopReason.Completed, (await HandledAsync(host, fails)).StopReason);
        Assert.Equal(["fails", "other", "fails"], _begun);
    }

    [Fact]
    public async Task ASuspendedMailbox_LeavesItsPlaceWhenItsRunEnds()
    {
        await using var host = await StartAsync(Desk.Replace(": 3", ": 1", StringComparison.Ordinal));
        using var hold = host.Clock.Hold();
        var first = await PublishAsync(host, "s0");
        await BegunAsync(host, "s0");
        var second = await PublishAsync(host, "s1");
        await UntilAsync(host, "s1", mailbox => mailbox.Current is { WaitsForPlace: true });
        await host.Engine.Client.SuspendAsync(first.Deliveries[0].MailboxId);
        ReleaseAll();
        Assert.Equal(StopReason.Completed, (await HandledAsync(host, second)).StopReason);
        await host.Engine.Client.ResumeAsync(first.Deliveries[0].MailboxId);
        Assert.Equal(StopReason.Completed, (await HandledAsync(host, first)).StopReason);
    }

    [Fact]
    public async Task ANewLimit_HoldsFromTheNextMessageOn_AlsoForThoseThatWait()
    {
        await using var host = await StartAsync(Desk.Replace(": 3", ": 1", StringComparison.Ordinal));
        using var hold = host.Clock.Hold();
        for (var i = 0; i < 4; i++)
        {
            var message = await PublishAsync(host, $"s{i}");
            await (i == 0 ? BegunAsync(host, "s0") : QueuedAsync(host, message, i));
        }

        host.AddWorkflow(Desk.Replace(": 3", ": 2", StringComparison.Ordinal));
        host.Clock.Advance(TimeSpan.FromSeconds(1));
        var last = await PublishAsync(host, "s4");
        await BegunAsync(host, "s1");
        await UntilAsync(host, "s4", mailbox => mailbox.Current is { WaitsForPlace: true });
        Assert.Equal(["s0", "s1"], _begun);
        ReleaseAll();
        await HandledAsync(host, last);
        Assert.Equal(2, _most);
    }

    [Fact]
    public async Task ARestart_KeepsPlacesAndOrder()
    {
        var folder = Directory.CreateTempSubdirectory("polyphony-places-");
        try
        {
            var path = Path.Combine(folder.FullName, "polyphony.db");
            var messages = new List<PublishedMessage>();
            await using (var host = await StartAsync(Desk.Replace(": 3", ": 1", StringComparison.Ordinal), path: path))
            {
                using var hold = host.Clock.Hold();
                for (var i = 0; i < 4; i++)
                {
                    messages.Add(await PublishAsync(host, $"s{i}"));
                    await (i == 0 ? BegunAsync(host, "s0") : QueuedAsync(host, messages[^1], i));
                }
            }

            _begun.Clear();
            _gates.Clear();
            _atWork = _most = 0;
            await using var again = await StartAsync(Desk, path: path);
            using var held = again.Clock.Hold();
            await BegunAsync(again, "s0");
            ReleaseAll();
            foreach (var message in messages)
            {
                Assert.Equal(StopReason.Completed, (await HandledAsync(again, message)).StopReason);
            }

            Assert.Equal(["s0", "s1", "s2", "s3"], _begun);
            Assert.Equal(1, _most);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task ALockOfAWorkflow_HasNoNameOfPlaces()
    {
        await using var host = await StartAsync(Desk);
        var ended = await host.RunAsync(
            "{ name: w, input: { type: object }, models: { m: { provider: offline } }, agents: { a: { model: m } }, nodes: { n: { agent: a, prompt: x, lock: \"{{ input.lock }}\" } } }",
            new { @lock = LockNames.Subscription("desk", "triage") });
        Assert.Equal("lock_invalid", ended.Error!.Code);
        Assert.Contains("\"polyphony-subscription:\" is for the places of subscriptions", ended.Error.Message, StringComparison.Ordinal);
    }

    /// <summary>Starts a host whose model holds each message, by its source, until the test lets it go.</summary>
    private async Task<TestHost> StartAsync(string desk, InterpreterOptions? options = null, string? path = null)
    {
        var host = await TestHost.StartAsync(interpreter: options, path: path);
        host.AddWorkflow(desk);
        host.Models.Respond = async (_, messages, _, cancellationToken) =>
        {
            var source = messages[^1].Text;
            _begun.Enqueue(source);
            var atWork = Interlocked.Increment(ref _atWork);
            for (var most = _most; atWork > most; most = _most)
            {
                Interlocked.CompareExchange(ref _most, atWork, most);
            }

            try
            {
                await Gate(source).Task.WaitAsync(cancellationToken);
            }
            finally
            {
                Interlocked.Decrement(ref _atWork);
            }

            return TestModels.Text("ok");
        };
        return host;
    }

    private TaskCompletionSource Gate(string source) => _gates.GetOrAdd(source, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));

    private void ReleaseAll()
    {
        for (var i = 0; i < 20; i++)
        {
            Gate($"s{i}").TrySetResult();
        }
    }

    private async Task BegunAsync(TestHost host, string source)
    {
        await UntilAsync(host, source, _ => _begun.Contains(source));
    }

    /// <summary>Waits until the run of a message has its number in the queue: what it shows itself comes before it has asked.</summary>
    private static async Task<WorkflowStatus> QueuedAsync(TestHost host, PublishedMessage message, int position)
    {
        await UntilAsync(host, message.Source, mailbox => mailbox.Current is { WaitsForPlace: true });
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            var status = (await host.Client.GetAsync(message.Deliveries[0].RunId, null, limit.Token))!;
            if (status.CustomStatus is { WaitingFor: [{ Kind: "place" } wait] } && wait.Position == position)
            {
                return status;
            }

            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private static Task<PublishedMessage> PublishAsync(TestHost host, string source) =>
        host.Topics.PublishAsync("tickets", source, JsonSerializer.SerializeToElement(source));

    private static async Task<HandledResult> HandledAsync(TestHost host, PublishedMessage message)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        return await host.Topics.WaitForHandledAsync(message.Deliveries[0], message.MessageId, limit.Token);
    }

    private static async Task UntilAsync(TestHost host, string source, Func<Mailbox, bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (await host.Topics.GetMailboxAsync($"mailbox:desk.triage:{source}", limit.Token) is not { } mailbox || !condition(mailbox))
        {
            // A mailbox that begins waits for a time that has come: also while the clock is held.
            limit.Token.ThrowIfCancellationRequested();
            host.Clock.Advance(TimeSpan.Zero);
            await Task.Yield();
        }
    }

    private static async Task<Mailbox> MailboxAsync(TestHost host, string source) => (await host.Topics.GetMailboxAsync($"mailbox:desk.triage:{source}"))!;
}
