using Polyphony.Core.Durable;

namespace Polyphony.Contract.Durable;

/// <summary>Entities.</summary>
[Trait("Row", "S7")]
public abstract class EntityContract : DurableContract
{
    private static readonly EntityId Counter = new("counter", "a");

    private static DurableRegistry Counters() => new DurableRegistry().AddEntity("counter", async context =>
    {
        var value = int.Parse(context.State ?? "0");
        await Task.Yield();
        switch (context.Operation)
        {
            case "add":
                context.State = (value + int.Parse(context.Input!)).ToString();
                return context.State;
            case "fail":
                context.State = "999";
                context.SignalEntity(new EntityId("counter", "other"), "add", "1");
                throw new InvalidOperationException("no");
            case "delete":
                context.State = null;
                return null;
            case "forward":
                context.SignalEntity(new EntityId("counter", "other"), "add", context.Input, context.CurrentUtcDateTime.AddMilliseconds(1));
                context.StartOrchestration("started", context.Input, "from-entity");
                context.SendEvent("listener", "news", context.Input);
                return null;
            default:
                return context.State;
        }
    })
    .AddOrchestration("started", (_, input) => Task.FromResult(input))
    .AddOrchestration("listener", (context, _) => context.WaitForExternalEventAsync("news"));

    [Fact]
    [Trait("Row", "S1")]
    public async Task Signal_ManyAtOnce_EachCountsOnce()
    {
        await using var host = await StartAsync(Counters());

        await Task.WhenAll(Enumerable.Range(0, 300).Select(_ => host.Client.SignalEntityAsync(Counter, "add", "1", Soon)));

        await UntilStateAsync(host, Counter, "300");
    }

    [Fact]
    [Trait("Row", "S6")]
    public async Task CallEntity_FromManyInstances_TakesTurns()
    {
        var registry = Counters().AddOrchestration("o", (context, _) => context.CallEntityAsync(Counter, "add", "1"));
        await using var host = await StartAsync(registry);

        var ended = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => RunAsync(host, "o")));

        Assert.Equal(Enumerable.Range(1, 30), ended.Select(found => int.Parse(found.Output!)).Order());
    }

    [Fact]
    public async Task CallEntity_OperationThrows_LeavesStateAndSendsNothing()
    {
        var registry = Counters().AddOrchestration("o", async (context, _) =>
        {
            context.SignalEntity(Counter, "add", "5");
            var error = await Assert.ThrowsAsync<TaskFailedException>(() => context.CallEntityAsync(Counter, "fail", null));
            return $"{error.FailureDetails.ErrorMessage} {await context.CallEntityAsync(Counter, "get", null)}";
        });
        await using var host = await StartAsync(registry);

        Assert.Equal("no 5", (await RunAsync(host, "o")).Output);
        Assert.Null(await host.Client.GetEntityStateAsync(new EntityId("counter", "other")));
    }

    [Fact]
    public async Task CallEntity_NotRegistered_FailsTheTask()
    {
        var registry = new DurableRegistry().AddOrchestration("o", (context, _) => context.CallEntityAsync(new EntityId("nobody", "a"), "x", null));
        await using var host = await StartAsync(registry);

        Assert.Equal("unknown_entity", (await RunAsync(host, "o")).FailureDetails?.InnerFailure?.ErrorType);
    }

    [Fact]
    public async Task Operation_SendsSignalEventAndStart_AllArriveOnce()
    {
        await using var host = await StartAsync(Counters());
        await host.Client.StartAsync("listener", null, new StartOrchestrationOptions { InstanceId = "listener" }, Soon);

        await host.Client.SignalEntityAsync(Counter, "forward", "7", Soon);

        Assert.Equal("7", (await host.Client.WaitForCompletionAsync("listener", Soon)).Output);
        Assert.Equal("7", (await host.Client.WaitForCompletionAsync("from-entity", Soon)).Output);
        await UntilStateAsync(host, new EntityId("counter", "other"), "7");
    }

    [Fact]
    public async Task State_SetToNull_DeletesTheEntity()
    {
        var registry = Counters().AddOrchestration("o", async (context, _) =>
        {
            await context.CallEntityAsync(Counter, "add", "1");
            return await context.CallEntityAsync(Counter, "delete", null);
        });
        await using var host = await StartAsync(registry);
        await RunAsync(host, "o");

        Assert.Null(await host.Client.GetEntityStateAsync(Counter));
    }

    [Fact]
    [Trait("Row", "H9")]
    public async Task Restart_State_IsKept()
    {
        await using var host = await StartAsync(Counters());
        await host.Client.SignalEntityAsync(Counter, "add", "4", Soon);
        await host.RestartAsync(crash: true);
        await host.Client.SignalEntityAsync(Counter, "add", "4", Soon);

        await UntilStateAsync(host, Counter, "8");
    }
}
