using System.Text.Json;
using Polyphony.Core.Client;
using Polyphony.Core.Durable;
using Polyphony.Engine.Storage;
using Polyphony.TestKit.Workflows;

namespace Polyphony.Engine.Tests.Storage;

/// <summary>A disk that is full, a folder that cannot be written, a file that goes away under the host.</summary>
[Trait("Row", "H9")]
public sealed class DiskTests : IDisposable
{
    private static readonly DurableRegistry Registry = new DurableRegistry()
        .AddOrchestration("o", (_, input) => Task.FromResult(input))
        .AddOrchestration("fails", (_, _) => throw new InvalidOperationException("no"))
        .AddOrchestration("waits", (context, _) => context.WaitForExternalEventAsync("go"));

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Write_DiskFull_RefusesCallersAndGoesOnWhenThereIsRoom()
    {
        using var store = Store.Open(_folder.Data, Durability.Full);
        await using var engine = EmbeddedEngine.StartOver(store, new EngineOptions { Path = _folder.Data }, Registry);
        await engine.Client.StartAsync("waits", null, new StartOrchestrationOptions { InstanceId = "before" });
        await engine.Client.WaitForCompletionAsync(await engine.Client.StartAsync("o", "1", new StartOrchestrationOptions { InstanceId = "ended" }), TestContext.Current.CancellationToken);
        await Record.ExceptionAsync(async () => await engine.Client.WaitForCompletionAsync(
            await engine.Client.StartAsync("fails", null, new StartOrchestrationOptions { InstanceId = "failed" }), TestContext.Current.CancellationToken));
        var workflows = new WorkflowClient(engine.Client, new MapCatalog(), engine.Definitions, engine.Payloads);
        var large = JsonSerializer.SerializeToElement(new string('x', 100_000));
        var room = 0L;
        store.Wait.Room = _ => Volatile.Read(ref room);
        Task<string>? first = null;
        while (!store.Wait.IsFull)
        {
            // The look at the disk is not taken at every commit.
            if (first is null or { IsCompletedSuccessfully: true })
            {
                first = Task.Run(() => engine.Client.StartAsync("o", "1"), TestContext.Current.CancellationToken);
            }

            await Task.Yield();
        }

        foreach (var call in (Func<Task>[])
        [
            () => engine.Client.StartAsync("o", "1"),
            () => engine.Client.RaiseEventAsync("before", "go", null),
            () => engine.Client.TerminateAsync("before"),
            () => engine.Client.PurgeAsync("ended"),
            () => engine.Client.RestartAsync("ended"),
            () => engine.Client.RewindAsync("failed"),
            () => engine.Definitions.SaveAsync("hash", "{}"),
            () => workflows.RaiseEventAsync("before", "go", large),
            () => workflows.RestartAsync("ended"),
            () => workflows.RewindAsync("failed"),
        ])
        {
            var error = await Assert.ThrowsAsync<PolyphonyException>(call);
            Assert.Equal("data_file_full", error.Code);
            Assert.Contains("Free some space", error.Message, StringComparison.Ordinal);
        }

        Assert.Contains("no space on the disk", engine.WaitsFor, StringComparison.Ordinal);
        Assert.NotNull(await engine.Client.GetAsync("before"));
        Volatile.Write(ref room, long.MaxValue);

        // What filled the disk may have been this start, which was accepted and goes on, or the end of the one before it: then this one was refused, as every caller.
        var id = await Record.ExceptionAsync(() => first!) is null ? await first! : await StartWhenThereIsRoomAsync();
        Assert.Equal("1", (await engine.Client.WaitForCompletionAsync(id, TestContext.Current.CancellationToken)).Output);
        Assert.Null(engine.WaitsFor);
        await engine.Client.RaiseEventAsync("before", "go", null);

        async Task<string> StartWhenThereIsRoomAsync()
        {
            while (true)
            {
                try
                {
                    return await engine.Client.StartAsync("o", "1");
                }
                catch (PolyphonyException full) when (full.Code == "data_file_full")
                {
                    await Task.Yield();
                }
            }
        }
    }

    [Fact]
    public async Task Stop_DiskFull_EndsAndLosesNothing()
    {
        using (var store = Store.Open(_folder.Data, Durability.Full))
        {
            var engine = EmbeddedEngine.StartOver(store, new EngineOptions { Path = _folder.Data }, Registry);
            await engine.Client.StartAsync("waits", null, new StartOrchestrationOptions { InstanceId = "a" });
            while (!store.Wait.IsTimeToLook)
            {
                await Task.Yield();
            }

            store.Wait.Room = _ => 0;
            await engine.DisposeAsync();
        }

        await using var next = await EmbeddedEngine.StartAsync(new EngineOptions { Path = _folder.Data }, Registry);
        await next.Client.RaiseEventAsync("a", "go", "1");
        Assert.Equal("1", (await next.Client.WaitForCompletionAsync("a", TestContext.Current.CancellationToken)).Output);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-wal")]
    public async Task Write_FileDeletedUnderTheHost_SavesWhatWasCommitted(string which)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "An open file cannot be deleted there.");
        var engine = await EmbeddedEngine.StartAsync(new EngineOptions { Path = _folder.Data }, Registry);
        for (var i = 0; i < 20; i++)
        {
            await engine.Client.StartAsync("waits", null, new StartOrchestrationOptions { InstanceId = $"i{i}" });
        }

        File.Delete(_folder.Data + which);
        while (!engine.Completion.IsCompleted)
        {
            await Record.ExceptionAsync(() => engine.Client.StartAsync("o", "1"));
        }

        var error = await Assert.ThrowsAsync<DataFileException>(() => engine.Completion);
        Assert.Equal("data_file_gone", error.Code);
        await engine.DisposeAsync();
        var rescued = Assert.Single(Directory.GetFiles(_folder.Path, "data.db.rescued-*"));
        Assert.Contains($"\"{rescued}\"", error.Message, StringComparison.Ordinal);

        await using var next = await EmbeddedEngine.StartAsync(new EngineOptions { Path = rescued }, Registry);
        Assert.Equal(20, (await next.Client.QueryAsync(new OrchestrationQuery { InstanceIdPrefix = "i" })).Instances.Count);
    }

    [Theory]
    [InlineData(".lock", "data_file_read_only", "Give the user of this process the right")]
    [InlineData("-wal", "data_file_failed", "Check the free space, the permissions and the disk")]
    public async Task Start_FolderThatCannotBeUsed_SaysWhatToDo(string which, string code, string next)
    {
        // A folder in the place of a file stands for a right that is missing, whoever runs the test.
        Directory.CreateDirectory(_folder.Data + which);

        var error = await Assert.ThrowsAsync<DataFileException>(() => EmbeddedEngine.StartAsync(new EngineOptions { Path = _folder.Data }, Registry));

        Assert.Equal(code, error.Code);
        Assert.Contains(next, error.Message, StringComparison.Ordinal);
        Assert.Contains(_folder.Data, error.Message, StringComparison.Ordinal);
    }
}
