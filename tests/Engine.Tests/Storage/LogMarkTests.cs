using Polyphony.Core.Durable;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Tests.Storage;

/// <summary>Copies of a data file with and without what belongs to it.</summary>
[Trait("Row", "S11")]
public sealed class LogMarkTests : IDisposable
{
    private static readonly DurableRegistry Registry = new DurableRegistry().AddOrchestration("o", (_, input) => Task.FromResult(input));

    private readonly TemporaryFolder _folder = new();

    private string Copy => Path.Combine(_folder.Path, "copy.db");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2000)]
    public async Task Start_CopyWithoutItsLog_IsRefused(int instances)
    {
        await using var engine = await StartAsync(_folder.Data);

        // 2,000 of them write more than one log.
        await RunAsync(engine, instances);
        File.Copy(_folder.Data, Copy);
        var before = await File.ReadAllBytesAsync(Copy, TestContext.Current.CancellationToken);

        var error = await Assert.ThrowsAsync<DataFileException>(() => StartAsync(Copy));

        Assert.Equal("data_file_log_missing", error.Code);
        Assert.Contains($"\"{Copy}-wal\"", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, await File.ReadAllBytesAsync(Copy, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Start_CopyWithItsLog_HasEverything()
    {
        await using var engine = await StartAsync(_folder.Data);
        await RunAsync(engine, 20);
        CopyBoth();

        await using var copy = await StartAsync(Copy);

        Assert.Equal(20, (await copy.Client.QueryAsync(new OrchestrationQuery())).Instances.Count);
    }

    [Fact]
    public async Task Start_CopyThatAnotherToolTookTheLogInto_HasEverything()
    {
        await using var engine = await StartAsync(_folder.Data);
        await RunAsync(engine, 20);
        CopyBoth();
        using (var tool = new Database(Copy, create: false))
        {
            Assert.Equal(20, tool.ReadInt64("SELECT count(*) FROM instances"));
        }

        Assert.False(File.Exists(Copy + "-wal"));
        await using var copy = await StartAsync(Copy);

        Assert.Equal(20, (await copy.Client.QueryAsync(new OrchestrationQuery())).Instances.Count);
    }

    [Fact]
    public async Task Start_AfterAnOrderlyStop_NeedsNoLog()
    {
        await using (var engine = await StartAsync(_folder.Data))
        {
            await RunAsync(engine, 20);
        }

        Assert.False(File.Exists(_folder.Data + "-wal"));
        File.Copy(_folder.Data, Copy);
        await using var copy = await StartAsync(Copy);

        Assert.Equal(20, (await copy.Client.QueryAsync(new OrchestrationQuery())).Instances.Count);
    }

    [Fact]
    public async Task Start_OlderFileBesideANewerLog_IsRefused()
    {
        await using (var first = await StartAsync(_folder.Data))
        {
            await RunAsync(first, 5);
        }

        File.Copy(_folder.Data, Copy);
        await using var second = await StartAsync(_folder.Data);
        await RunAsync(second, 5, "later");
        File.Copy(_folder.Data + "-wal", Copy + "-wal");
        var before = await File.ReadAllBytesAsync(Copy, TestContext.Current.CancellationToken);

        var error = await Assert.ThrowsAsync<DataFileException>(() => StartAsync(Copy));

        Assert.Equal("data_file_log_foreign", error.Code);
        Assert.Equal(before, await File.ReadAllBytesAsync(Copy, TestContext.Current.CancellationToken));
        Assert.True(File.Exists(Copy + "-wal"));
    }

    [Fact]
    public async Task Start_LogWithoutItsFile_IsRefused()
    {
        await using var engine = await StartAsync(_folder.Data);
        await RunAsync(engine, 1);
        File.Copy(_folder.Data + "-wal", Copy + "-wal");

        Assert.Equal("data_file_missing", (await Assert.ThrowsAsync<DataFileException>(() => StartAsync(Copy))).Code);
        Assert.True(new FileInfo(Copy + "-wal").Length > 0);
    }

    private static async Task<EmbeddedEngine> StartAsync(string path) => await EmbeddedEngine.StartAsync(new EngineOptions { Path = path, Durability = Durability.Normal }, Registry);

    private static async Task RunAsync(EmbeddedEngine engine, int instances, string prefix = "i")
    {
        var input = new string('x', 10_000);
        for (var i = 0; i < instances; i++)
        {
            await engine.Client.StartAsync("o", input, new StartOrchestrationOptions { InstanceId = $"{prefix}{i}" });
        }

        for (var i = 0; i < instances; i++)
        {
            await engine.Client.WaitForCompletionAsync($"{prefix}{i}", TestContext.Current.CancellationToken);
        }
    }

    private void CopyBoth()
    {
        File.Copy(_folder.Data, Copy);
        File.Copy(_folder.Data + "-wal", Copy + "-wal");
    }
}
