using Polyphony.Contract.Durable;
using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;
using Polyphony.DurableFunctions.Durable;
using StartOrchestrationOptions = Polyphony.Core.Durable.StartOrchestrationOptions;

namespace Polyphony.DurableFunctions.Tests.Durable;

/// <summary>What happens on Durable Task where it differs from the embedded engine by design.</summary>
public abstract class DurableTaskDifferenceContract : DurableContract
{
    [Fact]
    [Trait("Row", "S3")]
    public async Task Replay_CodeChanged_FailsThatInstanceWithWhatDiffers()
    {
        await using var host = await StartAsync(Calling("a"));
        await BeginAsync(host.Client, "o", "x");
        await BeginAsync(host.Client, "other", "y");
        while (!(await host.Client.GetHistoryAsync("x", 0, Soon)).Any(e => e is TaskCompleted))
        {
            await Task.Yield();
        }

        await host.RestartAsync(Calling("b"));
        await host.Client.RaiseEventAsync("x", "go", "\"!\"", Soon);
        await host.Client.RaiseEventAsync("y", "go", "\"ok\"", Soon);

        Assert.Equal("\"ok\"", (await host.Client.WaitForCompletionAsync("y", Soon)).Output);
        var failed = await host.Client.WaitForCompletionAsync("x", Soon);
        Assert.Equal(OrchestrationRuntimeStatus.Failed, failed.RuntimeStatus);
        Assert.Contains("NonDeterministic", failed.FailureDetails!.ErrorType, StringComparison.Ordinal);
        Assert.Contains("Was a change made to the orchestrator code", failed.FailureDetails.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Row", "S3")]
    public async Task Replay_NameNoLongerRegistered_FailsThatInstanceWithItsCode()
    {
        var registry = new DurableRegistry().AddOrchestration("o", (context, _) => context.WaitForExternalEventAsync("go"));
        await using var host = await StartAsync(registry);
        await BeginAsync(host.Client, "o", "x");
        await UntilRunningAsync(host.Client, "x");

        await host.RestartAsync(new DurableRegistry());
        await host.Client.RaiseEventAsync("x", "go", "1", Soon);

        Assert.Equal("unknown_orchestration", (await host.Client.WaitForCompletionAsync("x", Soon)).FailureDetails?.ErrorType);
    }

    [Fact]
    [Trait("Row", "B10")]
    public async Task Terminate_ActivityUnderWay_IsCancelledWithTheNextLook()
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var registry = new DurableRegistry()
            .AddActivity("slow", async (context, _) =>
            {
                begun.TrySetResult();
                try
                {
                    await Task.Delay(Timeout.Infinite, context.CancellationToken);
                }
                catch (OperationCanceledException)
                {
                    cancelled.TrySetResult();
                    throw;
                }

                return null;
            })
            .AddOrchestration("o", (context, _) => context.CallActivityAsync("slow", null));
        await using var host = (DurableTaskHost)await StartAsync(registry);
        await BeginAsync(host.Client, "o", "a");
        await begun.Task.WaitAsync(Soon);

        // While it runs, a look changes nothing.
        host.Looks.Advance(InstanceWatch.Period * 2);
        await UntilRunningAsync(host.Client, "a");
        Assert.False(cancelled.Task.IsCompleted);
        await host.Client.TerminateAsync("a", null, Soon);
        await host.Client.WaitForCompletionAsync("a", Soon);
        for (var end = Soon; !cancelled.Task.IsCompleted; await Task.Yield())
        {
            end.ThrowIfCancellationRequested();
            host.Looks.Advance(InstanceWatch.Period);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("Row", "B10")]
    public async Task CallActivity_CancelledAmongOthers_LearnsOfItByALookAndTheOthersDoNot(bool heeds)
    {
        var begun = new[] { NewSignal(), NewSignal() };
        var cancelled = new[] { NewSignal(), NewSignal() };
        var go = NewSignal();
        var registry = new DurableRegistry()
            .AddActivity("slow", async (context, input) =>
            {
                var number = int.Parse(input!);
                begun[number].TrySetResult();
                var wait = go.Task.WaitAsync(heeds ? context.CancellationToken : CancellationToken.None);
                await using var told = context.CancellationToken.Register(() => cancelled[number].TrySetResult());
                await wait;
                return input;
            })
            .AddOrchestration("o", async (context, _) =>
            {
                context.SetCustomStatus("\"both\"");
                using var one = new CancellationTokenSource();
                using var other = new CancellationTokenSource();
                Task<string?>[] calls = [context.CallActivityAsync("slow", "0", one.Token), context.CallActivityAsync("slow", "1", other.Token)];
                await context.WaitForExternalEventAsync("cancel");
                other.Cancel();
                context.SetCustomStatus("\"one\"");
                return $"[{await calls[0]},{(calls[1].IsCanceled ? "\"cancelled\"" : "null")}]";
            });
        await using var host = (DurableTaskHost)await StartAsync(registry);
        await BeginAsync(host.Client, "o", "a");
        await Task.WhenAll(begun.Select(each => each.Task)).WaitAsync(Soon);
        await host.Client.RaiseEventAsync("a", "cancel", null, Soon);
        for (var end = Soon; !cancelled[1].Task.IsCompleted; await Task.Yield())
        {
            end.ThrowIfCancellationRequested();
            host.Looks.Advance(InstanceWatch.Period);
        }

        var status = await host.Client.GetAsync("a", cancellationToken: Soon);
        Assert.Equal((OrchestrationRuntimeStatus.Running, "\"one\""), (status!.RuntimeStatus, status.CustomStatus));
        Assert.False(cancelled[0].Task.IsCompleted);

        // What the other brings ends the run; the cancelled one is left behind if it goes on.
        host.Looks.Advance(InstanceWatch.Period);
        go.TrySetResult();
        var ended = await host.Client.WaitForCompletionAsync("a", Soon);
        Assert.Equal(("[0,\"cancelled\"]", "\"one\""), (ended.Output, ended.CustomStatus));
        Assert.Equal(["0", "1"], (await host.Client.GetHistoryAsync("a", 0, Soon)).OfType<TaskScheduled>().Select(e => e.Input));
    }

    [Fact]
    [Trait("Row", "O7")]
    public async Task ContinueAsNew_ManyGenerations_HistoryIsTheLastOnesAndSequencesGoOn()
    {
        var registry = new DurableRegistry().AddOrchestration("loop", async (context, input) =>
        {
            await context.WaitForExternalEventAsync("go");
            var n = int.Parse(input!);
            if (n < 3)
            {
                context.ContinueAsNew($"{n + 1}");
            }

            return $"{n}";
        });
        await using var host = await StartAsync(registry);
        await BeginAsync(host.Client, "loop", "a", "0");
        await UntilRunningAsync(host.Client, "a");
        long last = 0;
        for (var n = 0; n < 3; n++)
        {
            var history = await host.Client.GetHistoryAsync("a", last + 1, Soon);
            Assert.Equal($"{n}", Assert.Single(history.OfType<ExecutionStarted>()).Input);
            last = history[^1].Sequence;
            await host.Client.RaiseEventAsync("a", "go", null, Soon);
            while ((await host.Client.GetAsync("a", true, Soon))!.Input != $"{n + 1}")
            {
                await Task.Yield();
            }
        }

        await host.Client.RaiseEventAsync("a", "go", null, Soon);
        Assert.Equal("3", (await host.Client.WaitForCompletionAsync("a", Soon)).Output);
        Assert.Equal("3", Assert.Single((await host.Client.GetHistoryAsync("a", 0, Soon)).OfType<ExecutionStarted>()).Input);
    }

    [Fact]
    [Trait("Row", "H2")]
    public async Task SetCustomStatus_AboveTheLimit_IsRefusedAndTheInstanceGoesOn()
    {
        var big = $"\"{new string('é', (DurableLimits.MaxCustomStatusBytes / 2) - 1)}\"";
        var registry = new DurableRegistry().AddOrchestration("o", (context, _) =>
        {
            context.SetCustomStatus(big);
            var error = Assert.Throws<PayloadTooLargeException>(() => context.SetCustomStatus(big.Insert(1, "xyz")));
            return Task.FromResult<string?>($"\"{error.Code}\"");
        });
        await using var host = await StartAsync(registry);
        await BeginAsync(host.Client, "o", "a");

        var ended = await host.Client.WaitForCompletionAsync("a", Soon);

        Assert.Equal(("\"payload_too_large\"", big), (ended.Output, ended.CustomStatus));
    }

    [Fact]
    [Trait("Row", "S8")]
    public async Task Payloads_AboveTheLimit_AreRefusedInTheOrchestration()
    {
        var big = $"\"{new string('x', DurableLimits.MaxPayloadBytes)}\"";
        var registry = new DurableRegistry().AddOrchestration("o", async (context, _) =>
        {
            var entity = new EntityId("e", "k");
            Assert.Throws<PayloadTooLargeException>(() => context.ContinueAsNew(big));
            Assert.Throws<PayloadTooLargeException>(() => context.SendEvent("a", "x", big));
            Assert.Throws<PayloadTooLargeException>(() => context.SignalEntity(entity, "op", big));
            await Assert.ThrowsAsync<PayloadTooLargeException>(() => context.CallSubOrchestrationAsync("o", null, big));
            await Assert.ThrowsAsync<PayloadTooLargeException>(() => context.CallEntityAsync(entity, "op", big));
            return "\"done\"";
        });
        await using var host = await StartAsync(registry);
        await BeginAsync(host.Client, "o", "a");

        var ended = await host.Client.WaitForCompletionAsync("a", Soon);
        Assert.True(ended.Output == "\"done\"", ended.FailureDetails?.ErrorMessage);
    }

    [Fact]
    [Trait("Row", "O9")]
    public async Task Start_FarAhead_WaitsByATimerAndGetsItsInputAsItWas()
    {
        var registry = new DurableRegistry().AddOrchestration("o", (_, input) => Task.FromResult(input));
        await using var host = await StartAsync(registry);
        var startAt = DateTimeOffset.UtcNow.AddDays(30);
        await host.Client.StartAsync("o", "[1.0]", new StartOrchestrationOptions { InstanceId = "a", StartAt = startAt }, Soon);

        IReadOnlyList<HistoryEvent> history;
        while (!(history = await host.Client.GetHistoryAsync("a", 0, Soon)).Any(e => e is TimerCreated))
        {
            await Task.Yield();
        }

        // Timers of Durable Task reach three days at most, and are set one after another.
        var started = Assert.Single(history.OfType<ExecutionStarted>());
        Assert.Equal(("[1.0]", startAt, 0), (started.Input, started.StartAt, started.Tags?.Count));
        Assert.InRange(Assert.Single(history.OfType<TimerCreated>()).FireAt, startAt.AddDays(-28), startAt);
        var waiting = (await host.Client.GetAsync("a", true, Soon))!;
        Assert.Equal((OrchestrationRuntimeStatus.Pending, "[1.0]"), (waiting.RuntimeStatus, waiting.Input));
        Assert.Equal("a", Assert.Single((await host.Client.QueryAsync(new() { Statuses = [OrchestrationRuntimeStatus.Pending] }, Soon)).Instances).InstanceId);
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static Task<string> BeginAsync(DurableClient client, string name, string id, string? input = null) =>
        client.StartAsync(name, input, new StartOrchestrationOptions { InstanceId = id }, Soon);

    private static async Task UntilRunningAsync(DurableClient client, string id)
    {
        while ((await client.GetAsync(id, false, Soon))!.RuntimeStatus != OrchestrationRuntimeStatus.Running)
        {
            await Task.Yield();
        }
    }
}
