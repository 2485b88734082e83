using Polyphony.Core.Durable;

namespace Polyphony.Engine.Tests.Runtime;

[Trait("Row", "H2")]
public sealed class WaitForCompletionTests
{
    private static readonly DurableRegistry Registry = new DurableRegistry()
        .AddOrchestration("o", static async (context, _) => await context.WaitForExternalEventAsync("go"));

    [Fact]
    public async Task WaitForCompletion_ManyWaitBeforeAndAfterTheEnd_AllGetTheOutput()
    {
        await using var engine = await EmbeddedEngine.StartAsync(EngineOptions.InMemory(), Registry);
        var id = await engine.Client.StartAsync("o", null);
        var waits = Enumerable.Range(0, 10).Select(_ => engine.Client.WaitForCompletionAsync(id)).ToList();

        await engine.Client.RaiseEventAsync(id, "go", "\"done\"");

        Assert.All(await Task.WhenAll(waits), ended => Assert.Equal((OrchestrationRuntimeStatus.Completed, "\"done\""), (ended.RuntimeStatus, ended.Output)));
        Assert.Equal("\"done\"", (await engine.Client.WaitForCompletionAsync(id)).Output);
    }

    [Fact]
    public async Task WaitForCompletion_TerminatedWhileSomebodyWaits_Ends()
    {
        await using var engine = await EmbeddedEngine.StartAsync(EngineOptions.InMemory(), Registry);
        var id = await engine.Client.StartAsync("o", null);
        var wait = engine.Client.WaitForCompletionAsync(id);

        await engine.Client.TerminateAsync(id, "\"enough\"");

        Assert.Equal(OrchestrationRuntimeStatus.Terminated, (await wait).RuntimeStatus);
    }

    [Fact]
    public async Task WaitForCompletion_Cancelled_EndsAndLeavesTheInstanceAlone()
    {
        await using var engine = await EmbeddedEngine.StartAsync(EngineOptions.InMemory(), Registry);
        var id = await engine.Client.StartAsync("o", null);
        using var cancel = new CancellationTokenSource();
        var wait = engine.Client.WaitForCompletionAsync(id, cancel.Token);

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait);
        Assert.False((await engine.Client.GetAsync(id))!.IsFinished);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => engine.Client.WaitForCompletionAsync(id, cancel.Token));
    }

    [Fact]
    public async Task WaitForCompletion_EngineStops_SaysSo()
    {
        var engine = await EmbeddedEngine.StartAsync(EngineOptions.InMemory(), Registry);
        var wait = engine.Client.WaitForCompletionAsync(await engine.Client.StartAsync("o", null));

        await engine.DisposeAsync();

        Assert.Equal("engine_stopped", (await Assert.ThrowsAsync<PolyphonyException>(() => wait)).Code);
    }

    [Fact]
    public async Task WaitForCompletion_NoSuchInstance_SaysSo()
    {
        await using var engine = await EmbeddedEngine.StartAsync(EngineOptions.InMemory(), Registry);

        await Assert.ThrowsAsync<InstanceNotFoundException>(() => engine.Client.WaitForCompletionAsync("nobody"));
    }
}
