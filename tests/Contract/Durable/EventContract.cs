using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;

namespace Polyphony.Contract.Durable;

/// <summary>External events.</summary>
public abstract class EventContract : DurableContract
{
    [Fact]
    [Trait("Row", "O10")]
    public async Task RaiseEvent_BeforeTheWait_IsKeptInOrder()
    {
        var registry = new DurableRegistry().AddOrchestration("o", async (context, _) =>
        {
            await context.WaitForExternalEventAsync("go");
            return await context.WaitForExternalEventAsync("x") + await context.WaitForExternalEventAsync("X") + await context.WaitForExternalEventAsync("x");
        });
        await using var host = await StartAsync(registry);
        await host.Client.StartAsync("o", null, new StartOrchestrationOptions { InstanceId = "a" }, Soon);

        foreach (var payload in new[] { "1", "2", "3" })
        {
            await host.Client.RaiseEventAsync("a", payload == "2" ? "x" : "X", payload, Soon);
        }

        await host.RestartAsync(crash: true);
        await host.Client.RaiseEventAsync("a", "GO", null, Soon);
        Assert.Equal("123", (await host.Client.WaitForCompletionAsync("a", Soon)).Output);
    }

    [Fact]
    [Trait("Row", "O10")]
    public async Task WaitForExternalEvent_Cancelled_EatsNoEvent()
    {
        var registry = new DurableRegistry().AddOrchestration("o", async (context, _) =>
        {
            using var cancel = new CancellationTokenSource();
            var first = context.WaitForExternalEventAsync("x", cancel.Token);
            await context.WaitForExternalEventAsync("go");
            cancel.Cancel();
            return $"{first.IsCanceled} {await context.WaitForExternalEventAsync("x")}";
        });
        await using var host = await StartAsync(registry);
        await host.Client.StartAsync("o", null, new StartOrchestrationOptions { InstanceId = "a" }, Soon);
        await host.Client.RaiseEventAsync("a", "go", null, Soon);
        await host.Client.RaiseEventAsync("a", "x", "7", Soon);

        Assert.Equal("True 7", (await host.Client.WaitForCompletionAsync("a", Soon)).Output);
    }

    [Fact]
    [Trait("Row", "O10")]
    public async Task WaitForExternalEvent_SecondWaitForTheName_Throws()
    {
        var registry = new DurableRegistry().AddOrchestration("o", async (context, _) =>
        {
            var first = context.WaitForExternalEventAsync("x");
            try
            {
                return "no error, and " + await context.WaitForExternalEventAsync("X");
            }
            catch (InvalidOperationException)
            {
                return await first;
            }
        });
        await using var host = await StartAsync(registry);
        await host.Client.StartAsync("o", null, new StartOrchestrationOptions { InstanceId = "a" }, Soon);
        await host.Client.RaiseEventAsync("a", "x", "1", Soon);

        Assert.Equal("1", (await host.Client.WaitForCompletionAsync("a", Soon)).Output);
    }

    [Fact]
    [Trait("Row", "O10")]
    public async Task WaitForExternalEvent_WithTimeout_TheEarlierWins()
    {
        var wait = TimeSpan.Zero;
        var registry = new DurableRegistry().AddOrchestration("o", async (context, _) =>
        {
            using var cancel = new CancellationTokenSource();
            var answer = context.WaitForExternalEventAsync("answer", cancel.Token);
            var timer = context.CreateTimerAsync(context.CurrentUtcDateTime + wait, cancel.Token);
            var first = await Task.WhenAny(answer, timer);
            cancel.Cancel();
            return first == answer ? await answer : "timeout";
        });
        await using var host = await StartAsync(registry);
        wait = TimeSpan.FromDays(30);
        using (host.HoldTime())
        {
            await host.Client.StartAsync("o", null, new StartOrchestrationOptions { InstanceId = "a" }, Soon);
            await host.Client.RaiseEventAsync("a", "answer", "yes", Soon);
            Assert.Equal("yes", (await host.Client.WaitForCompletionAsync("a", Soon)).Output);
        }

        wait = host.ShortWait;
        Assert.Equal("timeout", (await RunAsync(host, "o")).Output);
    }

    [Theory]
    [InlineData(true, "2,3")]
    [InlineData(false, "3")]
    [Trait("Row", "S7")]
    public async Task ContinueAsNew_UnprocessedEvents_MoveOnWhenAsked(bool preserve, string expected)
    {
        var registry = new DurableRegistry().AddOrchestration("o", async (context, input) =>
        {
            if (input is null)
            {
                await context.WaitForExternalEventAsync("go");
                await context.WaitForExternalEventAsync("x");
                context.ContinueAsNew("second", preserve);
                return null;
            }

            var got = new List<string?>();
            do
            {
                got.Add(await context.WaitForExternalEventAsync("x"));
            }
            while (got[^1] != "3");

            return string.Join(',', got);
        });
        await using var host = await StartAsync(registry);
        await host.Client.StartAsync("o", null, new StartOrchestrationOptions { InstanceId = "a" }, Soon);
        await host.Client.RaiseEventAsync("a", "x", "1", Soon);
        await host.Client.RaiseEventAsync("a", "x", "2", Soon);
        await host.Client.RaiseEventAsync("a", "go", null, Soon);
        await UntilAsync(host, "a", _ => HistoryAsync(host, "a").Result.Any(e => e is ContinuedAsNew));
        await host.RestartAsync(crash: true);
        await host.Client.RaiseEventAsync("a", "x", "3", Soon);

        Assert.Equal(expected, (await host.Client.WaitForCompletionAsync("a", Soon)).Output);
    }

    [Fact]
    [Trait("Row", "S4")]
    public async Task SendEvent_BetweenInstances_ArrivesOnceAndNowhereElse()
    {
        var registry = new DurableRegistry()
            .AddOrchestration("receiver", async (context, _) => await context.WaitForExternalEventAsync("x") + await context.WaitForExternalEventAsync("x"))
            .AddOrchestration("sender", (context, _) =>
            {
                context.SendEvent("r1", "x", "1");
                context.SendEvent("nobody", "x", "0");
                context.SendEvent("r1", "x", "2");
                return Task.FromResult<string?>(null);
            });
        await using var host = await StartAsync(registry);
        await host.Client.StartAsync("receiver", null, new StartOrchestrationOptions { InstanceId = "r1" }, Soon);
        await host.Client.StartAsync("receiver", null, new StartOrchestrationOptions { InstanceId = "r2" }, Soon);
        Assert.Equal(OrchestrationRuntimeStatus.Completed, (await RunAsync(host, "sender")).RuntimeStatus);

        Assert.Equal("12", (await host.Client.WaitForCompletionAsync("r1", Soon)).Output);
        Assert.DoesNotContain(await HistoryAsync(host, "r2"), e => e is EventRaised);
    }

    [Fact]
    [Trait("Row", "H5")]
    public async Task RaiseEvent_UnknownOrFinished_Throws()
    {
        var registry = new DurableRegistry().AddOrchestration("o", (_, _) => Task.FromResult<string?>(null));
        await using var host = await StartAsync(registry);
        await RunAsync(host, "o", null, "a");

        await Assert.ThrowsAsync<InstanceNotFoundException>(() => host.Client.RaiseEventAsync("b", "x", null, Soon));
        var finished = await Assert.ThrowsAsync<InvalidInstanceStatusException>(() => host.Client.RaiseEventAsync("a", "x", null, Soon));
        Assert.Equal(OrchestrationRuntimeStatus.Completed, finished.Status);
    }
}
