using Polyphony.Core.Durable;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Tests.Storage;

/// <summary>Damaged, foreign and owned files.</summary>
[Trait("Row", "H9")]
public sealed class DataFileTests
{
    private static readonly DurableRegistry Registry = new DurableRegistry()
        .AddActivity("echo", (_, input) => Task.FromResult(input))
        .AddOrchestration("o", async (context, input) =>
        {
            await context.CallActivityAsync("echo", new string('x', 1000));
            return await context.WaitForExternalEventAsync("go");
        });

    public static TheoryData<string, string> Damages => new()
    {
        { "text", "data_file_corrupt" },
        { "cut in the head", "data_file_corrupt" },
        { "cut in the middle", "data_file_corrupt" },
        { "another database", "data_file_corrupt" },
        { "a newer format", "data_file_version" },
        { "a page of zeros", "data_file_corrupt" },
        { "a page of noise", "data_file_corrupt" },
    };

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task Start_DamagedFile_SaysSoAndLeavesIt(string damage, string code)
    {
        using var folder = new TemporaryFolder();
        await MakeAsync(folder.Data);
        Damage(folder.Data, damage);
        var before = await File.ReadAllBytesAsync(folder.Data);

        var error = await Assert.ThrowsAsync<DataFileException>(() => EmbeddedEngine.StartAsync(new EngineOptions { Path = folder.Data }, Registry));

        Assert.Equal(code, error.Code);
        Assert.Contains(folder.Data, error.Message, StringComparison.Ordinal);
        Assert.Equal(before, await File.ReadAllBytesAsync(folder.Data));
        Assert.Null(EngineOwner.Read(folder.Data));
    }

    [Fact]
    public async Task Start_EmptyFile_IsANewOne()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllBytesAsync(folder.Data, []);

        await using var engine = await EmbeddedEngine.StartAsync(new EngineOptions { Path = folder.Data }, Registry);

        Assert.Equal(0, engine.UnfinishedInstances);
    }

    [Fact]
    public async Task Start_FileInUse_NamesTheOwner()
    {
        using var folder = new TemporaryFolder();
        var options = new EngineOptions { Path = folder.Data, OwnerNote = "starting" };
        await using (var engine = await EmbeddedEngine.StartAsync(options, Registry))
        {
            engine.SetOwnerNote("http://localhost:7071");

            var refused = await Assert.ThrowsAsync<DataFolderInUseException>(() => EmbeddedEngine.StartAsync(options, Registry));

            Assert.Equal("data_folder_in_use", refused.Code);
            Assert.Contains($"Process {Environment.ProcessId} on {Environment.MachineName}", refused.Message, StringComparison.Ordinal);
            Assert.Contains("(http://localhost:7071)", refused.Message, StringComparison.Ordinal);
            Assert.Equal("http://localhost:7071", EngineOwner.Read(folder.Data)?.Note);
        }

        Assert.Null(EngineOwner.Read(folder.Data));
        await using var next = await EmbeddedEngine.StartAsync(options, Registry);
    }

    [Fact]
    public async Task Start_OwnerFileLeftByACrash_BlocksNobody()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.Data + ".owner", "{\"processId\":1,\"host\":\"gone\",\"since\":\"2026-01-01T00:00:00Z\"}");
        await File.WriteAllTextAsync(folder.Data + ".lock", "");

        Assert.Null(EngineOwner.Read(folder.Data));
        await using var engine = await EmbeddedEngine.StartAsync(new EngineOptions { Path = folder.Data }, Registry);
        Assert.Equal(Environment.ProcessId, EngineOwner.Read(folder.Data)?.ProcessId);
    }

    [Fact]
    public async Task Start_BadOptions_ListsAllProblems()
    {
        var options = new EngineOptions { Path = "/does/not/exist/x.db", MaxConcurrentActivities = 0, MaxLiveInstances = -1, StopTimeout = TimeSpan.FromSeconds(-1), Durability = (Durability)7 };

        var error = await Assert.ThrowsAsync<PolyphonyException>(() => EmbeddedEngine.StartAsync(options, Registry));

        Assert.Equal("invalid_options", error.Code);
        foreach (var part in new[] { "/does/not/exist", "MaxConcurrentActivities is 0", "MaxLiveInstances is -1", "StopTimeout is -00:00:01", "Durability is 7" })
        {
            Assert.Contains(part, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    [Trait("Row", "T3")]
    public async Task Start_CopyTakenWhileRunning_GoesOnFromThere()
    {
        using var folder = new TemporaryFolder();
        var copies = new List<string>();
        var hook = new CopyAfterCommit(folder, copies);
        var options = new EngineOptions { Path = folder.Data, CommitHook = hook };
        var registry = new DurableRegistry()
            .AddActivity("next", (_, input) => Task.FromResult<string?>((int.Parse(input!) + 1).ToString()))
            .AddOrchestration("count", async (context, _) =>
            {
                var n = "0";
                while (n != "20")
                {
                    n = await context.CallActivityAsync("next", n);
                }

                return n;
            });
        await using (var engine = await EmbeddedEngine.StartAsync(options, registry))
        {
            await engine.Client.StartAsync("count", null, new StartOrchestrationOptions { InstanceId = "a" });
            await engine.Client.WaitForCompletionAsync("a");
        }

        Assert.Equal(22, copies.Count);
        foreach (var copy in copies)
        {
            await using var engine = await EmbeddedEngine.StartAsync(new EngineOptions { Path = copy }, registry);
            var ended = await engine.Client.WaitForCompletionAsync("a");
            Assert.Equal("20", ended.Output);
        }
    }

    [Fact]
    public async Task Commit_DiskError_StopsTheEngineAndKeepsWhatWasCommitted()
    {
        using var folder = new TemporaryFolder();
        var hook = new FailingCommit();
        var engine = await EmbeddedEngine.StartAsync(new EngineOptions { Path = folder.Data, CommitHook = hook }, Registry);
        await engine.Client.StartAsync("o", null, new StartOrchestrationOptions { InstanceId = "a" });
        while (!(await engine.Client.GetHistoryAsync("a")).Any(e => e is Core.Durable.History.TaskCompleted))
        {
            await Task.Yield();
        }

        hook.Fails = true;
        var error = await Assert.ThrowsAsync<PolyphonyException>(() => engine.Client.RaiseEventAsync("a", "go", "1"));

        Assert.Equal("engine_stopped", error.Code);
        Assert.Contains("disk full", error.Message, StringComparison.Ordinal);
        Assert.Equal("data_file_failed", (await Assert.ThrowsAsync<DataFileException>(() => engine.Completion)).Code);
        await Assert.ThrowsAsync<PolyphonyException>(() => engine.Client.GetAsync("a"));
        await engine.DisposeAsync();

        await using var next = await EmbeddedEngine.StartAsync(new EngineOptions { Path = folder.Data }, Registry);
        await next.Client.RaiseEventAsync("a", "go", "2");
        Assert.Equal("2", (await next.Client.WaitForCompletionAsync("a")).Output);
    }

    private static async Task MakeAsync(string path)
    {
        var engine = await EmbeddedEngine.StartAsync(new EngineOptions { Path = path }, Registry);
        for (var i = 0; i < 50; i++)
        {
            await engine.Client.StartAsync("o", new string('y', 500), new StartOrchestrationOptions { InstanceId = $"i{i}" });
        }

        await engine.DisposeAsync();
    }

    private static void Damage(string path, string damage)
    {
        switch (damage)
        {
            case "text":
                File.WriteAllText(path, "This is no database, it is a letter to somebody else altogether.");
                break;
            case "cut in the head":
                Write(path, bytes => bytes[..10]);
                break;
            case "cut in the middle":
                Write(path, bytes => bytes[..(bytes.Length / 2)]);
                break;
            case "another database":
                File.Delete(path);
                Execute(path, "CREATE TABLE t(a); INSERT INTO t VALUES(1)");
                break;
            case "a newer format":
                Execute(path, "PRAGMA user_version = 99");
                break;
            case "a page of zeros":
                Write(path, bytes => Overwrite(bytes, 0));
                break;
            case "a page of noise":
                Write(path, bytes => Overwrite(bytes, 0xa5));
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(damage), damage, "No such damage.");
        }
    }

    private static byte[] Overwrite(byte[] bytes, byte with)
    {
        // Everything but the first page, which holds the head and the schema.
        bytes.AsSpan(4096).Fill(with);
        return bytes;
    }

    private static void Write(string path, Func<byte[], byte[]> change) => File.WriteAllBytes(path, change(File.ReadAllBytes(path)));

    private static void Execute(string path, string sql)
    {
        using var database = new Database(path, create: true);
        database.Execute(sql);
    }

    private sealed class CopyAfterCommit(TemporaryFolder folder, List<string> copies) : Engine.Runtime.ICommitHook
    {
        public void BeforeCommit()
        {
        }

        public void AfterCommit()
        {
            var copy = Path.Combine(folder.Path, $"copy-{copies.Count}.db");
            File.Copy(folder.Data, copy);
            if (File.Exists(folder.Data + "-wal"))
            {
                File.Copy(folder.Data + "-wal", copy + "-wal");
            }

            copies.Add(copy);
        }
    }

    private sealed class FailingCommit : Engine.Runtime.ICommitHook
    {
        internal bool Fails { get; set; }

        public void BeforeCommit()
        {
            if (Fails)
            {
                throw DataFileException.Failed("data.db", "disk full", "COMMIT");
            }
        }

        public void AfterCommit()
        {
        }
    }
}
