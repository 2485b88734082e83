using Polyphony.Core.Durable;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Tests.Storage;

/// <summary>Another program has the data file: a backup, a SQLite shell.</summary>
[Trait("Row", "H9")]
public sealed class LockedFileTests : IDisposable
{
    private static readonly DurableRegistry Registry = new DurableRegistry().AddOrchestration("o", (_, input) => Task.FromResult(input));

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Write_AnotherHoldsTheWriteLock_WaitsAndGoesOn()
    {
        await using var engine = await StartAsync();
        Task<string> started;
        using (var other = new Database(_folder.Data, create: false))
        {
            other.Execute("BEGIN IMMEDIATE");
            started = Task.Run(() => engine.Client.StartAsync("o", "1", new StartOrchestrationOptions { InstanceId = "a" }), TestContext.Current.CancellationToken);
            while (engine.WaitsFor is null)
            {
                await Task.Yield();
            }

            Assert.Contains("write lock", engine.WaitsFor, StringComparison.Ordinal);
            Assert.False(started.IsCompleted);
            Assert.Null(await engine.Client.GetAsync("a"));
            other.Execute("ROLLBACK");
        }

        await started;
        Assert.Equal("1", (await engine.Client.WaitForCompletionAsync("a", TestContext.Current.CancellationToken)).Output);
        Assert.Null(engine.WaitsFor);
    }

    [Fact]
    public async Task Stop_AnotherHoldsTheWriteLock_GivesUpWhatIsNotAcknowledged()
    {
        var engine = await StartAsync();
        await engine.Client.StartAsync("o", "1", new StartOrchestrationOptions { InstanceId = "before" });
        await engine.Client.WaitForCompletionAsync("before", TestContext.Current.CancellationToken);
        using (var other = new Database(_folder.Data, create: false))
        {
            other.Execute("BEGIN IMMEDIATE");
            var started = Task.Run(() => engine.Client.StartAsync("o", "1", new StartOrchestrationOptions { InstanceId = "a" }), TestContext.Current.CancellationToken);
            while (engine.WaitsFor is null)
            {
                await Task.Yield();
            }

            await engine.DisposeAsync();
            Assert.Equal("engine_stopped", (await Assert.ThrowsAsync<PolyphonyException>(() => started)).Code);
        }

        await using var next = await StartAsync();
        Assert.Null(await next.Client.GetAsync("a"));
        Assert.Equal("1", (await next.Client.GetAsync("before"))!.Output);
    }

    private async Task<EmbeddedEngine> StartAsync() => await EmbeddedEngine.StartAsync(new EngineOptions { Path = _folder.Data }, Registry);
}
