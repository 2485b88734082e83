using Polyphony.Contract.Durable;
using Polyphony.Core.Durable;
using StartOrchestrationOptions = Polyphony.Core.Durable.StartOrchestrationOptions;

namespace Polyphony.DurableFunctions.Tests.Durable;

/// <summary>Events that come when nobody waits, or when a generation ends: none is eaten, and order is kept.</summary>
[Trait("Row", "O10")]
public abstract class EventInboxContract : DurableContract
{
    [Fact]
    public async Task Wait_CancelledTwice_TakesEventsInOrderLater()
    {
        var registry = new DurableRegistry().AddOrchestration("o", async (context, _) =>
        {
            for (var i = 0; i < 2; i++)
            {
                using var cancel = new CancellationTokenSource();
                var given = context.WaitForExternalEventAsync("x", cancel.Token);
                await context.WaitForExternalEventAsync("go");
                cancel.Cancel();
                Assert.True(given.IsCanceled);
            }

            await context.WaitForExternalEventAsync("now");
            return await context.WaitForExternalEventAsync("x") + await context.WaitForExternalEventAsync("X") + await context.WaitForExternalEventAsync("x");
        });

        Assert.Equal("123", await RunAsync(registry, "go", "go", "x=1", "X=2", "now", "x=3"));
    }

    [Theory]
    [InlineData(true, "1,2,3,end")]
    [InlineData(false, "end")]
    [Trait("Row", "O7")]
    public async Task ContinueAsNew_AfterACancelledWait_EventsReachTheNextGenerationWhenAsked(bool preserve, string expected)
    {
        var registry = new DurableRegistry().AddOrchestration("o", async (context, input) =>
        {
            if (input is not null)
            {
                return await AllAsync(context);
            }

            using var cancel = new CancellationTokenSource();
            var given = context.WaitForExternalEventAsync("x", cancel.Token);
            await context.WaitForExternalEventAsync("go");
            cancel.Cancel();
            Assert.True(given.IsCanceled);
            await context.WaitForExternalEventAsync("next");
            context.ContinueAsNew("2", preserve);
            return null;
        });

        // The first came to the cancelled wait, the others to nobody.
        Assert.Equal(expected, await RunAsync(registry, "go", "x=1", "x=2", "x=3", "next", "|", "x=end"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("Row", "O7")]
    public async Task ContinueAsNew_WithAWaitLeftOpen_EventsOfTheSameStepAfterItAreTheNextGenerations(bool preserve)
    {
        var registry = new DurableRegistry().AddOrchestration("o", async (context, input) =>
        {
            if (input is not null)
            {
                return await AllAsync(context);
            }

            _ = context.WaitForExternalEventAsync("x");
            await context.WaitForExternalEventAsync("next");
            context.ContinueAsNew("2", preserve);
            return null;
        });

        // While it is suspended events gather, and are given to it in one step when it goes on. What follows the end of a generation
        // within a step was not there for it to take: Durable Task counts it as the next one's in any case.
        Assert.Equal("1,2,end", await RunAsync(registry, "suspend", "next", "x=1", "x=2", "resume", "|", "x=end"));
    }

    [Fact]
    [Trait("Row", "O7")]
    public async Task ContinueAsNew_ManyTimes_NoEventIsLostOrDoubled()
    {
        // Takes one event per generation, with a wait for another name open at its end.
        var registry = new DurableRegistry().AddOrchestration("o", async (context, input) =>
        {
            _ = context.WaitForExternalEventAsync("other");
            var list = $"{input}{await context.WaitForExternalEventAsync("x")},";
            if (list.Count(c => c == ',') < 30)
            {
                context.ContinueAsNew(list);
            }

            return list;
        });
        await using var host = await StartAsync(registry);
        await host.Client.StartAsync("o", "", new StartOrchestrationOptions { InstanceId = "a" }, Soon);
        for (var i = 0; i < 30; i++)
        {
            await host.Client.RaiseEventAsync("a", i % 2 == 0 ? "x" : "X", $"{i}", Soon);
        }

        Assert.Equal(string.Concat(Enumerable.Range(0, 30).Select(i => $"{i},")), (await host.Client.WaitForCompletionAsync("a", Soon)).Output);
    }

    private static async Task<string> AllAsync(OrchestrationContext context)
    {
        var got = new List<string?>();
        do
        {
            got.Add(await context.WaitForExternalEventAsync("x"));
        }
        while (got[^1] != "end");

        return string.Join(',', got);
    }

    /// <summary>Starts <c>o</c> and sends it events in order; at <c>|</c> waits until its input is that of the second generation.</summary>
    private async Task<string?> RunAsync(DurableRegistry registry, params string[] steps)
    {
        await using var host = await StartAsync(registry);
        var client = host.Client;
        await client.StartAsync("o", null, new StartOrchestrationOptions { InstanceId = "a" }, Soon);
        foreach (var step in steps)
        {
            if (step == "|")
            {
                while ((await client.GetAsync("a", true, Soon))!.Input != "2")
                {
                    await Task.Yield();
                }
            }
            else if (step == "suspend")
            {
                await client.SuspendAsync("a", null, Soon);
            }
            else if (step == "resume")
            {
                await client.ResumeAsync("a", null, Soon);
            }
            else
            {
                var parts = step.Split('=');
                await client.RaiseEventAsync("a", parts[0], parts.Length > 1 ? parts[1] : null, Soon);
            }
        }

        return (await client.WaitForCompletionAsync("a", Soon)).Output;
    }
}
