using System.Diagnostics;
using Polyphony.Core.Durable;
using Polyphony.Engine.Simulation;

namespace Polyphony.Engine.Tests.Simulation;

[Trait("Row", "T5")]
public sealed class SkippingClockTests
{
    [Fact]
    public async Task Run_TimersOfDays_TakeNoTime()
    {
        var clock = new SkippingClock();
        var registry = new DurableRegistry()
            .AddActivity("slow", async (_, _) =>
            {
                await Task.Delay(TimeSpan.FromHours(1), clock);
                return "slow";
            })
            .AddOrchestration("o", async (context, _) =>
            {
                var began = context.CurrentUtcDateTime;
                for (var day = 0; day < 365; day++)
                {
                    await context.CreateTimerAsync(TimeSpan.FromDays(1));
                }

                return await context.CallActivityAsync("slow", null) + (context.CurrentUtcDateTime - began).TotalHours;
            });
        await using var engine = await EmbeddedEngine.StartAsync(EngineOptions.InMemory(clock), registry);
        var watch = Stopwatch.StartNew();

        var id = await engine.Client.StartAsync("o", null);
        var ended = await engine.Client.WaitForCompletionAsync(id);

        Assert.Equal("slow8761", ended.Output);
        Assert.Equal(SkippingClock.DefaultStart.AddDays(365).AddHours(1), clock.GetUtcNow());
        Assert.True(watch.Elapsed < TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task Activity_SlowerThanItsTimeout_LosesAgainstTheTimer()
    {
        var clock = new SkippingClock();
        var registry = new DurableRegistry()
            .AddActivity("slow", async (_, input) =>
            {
                await Task.Delay(TimeSpan.FromSeconds(int.Parse(input!)), clock);
                return "done";
            })
            .AddOrchestration("o", async (context, input) =>
            {
                using var cancel = new CancellationTokenSource();
                var work = context.CallActivityAsync("slow", input);
                var timer = context.CreateTimerAsync(TimeSpan.FromSeconds(30), cancel.Token);
                var first = await Task.WhenAny(work, timer);
                cancel.Cancel();
                return first == work ? await work : "timeout";
            });
        await using var engine = await EmbeddedEngine.StartAsync(EngineOptions.InMemory(clock), registry);

        async Task<string?> Run(string seconds) => (await engine.Client.WaitForCompletionAsync(await engine.Client.StartAsync("o", seconds))).Output;

        Assert.Equal("done", await Run("29"));
        Assert.Equal("timeout", await Run("31"));
    }

    [Fact]
    public async Task Hold_KeepsTheTime_AdvanceMovesIt()
    {
        var clock = new SkippingClock();
        var registry = new DurableRegistry().AddOrchestration("o", async (context, _) =>
        {
            await context.CreateTimerAsync(TimeSpan.FromHours(2));
            return null;
        });
        await using var engine = await EmbeddedEngine.StartAsync(EngineOptions.InMemory(clock), registry);
        using (clock.Hold())
        {
            var id = await engine.Client.StartAsync("o", null);
            while ((await engine.Client.GetAsync(id))!.RuntimeStatus == OrchestrationRuntimeStatus.Pending)
            {
                await Task.Yield();
            }

            clock.Advance(TimeSpan.FromHours(1));
            Assert.Equal(SkippingClock.DefaultStart.AddHours(1), clock.GetUtcNow());
            Assert.Equal(OrchestrationRuntimeStatus.Running, (await engine.Client.GetAsync(id))!.RuntimeStatus);
            clock.Advance(TimeSpan.FromHours(1));

            // The status is there a moment before the timer is: a timer that comes late is due at once.
            var ended = engine.Client.WaitForCompletionAsync(id);
            while (!ended.IsCompleted)
            {
                clock.Advance(TimeSpan.Zero);
                await Task.Yield();
            }

            await ended;
        }
    }

    [Fact]
    public void Timer_ArmsAnotherWhileItFires_IsNotOvertakenByIt()
    {
        var clock = new SkippingClock();
        var idle = new AlwaysIdle(clock);
        var seen = new List<double>();
        double Elapsed() => (clock.GetUtcNow() - SkippingClock.DefaultStart).TotalSeconds;
        using var second = clock.CreateTimer(_ => seen.Add(Elapsed()), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        using var first = clock.CreateTimer(
            _ =>
            {
                // Arming pokes whoever is idle; the work of this timer comes only after it.
                second.Change(TimeSpan.FromSeconds(50), Timeout.InfiniteTimeSpan);
                seen.Add(Elapsed());
            },
            null,
            TimeSpan.FromSeconds(10),
            Timeout.InfiniteTimeSpan);
        clock.Watch(idle);

        Assert.True(clock.TrySkip());
        Assert.Equal([10], seen);
        Assert.True(clock.TrySkip());
        Assert.Equal([10, 60], seen);
        Assert.False(clock.TrySkip());
    }

    [Fact]
    public void Advance_TimersFire_NothingJumpsMeanwhile()
    {
        var clock = new SkippingClock();
        var seen = new List<double>();
        using var last = clock.CreateTimer(_ => seen.Add(-1), null, TimeSpan.FromHours(1), Timeout.InfiniteTimeSpan);
        using var first = clock.CreateTimer(
            _ =>
            {
                Assert.False(clock.TrySkip());
                seen.Add((clock.GetUtcNow() - SkippingClock.DefaultStart).TotalSeconds);
            },
            null,
            TimeSpan.FromSeconds(10),
            Timeout.InfiniteTimeSpan);
        clock.Watch(new NeverPoked());

        clock.Advance(TimeSpan.FromSeconds(20));

        Assert.Equal([10], seen);
        Assert.Equal(SkippingClock.DefaultStart.AddSeconds(20), clock.GetUtcNow());
    }

    /// <summary>Jumps as soon as it is asked, on the thread that asks: the worst moment there is.</summary>
    private sealed class AlwaysIdle(SkippingClock clock) : IIdleness
    {
        public bool IsIdle => true;

        public void Poke() => clock.TrySkip();
    }

    private sealed class NeverPoked : IIdleness
    {
        public bool IsIdle => true;

        public void Poke()
        {
            // The test jumps by itself.
        }
    }
}
