using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;
using Polyphony.Engine.Runtime;

namespace Polyphony.Engine.Tests.Runtime;

/// <summary>Durable timers beside a wall clock that is set, or that went on while the machine slept.</summary>
[Trait("Row", "O9")]
[Trait("Row", "H9")]
public sealed class WallClockTests
{
    private static readonly TimeSpan Late = TimeSpan.FromSeconds(30);

    [Fact]
    public void Timer_ClockSetOn_FiresWithinHalfAMinute()
    {
        var clock = new WallClock();
        using var timers = new TimerQueue(clock);
        var fired = 0;
        timers.Add(clock.GetUtcNow().AddHours(1), () => fired++);
        clock.Pass(TimeSpan.FromMinutes(10));
        Assert.Equal(0, fired);

        clock.Set(TimeSpan.FromHours(2));
        clock.Pass(Late);

        Assert.Equal(1, fired);
    }

    /// <summary>The time until it is due is worked out from one reading of the clock; by the time the timer is armed with it, the clock may have gone on.</summary>
    [Fact]
    public void Timer_ClockSetOnWhileItIsArmed_FiresAtOnce()
    {
        var clock = new WallClock();
        using var timers = new TimerQueue(clock);
        var fired = 0;
        var due = clock.GetUtcNow().AddSeconds(10);

        clock.AfterRead = () => clock.Set(TimeSpan.FromHours(1));
        timers.Add(due, () => fired++);
        clock.Pass(TimeSpan.Zero);

        Assert.Equal(1, fired);
    }

    [Fact]
    public void Timer_ClockSetBack_FiresByTheWallClock()
    {
        var clock = new WallClock();
        using var timers = new TimerQueue(clock);
        var fired = 0;
        timers.Add(clock.GetUtcNow().AddHours(1), () => fired++);

        clock.Set(TimeSpan.FromHours(-2));
        clock.Pass(TimeSpan.FromHours(3) - TimeSpan.FromSeconds(1));
        Assert.Equal(0, fired);
        clock.Pass(TimeSpan.FromSeconds(1));

        Assert.Equal(1, fired);
    }

    [Fact]
    public void Timer_BehindOneThatIsFarOff_FiresOnTheSecond()
    {
        var clock = new WallClock();
        using var timers = new TimerQueue(clock);
        var fired = new List<string>();
        timers.Add(clock.GetUtcNow().AddDays(30), () => fired.Add("month"));
        timers.Add(clock.GetUtcNow().AddSeconds(25), () => fired.Add("soon"));

        clock.Pass(TimeSpan.FromSeconds(25));
        Assert.Equal(["soon"], fired);
        clock.Pass(TimeSpan.FromDays(30) - TimeSpan.FromSeconds(25));

        Assert.Equal(["soon", "month"], fired);
    }

    [Fact]
    public async Task Instance_ClockSetOnAndBack_WaitsByTheWallClock()
    {
        var clock = new WallClock();
        var registry = new DurableRegistry().AddOrchestration("naps", async (context, _) =>
        {
            for (var i = 0; i < 2; i++)
            {
                await context.WaitForExternalEventAsync("go");
                await context.CreateTimerAsync(context.CurrentUtcDateTime.AddMinutes(1));
            }

            return "rested";
        });
        await using var engine = await EmbeddedEngine.StartAsync(EngineOptions.InMemory(clock), registry);
        await engine.Client.StartAsync("naps", null, new StartOrchestrationOptions { InstanceId = "a" });

        // A clock that is wrong by hours, and is put right.
        clock.Set(TimeSpan.FromHours(2));
        await engine.Client.RaiseEventAsync("a", "go", null);
        clock.Pass(TimeSpan.FromMinutes(1));
        await UntilAsync<TimerFired>(engine.Client, 1);
        clock.Set(TimeSpan.FromHours(-2));
        await engine.Client.RaiseEventAsync("a", "go", null);
        clock.Pass(TimeSpan.FromMinutes(1) + Late);

        Assert.Equal("rested", (await engine.Client.WaitForCompletionAsync("a", TestContext.Current.CancellationToken)).Output);
    }

    [Fact]
    public async Task Step_ClockSetBackRightAfterATimer_IsNotBeforeIt()
    {
        var clock = new WallClock();
        var registry = new DurableRegistry().AddOrchestration("nap", async (context, _) =>
        {
            var due = context.CurrentUtcDateTime.AddMinutes(1);
            await context.CreateTimerAsync(due);
            return context.CurrentUtcDateTime >= due ? "in time" : "too early";
        });
        await using var engine = await EmbeddedEngine.StartAsync(EngineOptions.InMemory(clock) with { Scheduler = new SteppedScheduler() }, registry);
        var scheduler = (SteppedScheduler)engine.Kernel.Scheduler;
        var started = engine.Client.StartAsync("nap", null, new StartOrchestrationOptions { InstanceId = "a" });
        scheduler.RunAll();
        await started;

        clock.Pass(TimeSpan.FromMinutes(1));
        clock.Set(TimeSpan.FromMinutes(-1));
        scheduler.RunAll();

        Assert.Equal("in time", (await engine.Client.GetAsync("a"))!.Output);
    }

    private static async Task UntilAsync<TEvent>(DurableClient client, int count)
    {
        while ((await client.GetHistoryAsync("a")).OfType<TEvent>().Count() < count)
        {
            await Task.Yield();
        }
    }

    /// <summary>Keeps work until the test runs it.</summary>
    private sealed class SteppedScheduler : IWorkScheduler
    {
        private readonly Queue<IThreadPoolWorkItem> _work = new();

        public bool RunsCommits => true;

        public void Schedule(IThreadPoolWorkItem work) => _work.Enqueue(work);

        public Task<string?> Invoke<TState>(Func<TState, Task<string?>> function, TState state) => function(state);

        internal void RunAll()
        {
            while (_work.TryDequeue(out var work))
            {
                work.Execute();
            }
        }
    }
}
