using System.Collections.Concurrent;
using Polyphony.Core.Durable;
using Polyphony.Engine.Runtime;

namespace Polyphony.Engine.Tests.Runtime;

/// <summary>Which thread does what follows from a step.</summary>
[Trait("Row", "C1")]
public sealed class ThreadPoolSchedulerTests
{
    private readonly ThreadPoolScheduler _scheduler = new();

    [Fact]
    public async Task Schedule_FromWork_FirstFollowsOnTheSameThreadWhenTheWorkHasReturned()
    {
        var order = new ConcurrentQueue<(string What, int Thread)>();
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _scheduler.Schedule(new Work(() =>
        {
            _scheduler.Schedule(new Work(() =>
            {
                order.Enqueue(("next", Environment.CurrentManagedThreadId));
                done.SetResult();
            }));
            order.Enqueue(("first", Environment.CurrentManagedThreadId));
        }));
        await done.Task;

        Assert.Equal(["first", "next"], order.Select(entry => entry.What));
        Assert.Single(order.Select(entry => entry.Thread).Distinct());
    }

    [Fact]
    public async Task Schedule_SeveralFromWork_OnlyOneWaitsForItsEnd()
    {
        var others = new CountdownEvent(2);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _scheduler.Schedule(new Work(() =>
        {
            _scheduler.Schedule(new Work(done.SetResult));
            _scheduler.Schedule(new Work(() => others.Signal()));
            _scheduler.Schedule(new Work(() => others.Signal()));

            // Other threads take these: this one is not free before they have.
            others.Wait(TestContext.Current.CancellationToken);
        }));

        await done.Task;
        Assert.True(others.IsSet);
    }

    [Fact]
    public async Task Schedule_FromAFunctionThatBlocks_DoesNotWaitForIt()
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _scheduler.Schedule(new Work(() =>
        {
            _ = _scheduler.Invoke(
                scheduler =>
                {
                    using var other = new ManualResetEventSlim();
                    scheduler.Schedule(new Work(other.Set));
                    other.Wait(TestContext.Current.CancellationToken);
                    return Task.FromResult<string?>(null);
                },
                _scheduler);
            done.SetResult();
        }));

        await done.Task;
    }

    [Fact]
    public async Task Activity_BlocksOnAnInstanceThatItStarts_Ends()
    {
        EmbeddedEngine? engine = null;
        var registry = new DurableRegistry()
            .AddActivity("nested", (_, _) =>
            {
                // Nobody should, and somebody will.
                var id = engine!.Client.StartAsync("child", null).GetAwaiter().GetResult();
                return Task.FromResult(engine.Client.WaitForCompletionAsync(id).GetAwaiter().GetResult().Output);
            })
            .AddActivity("echo", static (_, input) => Task.FromResult(input))
            .AddOrchestration("child", static (context, _) => context.CallActivityAsync("echo", "\"from the child\""))
            .AddOrchestration("parent", static (context, _) => context.CallActivityAsync("nested", null));
        engine = await EmbeddedEngine.StartAsync(EngineOptions.InMemory(), registry);
        await using (engine)
        {
            var ended = await engine.Client.WaitForCompletionAsync(await engine.Client.StartAsync("parent", null));

            Assert.Equal("\"from the child\"", ended.Output);
        }
    }

    private sealed class Work(Action action) : IThreadPoolWorkItem
    {
        public void Execute() => action();
    }
}
