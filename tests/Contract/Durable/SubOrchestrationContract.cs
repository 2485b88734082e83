using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;

namespace Polyphony.Contract.Durable;

/// <summary>Child orchestrations.</summary>
[Trait("Row", "O8")]
public abstract class SubOrchestrationContract : DurableContract
{
    [Fact]
    public async Task CallSubOrchestration_ManyChildren_EachResultArrivesOnce()
    {
        var registry = new DurableRegistry()
            .AddActivity("echo", (_, input) => Task.FromResult(input))
            .AddOrchestration("child", async (context, input) => $"{context.Parent!.InstanceId}/{context.Parent.Name}/{await context.CallActivityAsync("echo", input)}")
            .AddOrchestration("parent", async (context, _) => string.Join(',', await Task.WhenAll(
                Enumerable.Range(0, 20).Select(i => context.CallSubOrchestrationAsync("child", i == 0 ? "named" : null, i.ToString())))));
        await using var host = await StartAsync(registry);

        var ended = await RunAsync(host, "parent", null, "p");

        Assert.Equal(string.Join(',', Enumerable.Range(0, 20).Select(i => $"p/parent/{i}")), ended.Output);
        Assert.Equal("p", (await host.Client.GetAsync("named"))!.ParentInstanceId);
        var created = (await HistoryAsync(host, "p")).OfType<SubOrchestrationCreated>().Select(e => e.InstanceId).ToList();
        Assert.Equal(20, created.Distinct().Count());
        Assert.Equal(20, (await HistoryAsync(host, "p")).Count(e => e is SubOrchestrationCompleted));
    }

    [Fact]
    public async Task CallSubOrchestration_ChildFails_TaskFailedWithItsDetails()
    {
        var registry = new DurableRegistry()
            .AddOrchestration("child", (_, _) => throw new InvalidOperationException("broken"))
            .AddOrchestration("parent", async (context, _) =>
            {
                var error = await Assert.ThrowsAsync<TaskFailedException>(() => context.CallSubOrchestrationAsync("child", null, null));
                return error.FailureDetails.ErrorMessage;
            });
        await using var host = await StartAsync(registry);

        Assert.Equal("broken", (await RunAsync(host, "parent")).Output);
    }

    [Theory]
    [InlineData("taken", "child", "instance_exists")]
    [InlineData(null, "nobody", "unknown_orchestration")]
    public async Task CallSubOrchestration_CannotStart_FailsTheTask(string? id, string name, string code)
    {
        var registry = new DurableRegistry()
            .AddOrchestration("child", (_, _) => Task.FromResult<string?>("1"))
            .AddOrchestration("parent", async (context, _) =>
            {
                var error = await Assert.ThrowsAsync<TaskFailedException>(() => context.CallSubOrchestrationAsync(name, id, null));
                return error.FailureDetails.ErrorType;
            });
        await using var host = await StartAsync(registry);
        await RunAsync(host, "child", null, "taken");

        Assert.Equal(code, (await RunAsync(host, "parent")).Output);
    }

    [Fact]
    [Trait("Row", "H9")]
    public async Task Restart_ChildUnderWay_ParentHearsOfItsEndOnce()
    {
        var registry = new DurableRegistry()
            .AddOrchestration("child", (context, _) => context.WaitForExternalEventAsync("go"))
            .AddOrchestration("parent", (context, _) => context.CallSubOrchestrationAsync("child", "c", null));
        await using var host = await StartAsync(registry);
        await host.Client.StartAsync("parent", null, new StartOrchestrationOptions { InstanceId = "p" }, Soon);
        await UntilAsync(host, "p", found => found.RuntimeStatus == OrchestrationRuntimeStatus.Running);

        await host.RestartAsync(crash: true);
        await UntilAsync(host, "c", found => found.RuntimeStatus == OrchestrationRuntimeStatus.Running);
        await host.Client.RaiseEventAsync("c", "go", "5", Soon);

        Assert.Equal("5", (await host.Client.WaitForCompletionAsync("p", Soon)).Output);
        Assert.Single(await HistoryAsync(host, "p"), e => e is SubOrchestrationCompleted);
    }

    [Fact]
    [Trait("Row", "H5")]
    public async Task Terminate_Parent_EndsItsChildrenToo()
    {
        var registry = new DurableRegistry()
            .AddOrchestration("leaf", (context, _) => context.WaitForExternalEventAsync("never"))
            .AddOrchestration("child", (context, _) => context.CallSubOrchestrationAsync("leaf", "l", null))
            .AddOrchestration("parent", (context, _) => context.CallSubOrchestrationAsync("child", "c", null));
        await using var host = await StartAsync(registry);
        await host.Client.StartAsync("parent", null, new StartOrchestrationOptions { InstanceId = "p" }, Soon);
        while (await host.Client.GetAsync("l") is null)
        {
            await Task.Yield();
        }

        await host.Client.TerminateAsync("p", "\"enough\"", Soon);

        foreach (var id in new[] { "p", "c", "l" })
        {
            Assert.Equal(OrchestrationRuntimeStatus.Terminated, (await host.Client.GetAsync(id))!.RuntimeStatus);
        }

        Assert.Equal("\"enough\"", (await host.Client.GetAsync("p"))!.Output);
        Assert.Equal(3, await host.Client.PurgeAsync("p", Soon));
        Assert.Null(await host.Client.GetAsync("l"));
    }

    [Fact]
    [Trait("Row", "H5")]
    public async Task Terminate_Child_FailsTheParentsTask()
    {
        var registry = new DurableRegistry()
            .AddOrchestration("child", (context, _) => context.WaitForExternalEventAsync("never"))
            .AddOrchestration("parent", (context, _) => context.CallSubOrchestrationAsync("child", "c", null));
        await using var host = await StartAsync(registry);
        await host.Client.StartAsync("parent", null, new StartOrchestrationOptions { InstanceId = "p" }, Soon);
        await UntilAsync(host, "p", found => found.RuntimeStatus == OrchestrationRuntimeStatus.Running);

        await host.Client.TerminateAsync("c", null, Soon);

        var ended = await host.Client.WaitForCompletionAsync("p", Soon);
        Assert.Equal(OrchestrationRuntimeStatus.Failed, ended.RuntimeStatus);
        Assert.Equal("terminated", ended.FailureDetails?.InnerFailure?.ErrorType);
    }
}
