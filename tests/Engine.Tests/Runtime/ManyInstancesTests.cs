using System.Diagnostics;
using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;

namespace Polyphony.Engine.Tests.Runtime;

/// <summary>Many instances at once.</summary>
public sealed class ManyInstancesTests
{
    private const int Count = 10_000;

    [Fact]
    [Trait("Row", "C1")]
    public async Task Wait_TenThousandInstances_HoldNoThread()
    {
        var waiting = 0;
        var gate = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var registry = new DurableRegistry()
            .AddActivity("wait", (_, _) =>
            {
                Interlocked.Increment(ref waiting);
                return gate.Task;
            })
            .AddOrchestration("event", (context, _) => context.WaitForExternalEventAsync("go"))
            .AddOrchestration("activity", (context, _) => context.CallActivityAsync("wait", null));
        await using var engine = await EmbeddedEngine.StartAsync(new EngineOptions { MaxConcurrentActivities = Count }, registry);

        var ids = await Task.WhenAll(Enumerable.Range(0, Count).Select(i => engine.Client.StartAsync(i % 10 == 0 ? "activity" : "event", null)));
        while (Volatile.Read(ref waiting) < Count / 10)
        {
            await Task.Yield();
        }

        // Other tests run beside this one; a thread for each instance would be thousands.
        using var process = Process.GetCurrentProcess();
        Assert.InRange(process.Threads.Count, 1, 200);
        Assert.Equal((Count / 10, 0), engine.Activities);
        gate.SetResult("done");
        await Task.WhenAll(ids.Where((_, i) => i % 10 != 0).Select(id => engine.Client.RaiseEventAsync(id, "go", "\"x\"")));
        var ended = await Task.WhenAll(ids.Select(id => engine.Client.WaitForCompletionAsync(id)));
        Assert.All(ended, found => Assert.Equal(OrchestrationRuntimeStatus.Completed, found.RuntimeStatus));
        Assert.Equal(0, engine.UnfinishedInstances);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [Trait("Row", "S1")]
    [Trait("Row", "S2")]
    [Trait("Row", "T1")]
    public async Task Evict_InstancesBeyondTheLimit_GoOnByReplay(int live)
    {
        using var folder = new TemporaryFolder();
        var registry = new DurableRegistry()
            .AddActivity("echo", async (_, input) =>
            {
                await Task.Yield();
                return input;
            })
            .AddOrchestration("o", async (context, id) =>
            {
                var got = new List<string?>();
                for (var i = 0; i < 10; i++)
                {
                    got.Add(await context.WaitForExternalEventAsync("x"));
                    got.Add(await context.CallActivityAsync("echo", $"{id}.{i}"));
                }

                return string.Join(' ', got);
            });
        await using var engine = await EmbeddedEngine.StartAsync(new EngineOptions { Path = folder.Data, MaxLiveInstances = live }, registry);

        // Each sender keeps its own order; the senders of all instances, the activities and the commits interleave as they like.
        await Task.WhenAll(Enumerable.Range(0, 20).Select(async i =>
        {
            await engine.Client.StartAsync("o", $"{i}", new StartOrchestrationOptions { InstanceId = $"i{i}" });
            for (var n = 0; n < 10; n++)
            {
                await engine.Client.RaiseEventAsync($"i{i}", "x", $"e{i}.{n}");
            }
        }));

        for (var i = 0; i < 20; i++)
        {
            var ended = await engine.Client.WaitForCompletionAsync($"i{i}");
            Assert.Equal(string.Join(' ', Enumerable.Range(0, 10).Select(n => $"e{i}.{n} {i}.{n}")), ended.Output);
            var history = await engine.Client.GetHistoryAsync($"i{i}");
            Assert.Equal(10, history.Count(e => e is EventRaised));
            Assert.Equal(10, history.Count(e => e is TaskCompleted));
        }
    }

    [Fact]
    [Trait("Row", "C2")]
    public async Task Activities_BeyondTheLimit_WaitForAPlace()
    {
        const int Limit = 5;
        var running = 0;
        var most = 0;
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var registry = new DurableRegistry()
            .AddActivity("work", async (_, _) =>
            {
                var now = Interlocked.Increment(ref running);
                InterlockedMax(ref most, now);
                if (now == Limit)
                {
                    reached.TrySetResult();
                }

                // Nobody goes on before the limit was reached once, so that it is reached for certain.
                await reached.Task;
                await Task.Yield();
                Interlocked.Decrement(ref running);
                return null;
            })
            .AddOrchestration("fan", async (context, _) =>
            {
                await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => context.CallActivityAsync("work", null)));
                return null;
            });
        await using var engine = await EmbeddedEngine.StartAsync(new EngineOptions { MaxConcurrentActivities = Limit }, registry);

        await engine.Client.WaitForCompletionAsync(await engine.Client.StartAsync("fan", null));

        Assert.Equal(Limit, most);
    }

    private static void InterlockedMax(ref int most, int value)
    {
        for (var seen = Volatile.Read(ref most); value > seen;)
        {
            seen = Interlocked.CompareExchange(ref most, value, seen);
        }
    }
}
