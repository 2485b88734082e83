using Polyphony.Core.Client;
using Polyphony.Core.Locks;
using Polyphony.Core.Runs;
using Polyphony.DurableFunctions.Tests.Workflows;

namespace Polyphony.DurableFunctions.Tests.Locks;

/// <summary>Locks on Durable Task, by the clock of the system. Holders hold until they are told to go on, so what is shown does not depend on how fast anything is.</summary>
[Trait("Row", "S6")]
public abstract class LockContract
{
    private const string Section = """
        name: section
        nodes: { work: { workflow: inner, lock: ["b c", a] } }
        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private protected abstract Task<WorkflowHost> StartAsync();

    [Fact]
    [Trait("Row", "H8")]
    public async Task Sections_OnDurableTask_AreEnteredInOrderAndLeftByTheTerminated()
    {
        await using var host = await StartAsync();
        host.Add("name: inner\nnodes: { pause: { wait: { event: go } } }");

        // Two at once, of whom one starts the keeper and the other does not; then two more, one after the other.
        var racing = await Task.WhenAll(host.StartAsync(Section, "null"), host.StartAsync(Section, "null"));
        var first = await UntilOneWorksAsync(host, racing);
        var second = racing.Single(id => id != first);
        var third = await host.StartAsync(Section, "null");
        await WaitsAsync(host, third, 2);
        var fourth = await host.StartAsync(Section, "null");
        var waiting = await WaitsAsync(host, fourth, 3);
        Assert.Equal(("a", first), (waiting.Lock, waiting.Holder));

        await host.Durable.TerminateAsync(first, null, Token);
        await LeaveAsync(host, second);
        await host.Durable.TerminateAsync(third, null, Token);
        await LeaveAsync(host, fourth);
        foreach (var name in new[] { "a", "b c" })
        {
            Assert.NotNull(await host.Durable.GetAsync(LockNames.Keepers(name).First, true, Token));
            Assert.Null(await host.Durable.GetAsync(LockNames.Keepers(name).Second, true, Token));
        }
    }

    /// <summary>Waits until an instance is in its section while no other is, and lets it end.</summary>
    private static async Task LeaveAsync(WorkflowHost host, string id)
    {
        await host.UntilAsync(id, IsWorking);
        await host.Durable.RaiseEventAsync($"{id}:work.1", "go", "1", Token);
        Assert.Equal(StopReason.Completed, (await host.WaitAsync(id)).StopReason);
    }

    private static async Task<string> UntilOneWorksAsync(WorkflowHost host, string[] ids)
    {
        while (true)
        {
            foreach (var id in ids)
            {
                if (IsWorking((await host.Client.GetAsync(id, null, Token))!))
                {
                    await WaitsAsync(host, ids.Single(other => other != id), 1);
                    return id;
                }
            }

            await Task.Delay(50, Token);
        }
    }

    private static async Task<PendingWait> WaitsAsync(WorkflowHost host, string id, int position)
    {
        while (true)
        {
            if ((await host.Client.GetAsync(id, null, Token))!.CustomStatus?.WaitingFor is [{ Kind: "lock" } wait] && wait.Position == position)
            {
                return wait;
            }

            await Task.Delay(50, Token);
        }
    }

    private static bool IsWorking(WorkflowStatus status) => status.CustomStatus is { WaitingFor: [], Nodes: [{ Status: "running", StartedTime: not null }] };
}

public sealed class LockTests : LockContract
{
    private protected override Task<WorkflowHost> StartAsync() => WorkflowHost.InMemoryAsync(null);
}

public sealed class LockStorageTests : LockContract
{
    private protected override Task<WorkflowHost> StartAsync() => WorkflowHost.OnAzureStorageAsync(null);
}
