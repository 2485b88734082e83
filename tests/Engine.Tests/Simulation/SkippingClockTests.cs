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
            await engine.Client.WaitForCompletionAsync(id);
        }
    }
}
