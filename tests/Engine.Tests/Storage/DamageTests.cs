using System.Text;
using Polyphony.Core.Durable;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Tests.Storage;

/// <summary>A data file of which a part is damaged: that part's instances stand still, the others go on.</summary>
[Trait("Row", "H9")]
[Trait("Row", "S11")]
public sealed class DamageTests : IDisposable
{
    private const int PageSize = 4096;
    private const byte LeafOfATable = 0x0d;
    private const string Code = "instance_damaged";

    private static readonly DurableRegistry Registry = new DurableRegistry()
        .AddOrchestration("done", (_, input) => Task.FromResult(input))
        .AddOrchestration("waits", (context, _) => context.WaitForExternalEventAsync("go"));

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("UPDATE log SET data = x'0701' WHERE seq = (SELECT head FROM instances WHERE id = 'i2')")]
    [InlineData("DELETE FROM log WHERE seq = (SELECT generation_row FROM instances WHERE id = 'i2')")]
    [InlineData("UPDATE log SET data = substr(data, 1, 4) WHERE seq = (SELECT head FROM instances WHERE id = 'i2')")]
    [InlineData("UPDATE log SET prev = seq WHERE seq = (SELECT head FROM instances WHERE id = 'i2')")]
    public async Task Start_DamagedRowOfAnUnfinishedInstance_CostsThatOneAlone(string damage)
    {
        await MakeAsync("waits", 5);
        using (var database = new Database(_folder.Data, create: false))
        {
            database.Execute(damage);
        }

        await using var engine = await StartAsync();

        Assert.Equal(4, engine.UnfinishedInstances);
        var all = (await engine.Client.QueryAsync(new OrchestrationQuery { FetchInputsAndOutputs = true })).Instances;
        Assert.Equal(["i4", "i3", "i2", "i1", "i0"], all.Select(each => each.InstanceId));
        Assert.Equal(["i2"], all.Where(each => each.FailureDetails?.ErrorType == Code).Select(each => each.InstanceId));
        Assert.Equal(OrchestrationRuntimeStatus.Suspended, (await engine.Client.GetAsync("i2"))!.RuntimeStatus);

        await AssertDamagedAsync(() => engine.Client.RaiseEventAsync("i2", "go", "1"));
        await AssertDamagedAsync(() => engine.Client.WaitForCompletionAsync("i2", TestContext.Current.CancellationToken));
        await engine.Client.RaiseEventAsync("i1", "go", "1");
        Assert.Equal("1", (await engine.Client.WaitForCompletionAsync("i1", TestContext.Current.CancellationToken)).Output);

        Assert.Equal(1, await engine.Client.PurgeAsync("i2"));
        Assert.Null(await engine.Client.GetAsync("i2"));
        await engine.Client.StartAsync("done", "1", new StartOrchestrationOptions { InstanceId = "i2" });
    }

    [Theory]
    [InlineData(0x00)]
    [InlineData(0xa5)]
    public async Task Start_DamagedPageOfTheLog_CostsTheInstancesOnIt(byte with)
    {
        await MakeAsync("done", 60);
        DamagePageWith("marker-i20-", with);

        await using var engine = await StartAsync();

        var all = (await engine.Client.QueryAsync(new OrchestrationQuery { FetchInputsAndOutputs = true })).Instances;
        var damaged = all.Where(each => each.FailureDetails?.ErrorType == Code).Select(each => each.InstanceId).ToList();
        Assert.Equal(60, all.Count);
        Assert.Contains("i20", damaged);
        Assert.InRange(damaged.Count, 1, 10);
        foreach (var whole in all.Where(each => !damaged.Contains(each.InstanceId)))
        {
            Assert.StartsWith($"marker-{whole.InstanceId}-", whole.Output, StringComparison.Ordinal);
        }

        await AssertDamagedAsync(() => engine.Client.GetHistoryAsync("i20"));
        await AssertDamagedAsync(() => engine.Client.PurgeAsync("i20"));
        await engine.Client.StartAsync("done", "1", new StartOrchestrationOptions { InstanceId = "new" });
        Assert.Equal("1", (await engine.Client.WaitForCompletionAsync("new", TestContext.Current.CancellationToken)).Output);

        var report = await DataFileCheck.RunAsync(_folder.Data, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(damaged.Order(), report.DamagedInstances.Order());
    }

    [Fact]
    public async Task Start_DamagedPageOfTheTableOfInstances_ListsThemAll()
    {
        await MakeAsync("waits", 200);

        // Names of orchestrations stand in this table and in the rows of the log; the page with many of them is of the table.
        DamagePage(page => page[0] == LeafOfATable && Count(page, "waits") > 20, 0xa5);

        await using var engine = await StartAsync();

        var all = (await engine.Client.QueryAsync(new OrchestrationQuery { PageSize = 500 })).Instances;
        Assert.Equal(200, all.Count);
        var damaged = all.Where(each => each.FailureDetails?.ErrorType == Code).Select(each => each.InstanceId).ToList();
        Assert.InRange(damaged.Count, 20, 150);
        Assert.Equal(200 - damaged.Count, engine.UnfinishedInstances);
        await AssertDamagedAsync(() => engine.Client.RaiseEventAsync(damaged[0], "go", null));
        var whole = all.First(each => each.FailureDetails is null).InstanceId;
        await engine.Client.RaiseEventAsync(whole, "go", "1");
        Assert.Equal("1", (await engine.Client.WaitForCompletionAsync(whole, TestContext.Current.CancellationToken)).Output);
    }

    // The last leaf is where new rows go.
    [Theory]
    [InlineData("log")]
    [InlineData("instances")]
    public async Task Start_DamagedPageWhereNewRowsGo_RunsNewOnesAllTheSame(string table)
    {
        await MakeAsync("waits", 120);
        int page;
        using (var database = new Database(_folder.Data, create: false))
        {
            page = LastLeafOf(database, table);
        }

        var bytes = await File.ReadAllBytesAsync(_folder.Data, TestContext.Current.CancellationToken);
        bytes.AsSpan((page - 1) * PageSize, PageSize).Fill(0xa5);
        await File.WriteAllBytesAsync(_folder.Data, bytes, TestContext.Current.CancellationToken);

        await using (var engine = await StartAsync())
        {
            Assert.InRange(engine.UnfinishedInstances, 40, 119);
            var all = (await engine.Client.QueryAsync(new OrchestrationQuery { PageSize = 500 })).Instances;
            Assert.Equal(120, all.Count);
            Assert.Equal(120 - engine.UnfinishedInstances, all.Count(each => each.FailureDetails?.ErrorType == Code));
            await engine.Client.StartAsync("done", "1", new StartOrchestrationOptions { InstanceId = "new" });
            Assert.Equal("1", (await engine.Client.WaitForCompletionAsync("new", TestContext.Current.CancellationToken)).Output);
            await engine.Client.RaiseEventAsync("i0", "go", "0");
            Assert.Equal("0", (await engine.Client.WaitForCompletionAsync("i0", TestContext.Current.CancellationToken)).Output);
        }

        await using var next = await StartAsync();
        Assert.Equal("1", (await next.Client.GetAsync("new"))!.Output);
    }

    // Follows the right-most pointers of the interior pages down to a leaf.
    private int LastLeafOf(Database database, string table)
    {
        var page = (int)database.ReadInt64($"SELECT rootpage FROM sqlite_schema WHERE name = '{table}'");
        var bytes = File.ReadAllBytes(_folder.Data);
        while (bytes[(page - 1) * PageSize] != LeafOfATable)
        {
            page = System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(((page - 1) * PageSize) + 8));
        }

        return page;
    }

    private static async Task AssertDamagedAsync(Func<Task> call) => Assert.Equal(Code, (await Assert.ThrowsAsync<PolyphonyException>(call)).Code);

    private static int Count(ReadOnlySpan<byte> page, string text)
    {
        var (bytes, count) = (Encoding.UTF8.GetBytes(text), 0);
        for (var at = page.IndexOf(bytes); at >= 0; at = page.IndexOf(bytes))
        {
            page = page[(at + bytes.Length)..];
            count++;
        }

        return count;
    }

    private async Task<EmbeddedEngine> StartAsync() => await EmbeddedEngine.StartAsync(new EngineOptions { Path = _folder.Data }, Registry);

    private async Task MakeAsync(string name, int instances)
    {
        await using var engine = await StartAsync();
        for (var i = 0; i < instances; i++)
        {
            await engine.Client.StartAsync(name, $"marker-i{i}-{new string('x', 900)}", new StartOrchestrationOptions { InstanceId = $"i{i}" });
            if (name == "done")
            {
                await engine.Client.WaitForCompletionAsync($"i{i}", TestContext.Current.CancellationToken);
            }
        }
    }

    private void DamagePageWith(string text, byte with) => DamagePage(page => page[0] == LeafOfATable && Count(page, text) > 0, with);

    private void DamagePage(Func<byte[], bool> which, byte with)
    {
        var bytes = File.ReadAllBytes(_folder.Data);
        for (var at = PageSize; at < bytes.Length; at += PageSize)
        {
            if (which(bytes[at..(at + PageSize)]))
            {
                bytes.AsSpan(at, PageSize).Fill(with);
                File.WriteAllBytes(_folder.Data, bytes);
                return;
            }
        }

        Assert.Fail("No such page.");
    }
}
