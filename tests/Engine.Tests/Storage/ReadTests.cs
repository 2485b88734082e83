using Polyphony.Core.Durable;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Tests.Storage;

/// <summary>Readers beside writers: what one call reads is of one moment.</summary>
[Trait("Row", "S1")]
[Trait("Row", "H9")]
public sealed class ReadTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private readonly DurableRegistry _registry = new DurableRegistry()
        .AddActivity("fail", (_, _) => throw new InvalidOperationException("no"))
        .AddOrchestration("done", (_, input) => Task.FromResult(input))
        .AddOrchestration("waits", async (context, input) => $"{input}{await context.WaitForExternalEventAsync("go")}")
        .AddOrchestration("fails", (context, _) => context.CallActivityAsync("fail", null));

    private readonly Hook _hook = new();
    private Store _store = null!;
    private EmbeddedEngine _engine = null!;

    private DurableClient Client => _engine.Client;

    public ValueTask InitializeAsync()
    {
        _store = Store.Open(_folder.Data, Durability.Full);
        _engine = EmbeddedEngine.StartOver(_store, new EngineOptions { Path = _folder.Data, CommitHook = _hook }, _registry);
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        _store.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Read_PurgedInTheMiddle_SeesTheStateOfItsBeginning()
    {
        await EndedAsync("a", "done");

        var end = _store.Read(reader =>
        {
            var row = reader.FindInstance("a")!;
            Client.PurgeAsync("a").GetAwaiter().GetResult();
            Assert.Equal(row.Head, reader.FindInstance("a")!.Head);
            return reader.ReadRow(row.Head);
        });

        Assert.NotNull(end.Step);
        Assert.Null(await Client.GetAsync("a"));
    }

    [Theory]
    [InlineData("get")]
    [InlineData("history")]
    [InlineData("query")]
    public async Task Client_EndedAndPurgedBetweenMemoryAndFile_SaysItIsGone(string call)
    {
        await Client.StartAsync("waits", new string('x', 1000), new StartOrchestrationOptions { InstanceId = "a" });
        Before(1, EndAndPurge);

        await AssertGoneAsync(call);
    }

    // Each read of a call in turn is the one before which the instance goes.
    [Theory]
    [InlineData("get", 1)]
    [InlineData("get", 2)]
    [InlineData("history", 1)]
    [InlineData("history", 2)]
    [InlineData("query", 1)]
    [InlineData("query", 2)]
    [InlineData("rewind", 1)]
    [InlineData("rewind", 2)]
    public async Task Client_PurgedBeforeAnyOfItsReads_NeverFindsADamagedFile(string call, int read)
    {
        await EndedAsync("a", "fails");
        Before(read, () => Client.PurgeAsync("a").GetAwaiter().GetResult());

        switch (call)
        {
            case "get":
                Assert.True(await Client.GetAsync("a") is null or { InstanceId: "a" });
                break;
            case "history":
                Assert.True(await Record.ExceptionAsync(() => Client.GetHistoryAsync("a")) is null or InstanceNotFoundException);
                break;
            case "rewind":
                Assert.True(await Record.ExceptionAsync(() => Client.RewindAsync("a")) is null or InstanceNotFoundException);
                break;
            default:
                Assert.InRange((await Client.QueryAsync(new OrchestrationQuery { FetchInputsAndOutputs = true })).Instances.Count, 0, 1);
                break;
        }
    }

    [Fact]
    public async Task Query_SetBackSinceTheListWasRead_ShowsItAsItIsNow()
    {
        await EndedAsync("a", "fails");
        Before(2, () => Client.RewindAsync("a").GetAwaiter().GetResult());

        var page = await Client.QueryAsync(new OrchestrationQuery { FetchInputsAndOutputs = true });

        Assert.Equal("a", Assert.Single(page.Instances).InstanceId);
    }

    [Fact]
    public async Task Rewind_ManyAtOnce_OneSetsItBackAndTheOthersAreRefused()
    {
        await EndedAsync("a", "fails");

        var results = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(async () => await Record.ExceptionAsync(() => Client.RewindAsync("a")))));

        Assert.Contains(null, results);
        Assert.All(results.OfType<Exception>(), error => Assert.IsType<InvalidInstanceStatusException>(error));
    }

    [Fact]
    public async Task Rewind_BeforeItsCommit_IsNotToBeSeen()
    {
        await EndedAsync("a", "fails");
        Exception? error = null;
        OrchestrationMetadata? seen = null;
        _hook.Before = () =>
        {
            _hook.Before = null;
            error = Xunit.Record.Exception(() =>
            {
                Client.GetHistoryAsync("a").GetAwaiter().GetResult();
                seen = Client.GetAsync("a").GetAwaiter().GetResult();
            });
        };

        await Client.RewindAsync("a");

        Assert.Null(error);
        Assert.Equal(OrchestrationRuntimeStatus.Failed, seen!.RuntimeStatus);
    }

    private async Task AssertGoneAsync(string call)
    {
        switch (call)
        {
            case "get":
                Assert.Null(await Client.GetAsync("a"));
                break;
            case "history":
                await Assert.ThrowsAsync<InstanceNotFoundException>(() => Client.GetHistoryAsync("a"));
                break;
            default:
                Assert.DoesNotContain((await Client.QueryAsync(new OrchestrationQuery { FetchInputsAndOutputs = true })).Instances, found => found.IsFinished);
                break;
        }
    }

    private void EndAndPurge()
    {
        Client.RaiseEventAsync("a", "go", null).GetAwaiter().GetResult();
        Client.WaitForCompletionAsync("a", CancellationToken.None).GetAwaiter().GetResult();
        Client.PurgeAsync("a").GetAwaiter().GetResult();
    }

    private async Task EndedAsync(string id, string name)
    {
        await Client.StartAsync(name, "1", new StartOrchestrationOptions { InstanceId = id });
        await Client.WaitForCompletionAsync(id, TestContext.Current.CancellationToken);
    }

    private void Before(int read, Action act)
    {
        var reads = 0;
        var caller = Environment.CurrentManagedThreadId;
        _store.BeforeRead = () =>
        {
            if (Environment.CurrentManagedThreadId == caller && ++reads == read)
            {
                _store.BeforeRead = null;
                Task.Run(act).GetAwaiter().GetResult();
            }
        };
    }

    private sealed class Hook : Engine.Runtime.ICommitHook
    {
        internal Action? Before { get; set; }

        public void BeforeCommit() => Before?.Invoke();

        public void AfterCommit()
        {
        }
    }
}
