using Polyphony.Core.Durable;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Tests.Storage;

/// <summary>Copies of a data file, and the check of one.</summary>
[Trait("Row", "S11")]
public sealed class BackupTests : IDisposable
{
    private static readonly DurableRegistry Registry = new DurableRegistry()
        .AddActivity("echo", (_, input) => Task.FromResult(input))
        .AddOrchestration("o", (context, input) => context.CallActivityAsync("echo", input))
        .AddOrchestration("waits", (context, _) => context.WaitForExternalEventAsync("go"));

    private readonly TemporaryFolder _folder = new();

    private string Copy => Path.Combine(_folder.Path, "copy.db");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Backup_UnderWriteLoad_IsOneStateWithAllThatWasAcknowledgedBefore()
    {
        await using var engine = await StartAsync(_folder.Data);
        using var stop = new CancellationTokenSource();
        var acknowledged = 0;
        var writers = Enumerable.Range(0, 4).Select(writer => Task.Run(async () =>
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                await engine.Client.StartAsync("o", new string('x', 5000), new StartOrchestrationOptions { InstanceId = $"w{writer}-{i}" });
                await engine.Client.WaitForCompletionAsync($"w{writer}-{i}", CancellationToken.None);
                Interlocked.Increment(ref acknowledged);
            }
        })).ToList();
        for (var round = 0; round < 5; round++)
        {
            while (Volatile.Read(ref acknowledged) < 20 * (round + 1))
            {
                await Task.Yield();
            }

            var before = Volatile.Read(ref acknowledged);
            var target = $"{Copy}.{round}";
            Assert.True(await DataFileBackup.RunAsync(_folder.Data, target, cancellationToken: TestContext.Current.CancellationToken) > 0);

            Assert.Empty((await DataFileCheck.RunAsync(target, cancellationToken: TestContext.Current.CancellationToken)).Problems);
            await using var copy = await StartAsync(target);
            var page = await copy.Client.QueryAsync(new OrchestrationQuery { PageSize = 1000, Statuses = [OrchestrationRuntimeStatus.Completed] });
            Assert.True(page.Instances.Count >= Math.Min(before, 1000), $"{page.Instances.Count} of {before}");
        }

        await stop.CancelAsync();
        await Task.WhenAll(writers);
    }

    [Fact]
    public async Task Backup_OfWhatACrashLeft_HasEverythingAndChangesNothing()
    {
        await using var engine = await StartAsync(_folder.Data);
        await RunAsync(engine, 20);
        var crashed = Path.Combine(_folder.Path, "crashed.db");
        File.Copy(_folder.Data, crashed);
        File.Copy(_folder.Data + "-wal", crashed + "-wal");
        var before = await File.ReadAllBytesAsync(crashed, TestContext.Current.CancellationToken);

        await DataFileBackup.RunAsync(crashed, Copy, cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(before, await File.ReadAllBytesAsync(crashed, TestContext.Current.CancellationToken));
        Assert.True(File.Exists(crashed + "-wal"));
        Assert.False(File.Exists(Copy + "-wal"));
        await using var copy = await StartAsync(Copy);
        Assert.Equal(20, (await copy.Client.QueryAsync(new OrchestrationQuery())).Instances.Count);
    }

    [Fact]
    public async Task Backup_Done_CanBeReadByItsOwnerAlone()
    {
        await using var engine = await StartAsync(_folder.Data);

        await DataFileBackup.RunAsync(_folder.Data, Copy, cancellationToken: TestContext.Current.CancellationToken);

        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Copy));
        }
    }

    [Fact]
    public async Task Backup_TargetThereAlready_IsRefused()
    {
        await using var engine = await StartAsync(_folder.Data);
        await File.WriteAllTextAsync(Copy, "mine", TestContext.Current.CancellationToken);

        var error = await Assert.ThrowsAsync<PolyphonyException>(() => DataFileBackup.RunAsync(_folder.Data, Copy));

        Assert.Equal("backup_exists", error.Code);
        Assert.Equal("mine", await File.ReadAllTextAsync(Copy, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Backup_GivenUpOrNotPossible_LeavesNothing()
    {
        await using var engine = await StartAsync(_folder.Data);
        await RunAsync(engine, 20);
        using var stop = new CancellationTokenSource();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => DataFileBackup.RunAsync(_folder.Data, Copy, new Act(stop.Cancel), stop.Token));
        var error = await Assert.ThrowsAsync<PolyphonyException>(() => DataFileBackup.RunAsync(_folder.Data, Path.Combine(_folder.Path, "no", "copy.db")));

        Assert.Equal("backup_failed", error.Code);
        Assert.Empty(Directory.GetFiles(_folder.Path, "copy*"));
        Assert.Equal("data_file_missing", (await Assert.ThrowsAsync<DataFileException>(() => DataFileBackup.RunAsync(Path.Combine(_folder.Path, "none.db"), Copy))).Code);
    }

    [Fact]
    public async Task Check_OfAFileInUse_FindsNothing()
    {
        await using var engine = await StartAsync(_folder.Data);
        await RunAsync(engine, 5);
        await engine.Client.StartAsync("waits", null, new StartOrchestrationOptions { InstanceId = "open" });
        await engine.Payloads.PutAsync("open", "[1]"u8.ToArray(), TestContext.Current.CancellationToken);

        var report = await DataFileCheck.RunAsync(_folder.Data, cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(6, report.Instances);
        Assert.Empty(report.Problems);
    }

    [Theory]
    [InlineData("UPDATE log SET data = x'0701' WHERE seq = (SELECT head FROM instances WHERE id = 'i2')", "i2", "version 7")]
    [InlineData("DELETE FROM log WHERE seq = (SELECT prev FROM log WHERE seq = (SELECT head FROM instances WHERE id = 'i2'))", "i2", "is missing")]
    [InlineData("UPDATE log SET prev = seq WHERE seq = (SELECT head FROM instances WHERE id = 'i2')", "i2", "points to")]
    [InlineData("DELETE FROM payloads", "i1", "is missing or damaged")]
    [InlineData("UPDATE payloads SET data = x'00'", "i1", "is missing or damaged")]
    [InlineData("INSERT INTO entity_inbox(seq, entity, data) VALUES(1, '@e@1', x'07')", null, "message 1 to entity \"@e@1\"")]
    public async Task Check_OfADamagedFile_NamesTheInstancesAndWhatIsWrong(string damage, string? instance, string found)
    {
        await using (var engine = await StartAsync(_folder.Data))
        {
            await RunAsync(engine, 5);
            await engine.Payloads.PutAsync("i1", "[1]"u8.ToArray(), TestContext.Current.CancellationToken);
        }

        using (var database = new Database(_folder.Data, create: false))
        {
            database.Execute(damage);
        }

        var report = await DataFileCheck.RunAsync(_folder.Data, cancellationToken: TestContext.Current.CancellationToken);

        var problem = Assert.Single(report.Problems);
        Assert.Equal(instance, problem.InstanceId);
        Assert.Contains(found, problem.Found, StringComparison.Ordinal);
        Assert.Equal(instance is null ? [] : [instance], report.DamagedInstances);
    }

    private static async Task<EmbeddedEngine> StartAsync(string path) => await EmbeddedEngine.StartAsync(new EngineOptions { Path = path, Durability = Durability.Normal }, Registry);

    private static async Task RunAsync(EmbeddedEngine engine, int instances)
    {
        for (var i = 0; i < instances; i++)
        {
            await engine.Client.StartAsync("o", new string('x', 5000), new StartOrchestrationOptions { InstanceId = $"i{i}" });
            await engine.Client.WaitForCompletionAsync($"i{i}", TestContext.Current.CancellationToken);
        }
    }

    private sealed class Act(Action act) : IProgress<double>
    {
        public void Report(double value) => act();
    }
}
