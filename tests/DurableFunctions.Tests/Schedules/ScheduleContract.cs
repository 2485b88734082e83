using System.Globalization;
using Polyphony.Activities.Schedules;
using Polyphony.Core.Client;
using Polyphony.Core.Durable;
using Polyphony.Core.Runs;
using Polyphony.DurableFunctions.Tests.Workflows;

namespace Polyphony.DurableFunctions.Tests.Schedules;

/// <summary>Schedules on Durable Task, by the clock of the system.</summary>
[Trait("Row", "O15")]
public abstract class ScheduleContract
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private protected abstract Task<WorkflowHost> StartAsync();

    [Fact]
    [Trait("Row", "H8")]
    public async Task Schedule_KeptByTwoHosts_StartsEachDueTimeOnceUntilPausedAndEndsWhenRemoved()
    {
        await using var host = await StartAsync();
        host.Add("name: tick\ninput: {}\nnodes: { a: { transform: \"{{ input }}\" } }\nschedule: { cron: \"* * * * * *\", catchUp: all, input: \"{{ schedule.due }}\" }");
        var schedules = new ScheduleClient(host.Client);
        ScheduleKeeper[] keepers = [new(host.Client, TimeProvider.System), new(host.Client, TimeProvider.System)];
        await Task.WhenAll(keepers.Select(keeper => keeper.KeepAsync(Token)));

        await UntilAsync(async () => (await StartedAsync(host)).Count >= 3);
        await Task.WhenAll(keepers.Select(keeper => keeper.KeepAsync(Token)));
        await schedules.PauseAsync("tick", cancellationToken: Token);

        // Azure Storage shows an instance that is about to continue as new without its state.
        await UntilAsync(async () => (await schedules.GetAsync("tick", cancellationToken: Token)).Status == ScheduleStatus.Paused);

        // No second is left out, and none is there twice.
        var due = (await StartedAsync(host)).Select(id => DateTimeOffset.Parse(id["tick.".Length..], CultureInfo.InvariantCulture)).Order().ToList();
        Assert.Equal(Enumerable.Range(0, due.Count).Select(second => due[0].AddSeconds(second)), due);
        var last = (await schedules.GetAsync("tick", cancellationToken: Token)).LastInstanceId!;
        Assert.Equal($"\"{last["tick.".Length..]}\"", (await host.WaitAsync(last)).Output!.Value.GetRawText());
        var kept = Assert.Single((await host.Durable.QueryAsync(new OrchestrationQuery { Name = TaskNames.ScheduleOrchestration }, Token)).Instances);

        await schedules.ResumeAsync("tick", cancellationToken: Token);
        await UntilAsync(async () => (await schedules.GetAsync("tick", cancellationToken: Token)).LastInstanceId != last);

        host.Remove("tick");
        await keepers[0].KeepAsync(Token);
        Assert.Equal(OrchestrationRuntimeStatus.Completed, (await host.Durable.WaitForCompletionAsync(kept.InstanceId, Token)).RuntimeStatus);
    }

    private static async Task<IReadOnlyList<string>> StartedAsync(WorkflowHost host) =>
        [.. (await host.Durable.QueryAsync(new OrchestrationQuery { Name = TaskNames.WorkflowOrchestration }, Token)).Instances.Select(instance => instance.InstanceId)];

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(TimeSpan.FromSeconds(90));
        while (!await condition())
        {
            await Task.Delay(100, limit.Token);
        }
    }
}

public sealed class ScheduleTests : ScheduleContract
{
    private protected override Task<WorkflowHost> StartAsync() => WorkflowHost.InMemoryAsync(null);
}

public sealed class ScheduleStorageTests : ScheduleContract
{
    private protected override Task<WorkflowHost> StartAsync() => WorkflowHost.OnAzureStorageAsync(null);
}
