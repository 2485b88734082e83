using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;

namespace Polyphony.Contract.Durable;

/// <summary>Durable timers.</summary>
public abstract class TimerContract : DurableContract
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("Row", "O9")]
    public async Task CreateTimer_AcrossRestart_FiresAtItsTime(bool restart)
    {
        var (wait, early) = (TimeSpan.Zero, TimeSpan.Zero);
        var registry = new DurableRegistry().AddOrchestration("o", async (context, _) =>
        {
            var start = context.CurrentUtcDateTime;
            await context.CreateTimerAsync(start + wait);
            return (context.CurrentUtcDateTime - start >= wait - early).ToString();
        });
        await using var host = await StartAsync(registry);
        (wait, early) = (host.ShortWait, host.TimersEarlyBy);
        using (host.HoldTime())
        {
            await host.Client.StartAsync("o", null, new StartOrchestrationOptions { InstanceId = "a" }, Soon);
            await UntilAsync(host, "a", found => found.RuntimeStatus == OrchestrationRuntimeStatus.Running);
            if (restart)
            {
                await host.RestartAsync(crash: true);
            }
        }

        Assert.Equal("True", (await host.Client.WaitForCompletionAsync("a", Soon)).Output);
        Assert.Single(await HistoryAsync(host, "a"), e => e is TimerFired);
    }

    [Fact]
    [Trait("Row", "O9")]
    public async Task CreateTimer_InThePast_FiresAtOnce()
    {
        var registry = new DurableRegistry().AddOrchestration("o", async (context, _) =>
        {
            await context.CreateTimerAsync(context.CurrentUtcDateTime.AddDays(-1));
            return "past";
        });
        await using var host = await StartAsync(registry);

        Assert.Equal("past", (await RunAsync(host, "o")).Output);
    }

    [Fact]
    [Trait("Row", "O9")]
    public async Task CreateTimer_Cancelled_EndsAsCancelled()
    {
        var registry = new DurableRegistry()
            .AddActivity("echo", (_, input) => Task.FromResult(input))
            .AddOrchestration("o", async (context, _) =>
            {
                using var cancel = new CancellationTokenSource();
                var timer = context.CreateTimerAsync(context.CurrentUtcDateTime.AddDays(1000), cancel.Token);
                var first = await Task.WhenAny(timer, context.CallActivityAsync("echo", "1"));
                cancel.Cancel();
                return $"{first == timer} {timer.IsCanceled}";
            });
        await using var host = await StartAsync(registry);
        using var hold = host.HoldTime();

        Assert.Equal("False True", (await RunAsync(host, "o")).Output);
    }

    [Fact]
    [Trait("Row", "O9")]
    public async Task CreateTimer_Several_FireInTheOrderOfTheirTimes()
    {
        var unit = TimeSpan.Zero;
        var registry = new DurableRegistry().AddOrchestration("o", async (context, _) =>
        {
            var order = new List<int>();
            async Task Wait(int n)
            {
                await context.CreateTimerAsync(context.CurrentUtcDateTime + (unit * n));
                order.Add(n);
            }

            await Task.WhenAll(Wait(3), Wait(1), Wait(2));
            return string.Join(',', order);
        });
        await using var host = await StartAsync(registry);
        unit = host.ShortWait;

        Assert.Equal("1,2,3", (await RunAsync(host, "o")).Output);
    }

    [Fact]
    [Trait("Row", "O9")]
    public async Task Start_WithStartAt_TakesItsFirstStepThen()
    {
        var registry = new DurableRegistry().AddOrchestration("o", (context, _) => Task.FromResult<string?>(context.CurrentUtcDateTime.ToString("O")));
        await using var host = await StartAsync(registry);
        string id;
        DateTimeOffset startAt;
        using (host.HoldTime())
        {
            var probe = await RunAsync(host, "o");
            startAt = probe.CreatedTime + (5 * host.ShortWait);
            id = await host.Client.StartAsync("o", null, new StartOrchestrationOptions { StartAt = startAt }, Soon);
            Assert.Equal(OrchestrationRuntimeStatus.Pending, (await host.Client.GetAsync(id))!.RuntimeStatus);
            await host.RestartAsync(crash: true);
        }

        var ended = await host.Client.WaitForCompletionAsync(id, Soon);
        Assert.True(DateTimeOffset.Parse(ended.Output!) >= startAt - host.TimersEarlyBy);
    }

    [Fact]
    [Trait("Row", "O9")]
    public async Task Start_WithStartAt_EventsAndResumeBeforeDoNotStartIt()
    {
        var registry = new DurableRegistry().AddOrchestration("o", async (context, _) =>
            $"{context.CurrentUtcDateTime:O}|{await context.WaitForExternalEventAsync("x")}");
        await using var host = await StartAsync(registry);
        var id = "a";
        DateTimeOffset startAt;
        using (host.HoldTime())
        {
            // Where time cannot be held, it may be up before all calls have been made: then they are made again with twice the time.
            var wait = TimeSpan.FromSeconds(1) + (5 * host.ShortWait);
            while (true)
            {
                startAt = await NowAsync() + wait;
                await host.Client.StartAsync("o", null, new StartOrchestrationOptions { InstanceId = id, StartAt = startAt }, Soon);
                var failed = await Record.ExceptionAsync(async () =>
                {
                    await host.Client.RaiseEventAsync(id, "x", "1", Soon);
                    await host.Client.SuspendAsync(id, null, Soon);
                    await host.Client.ResumeAsync(id, null, Soon);
                    Assert.Equal(OrchestrationRuntimeStatus.Pending, (await host.Client.GetAsync(id))!.RuntimeStatus);
                });
                if (failed is null || await NowAsync() < startAt)
                {
                    Assert.Null(failed);
                    break;
                }

                (id, wait) = (id + "a", 2 * wait);
            }
        }

        var parts = (await host.Client.WaitForCompletionAsync(id, Soon)).Output!.Split('|');
        Assert.True(DateTimeOffset.Parse(parts[0]) >= startAt - host.TimersEarlyBy);
        Assert.Equal("1", parts[1]);

        // The time of the host: when it made an instance.
        async Task<DateTimeOffset> NowAsync()
        {
            var probe = $"probe-{Guid.NewGuid():n}";
            await host.Client.StartAsync("o", null, new StartOrchestrationOptions { InstanceId = probe }, Soon);
            return (await host.Client.GetAsync(probe))!.CreatedTime;
        }
    }
}
