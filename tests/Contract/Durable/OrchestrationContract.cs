using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;

namespace Polyphony.Contract.Durable;

/// <summary>Orchestrations and activities.</summary>
public abstract class OrchestrationContract : DurableContract
{
    [Fact]
    [Trait("Row", "H9")]
    public async Task Start_SequenceOfActivities_ReturnsTheirResultsInOrder()
    {
        var registry = new DurableRegistry()
            .AddActivity("double", (_, input) => Task.FromResult<string?>((int.Parse(input!) * 2).ToString()))
            .AddOrchestration("twice", async (context, input) =>
            {
                var once = await context.CallActivityAsync("double", input);
                return await context.CallActivityAsync("double", once);
            });
        await using var host = await StartAsync(registry);

        var ended = await RunAsync(host, "twice", "3", "a");

        Assert.Equal(OrchestrationRuntimeStatus.Completed, ended.RuntimeStatus);
        Assert.Equal("3", ended.Input);
        Assert.Equal("12", ended.Output);
        Assert.Equal("twice", ended.Name);
        Assert.NotNull(ended.CompletedTime);
        Assert.Equal(
            "ExecutionStarted OrchestratorStarted TaskScheduled OrchestratorStarted TaskCompleted TaskScheduled OrchestratorStarted TaskCompleted ExecutionCompleted",
            Names(await HistoryAsync(host, "a")));
    }

    [Fact]
    [Trait("Row", "S1")]
    public async Task WhenAll_ManyActivities_EveryResultIsThereOnce()
    {
        var registry = new DurableRegistry()
            .AddActivity("echo", async (_, input) =>
            {
                await Task.Yield();
                return input;
            })
            .AddOrchestration("fan", async (context, _) =>
            {
                var results = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => context.CallActivityAsync("echo", i.ToString())));
                return string.Join(',', results);
            });
        await using var host = await StartAsync(registry);

        var ended = await RunAsync(host, "fan");

        Assert.Equal(string.Join(',', Enumerable.Range(0, 200)), ended.Output);
    }

    [Fact]
    [Trait("Row", "C9")]
    public async Task CallActivity_Throws_TaskFailedWithDetails()
    {
        var registry = new DurableRegistry()
            .AddActivity("fails", (_, _) => throw new InvalidOperationException("no paper"))
            .AddOrchestration("catch", async (context, _) =>
            {
                try
                {
                    return await context.CallActivityAsync("fails", null);
                }
                catch (TaskFailedException e)
                {
                    return $"{e.TaskName}|{e.FailureDetails.ErrorType}|{e.FailureDetails.ErrorMessage}";
                }
            });
        await using var host = await StartAsync(registry);

        Assert.Equal("fails|System.InvalidOperationException|no paper", (await RunAsync(host, "catch")).Output);
    }

    [Fact]
    [Trait("Row", "C9")]
    public async Task CallActivity_NotRegistered_FailsTheTaskWithItsCode()
    {
        var registry = new DurableRegistry().AddOrchestration("o", (context, _) => context.CallActivityAsync("nobody", null));
        await using var host = await StartAsync(registry);

        var ended = await RunAsync(host, "o");

        Assert.Equal(OrchestrationRuntimeStatus.Failed, ended.RuntimeStatus);
        Assert.Equal("task_failed", ended.FailureDetails?.ErrorType);
        Assert.Equal("unknown_activity", ended.FailureDetails?.InnerFailure?.ErrorType);
    }

    [Fact]
    [Trait("Row", "C10")]
    public async Task Start_CodeThrows_FailsWithDetails()
    {
        var registry = new DurableRegistry().AddOrchestration("o", (_, _) => throw new ArgumentException("bad"));
        await using var host = await StartAsync(registry);

        var ended = await RunAsync(host, "o");

        Assert.Equal(OrchestrationRuntimeStatus.Failed, ended.RuntimeStatus);
        Assert.Equal("System.ArgumentException", ended.FailureDetails?.ErrorType);
        Assert.Equal("bad", ended.FailureDetails?.ErrorMessage);
        Assert.Null(ended.Output);
    }

    [Fact]
    [Trait("Row", "S8")]
    public async Task Payload_AboveTheLimit_IsRefused()
    {
        var big = $"\"{new string('x', DurableLimits.MaxPayloadBytes)}\"";
        var registry = new DurableRegistry()
            .AddActivity("big", (_, _) => Task.FromResult<string?>(big))
            .AddOrchestration("input", (context, _) => context.CallActivityAsync("big", big))
            .AddOrchestration("result", (context, _) => context.CallActivityAsync("big", null))
            .AddOrchestration("output", (_, _) => Task.FromResult<string?>(big));
        await using var host = await StartAsync(registry);

        Assert.Equal("payload_too_large", (await RunAsync(host, "input")).FailureDetails?.ErrorType);
        Assert.Equal("payload_too_large", (await RunAsync(host, "result")).FailureDetails?.InnerFailure?.ErrorType);
        Assert.Equal("payload_too_large", (await RunAsync(host, "output")).FailureDetails?.ErrorType);
        await Assert.ThrowsAsync<PayloadTooLargeException>(() => host.Client.StartAsync("output", big, null, Soon));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("Row", "H9")]
    public async Task Restart_ActivityUnderWay_RunsAgainAndTheResultCountsOnce(bool crash)
    {
        var runs = 0;
        var gate = new TaskCompletionSource<string?>();
        var firstRun = new TaskCompletionSource();
        DurableRegistry Make() => new DurableRegistry()
            .AddActivity("first", (_, _) => Task.FromResult<string?>("1"))
            .AddActivity("slow", (context, _) =>
            {
                firstRun.TrySetResult();
                return Interlocked.Increment(ref runs) == 1 ? gate.Task.WaitAsync(context.CancellationToken) : Task.FromResult<string?>("2");
            })
            .AddOrchestration("o", async (context, _) => $"{await context.CallActivityAsync("first", null)}{await context.CallActivityAsync("slow", null)}");
        await using var host = await StartAsync(Make());
        await host.Client.StartAsync("o", null, new StartOrchestrationOptions { InstanceId = "a" }, Soon);
        await firstRun.Task.WaitAsync(Soon);

        await host.RestartAsync(crash: crash);
        gate.TrySetResult("late");

        Assert.Equal("12", (await host.Client.WaitForCompletionAsync("a", Soon)).Output);
        Assert.Equal(2, runs);
        Assert.Equal(2, (await HistoryAsync(host, "a")).Count(e => e is TaskCompleted));
    }

    [Fact]
    [Trait("Row", "B10")]
    public async Task CallActivity_Cancelled_GoesOnAtOnceAndDropsTheResult()
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var wentOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var gate = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var registry = new DurableRegistry()
            .AddActivity("slow", (_, _) =>
            {
                begun.TrySetResult();
                return gate.Task;
            })
            .AddActivity("next", (_, input) =>
            {
                wentOn.TrySetResult();
                return Task.FromResult(input);
            })
            .AddOrchestration("o", async (context, _) =>
            {
                using var cancel = new CancellationTokenSource();
                var call = context.CallActivityAsync("slow", null, cancel.Token);
                await context.WaitForExternalEventAsync("cancel");
                cancel.Cancel();
                string? got;
                try
                {
                    got = await call;
                }
                catch (OperationCanceledException)
                {
                    got = await context.CallActivityAsync("next", "7", cancel.Token.IsCancellationRequested ? default : cancel.Token);
                }

                await context.WaitForExternalEventAsync("go");
                return got;
            });
        await using var host = await StartAsync(registry);
        await host.Client.StartAsync("o", null, new StartOrchestrationOptions { InstanceId = "a" }, Soon);
        await begun.Task.WaitAsync(Soon);
        await host.Client.RaiseEventAsync("a", "cancel", null, Soon);
        await wentOn.Task.WaitAsync(Soon);
        gate.SetResult("8");
        await host.RestartAsync(crash: false);
        await host.Client.RaiseEventAsync("a", "go", null, Soon);
        Assert.Equal("7", (await host.Client.WaitForCompletionAsync("a", Soon)).Output);
    }

    [Fact]
    [Trait("Row", "S3")]
    public async Task Context_ReplayedAfterRestart_GivesTheSameIdsAndTimes()
    {
        var seen = new List<string>();
        var registry = new DurableRegistry()
            .AddActivity("note", (_, input) =>
            {
                lock (seen)
                {
                    seen.Add(input!);
                }

                return Task.FromResult<string?>(null);
            })
            .AddOrchestration("o", async (context, _) =>
            {
                var before = $"{context.NewGuid()} {context.NewGuid()} {context.CurrentUtcDateTime:O}";
                await context.CallActivityAsync("note", before);
                await context.WaitForExternalEventAsync("go");
                return before;
            });
        await using var host = await StartAsync(registry);
        await host.Client.StartAsync("o", null, new StartOrchestrationOptions { InstanceId = "a" }, Soon);
        await UntilAsync(host, "a", _ => seen.Count == 1);

        await host.RestartAsync(crash: true);
        await host.Client.RaiseEventAsync("a", "go", null, Soon);

        var ended = await host.Client.WaitForCompletionAsync("a", Soon);
        Assert.All(seen, before => Assert.Equal(ended.Output, before));
        var ids = ended.Output!.Split(' ');
        Assert.NotEqual(ids[0], ids[1]);
        Assert.Equal('5', ids[0][14]);
    }

    [Fact]
    [Trait("Row", "H2")]
    public async Task SetCustomStatus_EachStep_IsSeenAndKeptToTheEnd()
    {
        var registry = new DurableRegistry().AddOrchestration("o", async (context, _) =>
        {
            context.SetCustomStatus("{\"at\":1}");
            await context.WaitForExternalEventAsync("go");
            context.SetCustomStatus("{\"at\":2}");
            return null;
        });
        await using var host = await StartAsync(registry);
        await host.Client.StartAsync("o", null, new StartOrchestrationOptions { InstanceId = "a" }, Soon);

        await UntilAsync(host, "a", found => found.CustomStatus == "{\"at\":1}");
        await host.RestartAsync(crash: true);
        Assert.Equal("{\"at\":1}", (await host.Client.GetAsync("a"))!.CustomStatus);
        await host.Client.RaiseEventAsync("a", "go", null, Soon);
        Assert.Equal("{\"at\":2}", (await host.Client.WaitForCompletionAsync("a", Soon)).CustomStatus);
    }

    [Fact]
    [Trait("Row", "O7")]
    public async Task ContinueAsNew_ManyGenerations_HistoryOfAllIsReadable()
    {
        var registry = new DurableRegistry()
            .AddActivity("echo", (_, input) => Task.FromResult(input))
            .AddOrchestration("loop", async (context, input) =>
            {
                var n = int.Parse(await context.CallActivityAsync("echo", input) ?? "0");
                if (n < 3)
                {
                    context.ContinueAsNew((n + 1).ToString());
                }

                return $"done {n}";
            });
        await using var host = await StartAsync(registry);

        var ended = await RunAsync(host, "loop", "0", "a");

        Assert.Equal("done 3", ended.Output);
        Assert.Equal("3", ended.Input);
        var history = await HistoryAsync(host, "a");
        Assert.Equal(["0", "1", "2", "3"], history.OfType<ExecutionStarted>().Select(e => e.Input));
        Assert.Equal(3, history.Count(e => e is ContinuedAsNew));
        Assert.Equal(Enumerable.Range(1, history.Count).Select(i => (long)i), history.Select(e => e.Sequence));
        Assert.Equal(history.Skip(5).Select(e => e.GetType()), (await host.Client.GetHistoryAsync("a", 6, Soon)).Select(e => e.GetType()));
    }

    [Fact]
    [Trait("Row", "S3")]
    public async Task Replay_CodeChanged_StopsThatInstanceUntilTheCodeIsBack()
    {
        await using var host = await StartAsync(Calling("a"));
        await host.Client.StartAsync("o", null, new StartOrchestrationOptions { InstanceId = "x" }, Soon);
        await host.Client.StartAsync("other", null, new StartOrchestrationOptions { InstanceId = "y" }, Soon);
        await UntilHistoryAsync(host, "x", e => e is TaskCompleted);

        await host.RestartAsync(Calling("b"));
        await host.Client.RaiseEventAsync("x", "go", "\"!\"", Soon);
        await host.Client.RaiseEventAsync("y", "go", "\"ok\"", Soon);

        Assert.Equal("\"ok\"", (await host.Client.WaitForCompletionAsync("y", Soon)).Output);
        var stopped = await UntilAsync(host, "x", found => found.RuntimeStatus == OrchestrationRuntimeStatus.Suspended);
        Assert.Equal("non_deterministic", stopped.FailureDetails?.ErrorType);
        Assert.Contains("history says call activity \"a\", but the code did call activity \"b\"", stopped.FailureDetails!.ErrorMessage, StringComparison.Ordinal);
        Assert.Contains("history event 3 (task 0)", stopped.FailureDetails.ErrorMessage, StringComparison.Ordinal);

        await host.RestartAsync(Calling("a"), crash: true);
        await host.Client.ResumeAsync("x", "fixed", Soon);
        Assert.Equal("1\"!\"", (await host.Client.WaitForCompletionAsync("x", Soon)).Output);
    }

    [Fact]
    [Trait("Row", "S3")]
    public async Task Replay_NameNoLongerRegistered_StopsThatInstanceUntilItIs()
    {
        var registry = new DurableRegistry().AddOrchestration("o", (context, _) => context.WaitForExternalEventAsync("go"));
        await using var host = await StartAsync(registry);
        await host.Client.StartAsync("o", null, new StartOrchestrationOptions { InstanceId = "x" }, Soon);
        await UntilAsync(host, "x", found => found.RuntimeStatus == OrchestrationRuntimeStatus.Running);

        await host.RestartAsync(new DurableRegistry());
        await host.Client.RaiseEventAsync("x", "go", "1", Soon);
        var stopped = await UntilAsync(host, "x", found => found.RuntimeStatus == OrchestrationRuntimeStatus.Suspended);
        Assert.Equal("unknown_orchestration", stopped.FailureDetails?.ErrorType);

        await host.RestartAsync(registry);
        await host.Client.ResumeAsync("x", null, Soon);
        Assert.Equal("1", (await host.Client.WaitForCompletionAsync("x", Soon)).Output);
    }

    protected static async Task UntilHistoryAsync(IDurableHost host, string id, Func<HistoryEvent, bool> condition)
    {
        long version = 0;
        while (!(await HistoryAsync(host, id)).Any(condition))
        {
            version = (await host.Client.WaitForChangeAsync(id, version, Soon))!.Version;
        }
    }
}
