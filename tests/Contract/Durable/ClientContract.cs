using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;

namespace Polyphony.Contract.Durable;

/// <summary>What a client sees and manages.</summary>
[Trait("Row", "H5")]
public abstract class ClientContract : DurableContract
{
    private static DurableRegistry Waiting() => new DurableRegistry()
        .AddActivity("echo", (_, input) => Task.FromResult(input))
        .AddOrchestration("wait", (context, _) => context.WaitForExternalEventAsync("go"))
        .AddOrchestration("now", (_, input) => Task.FromResult(input));

    [Fact]
    public async Task Start_IdUsedBefore_Throws()
    {
        await using var host = await StartAsync(Waiting());
        await RunAsync(host, "now", "1", "a");
        await host.Client.StartAsync("wait", null, new StartOrchestrationOptions { InstanceId = "b" }, Soon);

        await Assert.ThrowsAsync<InstanceExistsException>(() => host.Client.StartAsync("now", null, new StartOrchestrationOptions { InstanceId = "a" }, Soon));
        await Assert.ThrowsAsync<InstanceExistsException>(() => host.Client.StartAsync("now", null, new StartOrchestrationOptions { InstanceId = "b" }, Soon));
        Assert.Equal("1", (await host.Client.GetAsync("a"))!.Output);
        Assert.Equal(1, await host.Client.PurgeAsync("a", Soon));
        Assert.Equal("2", (await RunAsync(host, "now", "2", "a")).Output);
    }

    [Fact]
    public async Task Start_SameIdManyTimesAtOnce_StartsOnce()
    {
        await using var host = await StartAsync(Waiting());

        var starts = await Task.WhenAll(Enumerable.Range(0, 50).Select(async _ =>
        {
            try
            {
                await host.Client.StartAsync("now", null, new StartOrchestrationOptions { InstanceId = "a" }, Soon);
                return 1;
            }
            catch (InstanceExistsException)
            {
                return 0;
            }
        }));

        Assert.Equal(1, starts.Sum());
    }

    [Fact]
    public async Task Start_SameIdOtherInputsAtOnce_TheOneAcceptedIsTheOneThatRuns()
    {
        await using var host = await StartAsync(Waiting());
        for (var round = 0; round < 3; round++)
        {
            var id = $"a{round}";
            var accepted = new System.Collections.Concurrent.ConcurrentBag<string>();
            await Task.WhenAll(Enumerable.Range(0, 20).Select(async i =>
            {
                try
                {
                    await host.Client.StartAsync("now", $"{i}", new StartOrchestrationOptions { InstanceId = id }, Soon);
                    accepted.Add($"{i}");
                }
                catch (InstanceExistsException)
                {
                    // What it was told is so: the instance can be read.
                    Assert.NotNull(await host.Client.GetAsync(id, false, Soon));
                }
            }));

            Assert.Equal(Assert.Single(accepted), (await host.Client.WaitForCompletionAsync(id, Soon)).Output);
        }
    }

    [Fact]
    public async Task Suspend_EventsMeanwhile_AreKeptForResume()
    {
        await using var host = await StartAsync(Waiting());
        await host.Client.StartAsync("wait", null, new StartOrchestrationOptions { InstanceId = "a" }, Soon);
        await host.Client.SuspendAsync("a", "lunch", Soon);
        await host.Client.SuspendAsync("a", "again", Soon);
        await host.Client.RaiseEventAsync("a", "go", "1", Soon);
        Assert.Equal(OrchestrationRuntimeStatus.Suspended, (await host.Client.GetAsync("a"))!.RuntimeStatus);

        await host.RestartAsync(crash: true);
        Assert.Equal(OrchestrationRuntimeStatus.Suspended, (await host.Client.GetAsync("a"))!.RuntimeStatus);
        await host.Client.ResumeAsync("a", "back", Soon);

        Assert.Equal("1", (await host.Client.WaitForCompletionAsync("a", Soon)).Output);
        var history = await HistoryAsync(host, "a");
        Assert.Equal("lunch", Assert.Single(history.OfType<ExecutionSuspended>()).Reason);
        Assert.Equal("back", Assert.Single(history.OfType<ExecutionResumed>()).Reason);
        var raised = history.OfType<EventRaised>().ToList();
        Assert.True(raised.Count == 1 || (host.EventsMayRepeat && raised.Count == 2), $"The event was raised {raised.Count} times.");
    }

    [Fact]
    public async Task Suspend_ActivityUnderWay_ItsResultIsKept()
    {
        var gate = new TaskCompletionSource<string?>();
        var registry = new DurableRegistry()
            .AddActivity("slow", (_, _) => gate.Task)
            .AddOrchestration("o", (context, _) => context.CallActivityAsync("slow", null));
        await using var host = await StartAsync(registry);
        await host.Client.StartAsync("o", null, new StartOrchestrationOptions { InstanceId = "a" }, Soon);
        await UntilAsync(host, "a", found => found.RuntimeStatus == OrchestrationRuntimeStatus.Running);
        var suspended = host.Client.SuspendAsync("a", null, Soon);
        await suspended;
        var version = (await host.Client.GetAsync("a"))!.Version;
        gate.SetResult("9");
        await host.Client.WaitForChangeAsync("a", version, Soon);

        await host.Client.ResumeAsync("a", null, Soon);
        Assert.Equal("9", (await host.Client.WaitForCompletionAsync("a", Soon)).Output);
    }

    [Fact]
    public async Task Managing_FinishedOrUnknown_Throws()
    {
        await using var host = await StartAsync(Waiting());
        await RunAsync(host, "now", null, "a");
        Func<string, Task>[] calls =
        [
            id => host.Client.SuspendAsync(id, null, Soon),
            id => host.Client.ResumeAsync(id, null, Soon),
            id => host.Client.TerminateAsync(id, null, Soon),
            id => host.Client.RewindAsync(id, null, Soon),
        ];

        foreach (var call in calls)
        {
            Assert.Equal(OrchestrationRuntimeStatus.Completed, (await Assert.ThrowsAsync<InvalidInstanceStatusException>(() => call("a"))).Status);
            await Assert.ThrowsAsync<InstanceNotFoundException>(() => call("b"));
        }

        await Assert.ThrowsAsync<InstanceNotFoundException>(() => host.Client.RestartAsync("b", null, Soon));
        await Assert.ThrowsAsync<InstanceNotFoundException>(() => host.Client.GetHistoryAsync("b", 0, Soon));
        Assert.Null(await host.Client.GetAsync("b"));
        Assert.Null(await host.Client.WaitForChangeAsync("b", 5, Soon));
        Assert.Equal(0, await host.Client.PurgeAsync("b", Soon));
    }

    [Fact]
    public async Task RestartAndPurge_Unfinished_Throw()
    {
        await using var host = await StartAsync(Waiting());
        await host.Client.StartAsync("wait", null, new StartOrchestrationOptions { InstanceId = "a" }, Soon);

        await Assert.ThrowsAsync<InvalidInstanceStatusException>(() => host.Client.RestartAsync("a", null, Soon));
        await Assert.ThrowsAsync<InvalidInstanceStatusException>(() => host.Client.PurgeAsync("a", Soon));
        await Assert.ThrowsAsync<InvalidInstanceStatusException>(() => host.Client.RewindAsync("a", null, Soon));
    }

    [Fact]
    public async Task Restart_Finished_StartsANewOneWithItsInputAndTags()
    {
        await using var host = await StartAsync(Waiting());
        var tags = new Dictionary<string, string> { ["team"] = "red" };
        await host.Client.StartAsync("now", "5", new StartOrchestrationOptions { InstanceId = "a", Tags = tags }, Soon);
        await host.Client.WaitForCompletionAsync("a", Soon);

        Assert.Equal("b", await host.Client.RestartAsync("a", "b", Soon));

        var again = await host.Client.WaitForCompletionAsync("b", Soon);
        Assert.Equal("5", again.Output);
        Assert.Equal(tags, again.Tags);
        await Assert.ThrowsAsync<InstanceExistsException>(() => host.Client.RestartAsync("a", "b", Soon));
    }

    [Fact]
    public async Task Rewind_FailedActivity_RunsItAgainAndKeepsTheRest()
    {
        var runs = new Dictionary<string, int>();
        var broken = true;
        var registry = new DurableRegistry()
            .AddActivity("count", (_, input) =>
            {
                lock (runs)
                {
                    runs[input!] = runs.GetValueOrDefault(input!) + 1;
                }

                return input == "b" && broken ? throw new InvalidOperationException("broken") : Task.FromResult(input);
            })
            .AddOrchestration("o", async (context, _) =>
            {
                var first = await context.CallActivityAsync("count", "a");
                var both = await Task.WhenAll(context.CallActivityAsync("count", "b"), context.CallActivityAsync("count", "c"));
                return first + both[0] + both[1];
            });
        await using var host = await StartAsync(registry);
        Assert.Equal(OrchestrationRuntimeStatus.Failed, (await RunAsync(host, "o", null, "x")).RuntimeStatus);
        broken = false;

        await host.Client.RewindAsync("x", "mended", Soon);

        var ended = await host.Client.WaitForCompletionAsync("x", Soon);
        Assert.Equal("abc", ended.Output);
        Assert.Null(ended.FailureDetails);
        Assert.Equal(new Dictionary<string, int> { ["a"] = 1, ["b"] = 2, ["c"] = 1 }, runs);
        Assert.Equal([1], Assert.Single((await HistoryAsync(host, "x")).OfType<ExecutionRewound>()).TaskIds);
    }

    [Fact]
    public async Task Rewind_AfterHandledFailures_TakesBackTheLastOnly()
    {
        var runs = 0;
        var registry = new DurableRegistry()
            .AddActivity("flaky", (_, _) => ++runs < 4 ? throw new InvalidOperationException($"run {runs}") : Task.FromResult<string?>($"run {runs}"))
            .AddOrchestration("o", async (context, _) =>
            {
                for (var attempt = 1; ; attempt++)
                {
                    try
                    {
                        return await context.CallActivityAsync("flaky", attempt.ToString());
                    }
                    catch (TaskFailedException) when (attempt < 3)
                    {
                        await context.CreateTimerAsync(context.CurrentUtcDateTime.AddMilliseconds(1));
                    }
                }
            });
        await using var host = await StartAsync(registry);
        Assert.Equal(OrchestrationRuntimeStatus.Failed, (await RunAsync(host, "o", null, "x")).RuntimeStatus);

        await host.Client.RewindAsync("x", null, Soon);

        Assert.Equal("run 4", (await host.Client.WaitForCompletionAsync("x", Soon)).Output);
        Assert.Equal([4], Assert.Single((await HistoryAsync(host, "x")).OfType<ExecutionRewound>()).TaskIds);
    }

    [Fact]
    public async Task Rewind_FailedChild_IsRewoundToo()
    {
        var broken = true;
        var registry = new DurableRegistry()
            .AddActivity("a", (_, _) => broken ? throw new InvalidOperationException("broken") : Task.FromResult<string?>("ok"))
            .AddOrchestration("child", (context, _) => context.CallActivityAsync("a", null))
            .AddOrchestration("parent", (context, _) => context.CallSubOrchestrationAsync("child", "c", null));
        await using var host = await StartAsync(registry);
        Assert.Equal(OrchestrationRuntimeStatus.Failed, (await RunAsync(host, "parent", null, "p")).RuntimeStatus);
        broken = false;

        await host.Client.RewindAsync("p", null, Soon);
        await host.RestartAsync(crash: true);

        Assert.Equal("ok", (await host.Client.WaitForCompletionAsync("p", Soon)).Output);
        Assert.Equal("ok", (await host.Client.GetAsync("c"))!.Output);
    }

    [Fact]
    [Trait("Row", "H4")]
    public async Task Query_Conditions_AllHold()
    {
        await using var host = await StartAsync(Waiting().AddOrchestration("parent", (context, _) => context.CallSubOrchestrationAsync("now", "x-child", "1")));
        await host.Client.StartAsync("wait", null, new StartOrchestrationOptions { InstanceId = "x-1", Tags = new Dictionary<string, string> { ["k"] = "v" } }, Soon);
        await RunAsync(host, "now", "2", "x-2");
        await RunAsync(host, "parent", null, "y-1");

        async Task<string> Ids(OrchestrationQuery query) => string.Join(' ', (await host.Client.QueryAsync(query, Soon)).Instances.Select(found => found.InstanceId));

        Assert.Equal("y-1 x-2 x-1", await Ids(new()));
        Assert.Equal("x-child y-1 x-2 x-1", await Ids(new() { IncludeChildren = true }));
        Assert.Equal("x-2 x-1", await Ids(new() { InstanceIdPrefix = "x-" }));
        Assert.Equal("x-2", await Ids(new() { Name = "now" }));
        Assert.Equal("y-1 x-2", await Ids(new() { Statuses = [OrchestrationRuntimeStatus.Completed] }));
        Assert.Equal("x-1", await Ids(new() { Tags = new Dictionary<string, string> { ["k"] = "v" } }));
        var middle = (await host.Client.GetAsync("x-2"))!.CreatedTime;
        Assert.Contains("x-2", await Ids(new() { CreatedFrom = middle }), StringComparison.Ordinal);
        Assert.DoesNotContain("x-2", await Ids(new() { CreatedTo = middle }), StringComparison.Ordinal);
        Assert.Null((await host.Client.QueryAsync(new() { Name = "now" }, Soon)).Instances[0].Output);
        Assert.Equal("2", (await host.Client.QueryAsync(new() { Name = "now", FetchInputsAndOutputs = true }, Soon)).Instances[0].Output);
    }

    [Fact]
    [Trait("Row", "H4")]
    public async Task Query_PagesWhileInstancesAreAdded_MissNothingAndRepeatNothing()
    {
        await using var host = await StartAsync(Waiting());
        for (var i = 0; i < 25; i++)
        {
            await host.Client.StartAsync("wait", null, new StartOrchestrationOptions { InstanceId = $"i{i}" }, Soon);
        }

        var seen = new List<string>();
        string? token = null;
        do
        {
            var page = await host.Client.QueryAsync(new() { PageSize = 10, ContinuationToken = token }, Soon);
            seen.AddRange(page.Instances.Select(found => found.InstanceId));
            token = page.ContinuationToken;
            await host.Client.StartAsync("wait", null, new StartOrchestrationOptions { InstanceId = $"late{seen.Count}" }, Soon);
        }
        while (token is not null);

        Assert.Equal(Enumerable.Range(0, 25).Reverse().Select(i => $"i{i}"), seen);
    }

    [Fact]
    [Trait("Row", "H4")]
    public async Task Query_BadPageOrToken_Throws()
    {
        await using var host = await StartAsync(Waiting());

        Assert.Equal("invalid_continuation_token", (await Assert.ThrowsAsync<PolyphonyException>(() => host.Client.QueryAsync(new() { ContinuationToken = "?!" }, Soon))).Code);
        Assert.Equal("invalid_page_size", (await Assert.ThrowsAsync<PolyphonyException>(() => host.Client.QueryAsync(new() { PageSize = 0 }, Soon))).Code);
        Assert.Equal("invalid_page_size", (await Assert.ThrowsAsync<PolyphonyException>(() => host.Client.QueryAsync(new() { PageSize = 1001 }, Soon))).Code);
    }

    [Fact]
    [Trait("Row", "H2")]
    public async Task WaitForChange_EachCommit_GrowsTheVersion()
    {
        await using var host = await StartAsync(Waiting());
        await host.Client.StartAsync("wait", null, new StartOrchestrationOptions { InstanceId = "a" }, Soon);
        var running = await UntilAsync(host, "a", found => found.RuntimeStatus == OrchestrationRuntimeStatus.Running);
        var next = host.Client.WaitForChangeAsync("a", running.Version, Soon);
        Assert.False(next.IsCompleted);

        await host.Client.RaiseEventAsync("a", "other", null, Soon);

        Assert.True((await next)!.Version > running.Version);
        using var cancelled = new CancellationTokenSource();
        var never = host.Client.WaitForChangeAsync("a", (await next)!.Version, cancelled.Token);
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => never);
    }
}
