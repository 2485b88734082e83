using Microsoft.DurableTask;
using Polyphony.Core.Durable;
using Polyphony.Core.Runs;
using Polyphony.DurableFunctions.Durable;
using Polyphony.TestKit.Clocks;
using Polyphony.TestKit.Stores;
using DurableStatus = Microsoft.DurableTask.Client.OrchestrationRuntimeStatus;
using FailureDetails = Polyphony.Core.Durable.FailureDetails;
using StartOrchestrationOptions = Polyphony.Core.Durable.StartOrchestrationOptions;

namespace Polyphony.DurableFunctions.Tests.Durable;

/// <summary>What the client asks of Durable Task, and how it reads the answers.</summary>
[Trait("Row", "H5")]
public sealed class DurableClientTests : IAsyncDisposable
{
    private static readonly DateTimeOffset Now = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly FakeDurableClient _durable = new();
    private readonly InMemoryPayloadStore _payloads = new();
    private readonly InMemoryLedger _ledger = new();
    private readonly DurableClientAdapter _client;

    public DurableClientTests() => _client = new DurableClientAdapter(() => _durable, _payloads, _ledger, new InMemoryStartReservations(), new FakeClock(Now));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _durable.DisposeAsync();

    [Theory]
    [InlineData(DurableStatus.Pending)]
    [InlineData(DurableStatus.Running)]
    [InlineData(DurableStatus.Suspended)]
    [InlineData(DurableStatus.Completed)]
    [InlineData(DurableStatus.Failed)]
    [InlineData(DurableStatus.Terminated)]
    public async Task Start_IdInAnyStatus_IsRefused(DurableStatus status)
    {
        _durable.Add("a", status: status);

        var error = await Assert.ThrowsAsync<InstanceExistsException>(() => _client.StartAsync("o", null, new StartOrchestrationOptions { InstanceId = "a" }, Token));

        Assert.Contains("\"a\"", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_AnyId_NamesEveryStatusThatAnInstanceCanHave()
    {
        await _client.StartAsync("o", "1", new StartOrchestrationOptions { InstanceId = "a", Tags = new Dictionary<string, string> { ["k"] = "v" } }, Token);

        var sent = Assert.Single(_durable.Starts);
        Assert.Equal(["Completed", "Failed", "Pending", "Running", "Suspended", "Terminated"], sent.DedupeStatuses!.Order(StringComparer.Ordinal));
        Assert.Equal("v", sent.Tags["k"]);
        Assert.Equal("k", Assert.Single((await _client.GetAsync("a", true, Token))!.Tags).Key);
        Assert.Null(sent.StartAt);
    }

    [Fact]
    [Trait("Row", "O9")]
    public async Task Start_AtATimeThatHasPassed_SendsTheInputAsItIs()
    {
        await _client.StartAsync("o", "1", new StartOrchestrationOptions { InstanceId = "a", StartAt = Now }, Token);

        Assert.Equal("1", Assert.Single(_durable.Inputs)!.ToString());
    }

    [Theory]
    [InlineData("{\"n\":1.00}", 30.0)]
    [InlineData(null, 30.0)]
    [InlineData("1", 0.00001)]
    [Trait("Row", "O9")]
    public async Task Start_AtATimeAhead_BeginsNowAndIsPendingUntilThen(string? input, double days)
    {
        var clock = new FakeClock(Now);
        var client = new DurableClientAdapter(() => _durable, _payloads, _ledger, new InMemoryStartReservations(), clock);

        await client.StartAsync("o", input, new StartOrchestrationOptions { InstanceId = "a", StartAt = Now.AddDays(days) }, Token);

        Assert.Null(Assert.Single(_durable.Starts).StartAt);
        var waiting = (await client.GetAsync("a", true, Token))!;
        Assert.Equal((OrchestrationRuntimeStatus.Pending, input, 0), (waiting.RuntimeStatus, waiting.Input, waiting.Tags.Count));
        clock.Advance(TimeSpan.FromDays(days));
        Assert.Equal(OrchestrationRuntimeStatus.Running, (await client.GetAsync("a", true, Token))!.RuntimeStatus);
    }

    [Fact]
    [Trait("Row", "S8")]
    public async Task Payloads_AboveTheLimit_AreRefusedBeforeTheyAreSent()
    {
        var big = $"\"{new string('x', DurableLimits.MaxPayloadBytes)}\"";
        _durable.Add("a", status: DurableStatus.Running);

        await Assert.ThrowsAsync<PayloadTooLargeException>(() => _client.StartAsync("o", big, null, Token));
        await Assert.ThrowsAsync<PayloadTooLargeException>(() => _client.RaiseEventAsync("a", "x", big, Token));
        await Assert.ThrowsAsync<PayloadTooLargeException>(() => _client.SignalEntityAsync(new EntityId("e", "k"), "op", big, Token));
        Assert.Empty(_durable.Starts);
        Assert.Empty(_durable.Calls);
    }

    [Fact]
    [Trait("Row", "C10")]
    public async Task Get_FailedOnAzureStorage_ReadsTheTextOfTheOutput()
    {
        _durable.Add("coded", status: DurableStatus.Failed, output: "Polyphony.DurableFunctions.Durable.CodedFailureException: [agent_failed] The [fast] model: no.\nTry again.");
        _durable.Add("plain", status: DurableStatus.Failed, output: "System.InvalidOperationException: [draft] is empty");
        _durable.Add("text", status: DurableStatus.Failed, output: "Function 'x' is gone.");
        _durable.Add("none", status: DurableStatus.Failed);
        _durable.Add("details", status: DurableStatus.Failed, failure: new TaskFailureDetails("Polyphony.DurableFunctions.Durable.CodedFailureException", "[c] m", null, null, null));

        Assert.Equal(new FailureDetails("agent_failed", "The [fast] model: no.\nTry again."), await FailureAsync("coded"));
        Assert.Equal(new FailureDetails("System.InvalidOperationException", "[draft] is empty"), await FailureAsync("plain"));
        Assert.Equal(new FailureDetails("failed", "Function 'x' is gone."), await FailureAsync("text"));
        Assert.Equal("failed", (await FailureAsync("none")).ErrorType);
        Assert.Equal(new FailureDetails("c", "m"), await FailureAsync("details"));
        Assert.Null((await _client.GetAsync("coded", true, Token))!.Output);

        async Task<FailureDetails> FailureAsync(string id) => (await _client.GetAsync(id, true, Token))!.FailureDetails!;
    }

    [Fact]
    public async Task Managing_Asked_IsPassedOn()
    {
        _durable.Add("a", status: DurableStatus.Running);
        _durable.Add("f", status: DurableStatus.Failed);

        await _client.SuspendAsync("a", "lunch", Token);
        await _client.ResumeAsync("a", "back", Token);
        await _client.ResumeAsync("a", "it runs already", Token);
        await _client.RaiseEventAsync("a", "go", "{\"x\":1}", Token);
        await _client.RewindAsync("f", null, Token);

        Assert.Equal(["suspend a lunch", "resume a back", "raise a go {\"x\":1}", "rewind f "], _durable.Calls);
    }

    [Fact]
    [Trait("Row", "O10")]
    public async Task RaiseEvent_NotYetBegun_IsSentWhenItHas()
    {
        var clock = new FakeClock(Now);
        var client = new DurableClientAdapter(() => _durable, _payloads, _ledger, new InMemoryStartReservations(), clock);
        _durable.Add("a", status: DurableStatus.Pending);

        var raised = client.RaiseEventAsync("a", "x", "1", Token);
        Assert.False(raised.IsCompleted);
        Assert.Empty(_durable.Calls);
        _durable.Add("a", status: DurableStatus.Running);
        clock.Advance(TimeSpan.FromSeconds(1));
        await raised;

        Assert.Equal(["raise a x 1"], _durable.Calls);
    }

    [Fact]
    [Trait("Row", "H4")]
    public async Task Query_ProviderListsByIdWithoutTags_NewestFirstWithAllConditions()
    {
        _durable.Add("d", 1, tags: ("team", "red"));
        _durable.Add("b", 2);
        _durable.Add("c", 3, tags: ("team", "red"));
        _durable.Add("a", 4, DurableStatus.Running);
        _durable.Add("child", 5, parent: "a", tags: ("team", "red"));
        _durable.Add("@entity@k", 6);
        _durable.Add("late", 7, DurableStatus.Running, tags: ("polyphony-start-at", "2031-01-01T00:00:00.0000000Z"));

        Assert.Equal("late a c b d", await IdsAsync(new()));
        Assert.Equal("late child a c b d", await IdsAsync(new() { IncludeChildren = true }));
        Assert.Equal("c d", await IdsAsync(new() { Tags = new Dictionary<string, string> { ["team"] = "red" } }));
        Assert.Equal("a", await IdsAsync(new() { Statuses = [OrchestrationRuntimeStatus.Running] }));
        Assert.Equal("late", await IdsAsync(new() { Statuses = [OrchestrationRuntimeStatus.Pending] }));
        Assert.Equal("c b", await IdsAsync(new() { CreatedFrom = Now.AddMinutes(2), CreatedTo = Now.AddMinutes(4) }));
        Assert.All(_durable.Queries, query => Assert.False(query.FetchInputsAndOutputs));
    }

    [Fact]
    [Trait("Row", "H4")]
    public async Task Query_PagesOfTwo_EachInstanceOnceAndTheLastPageSaysSo()
    {
        foreach (var (id, minute) in new[] { ("a", 1), ("b", 1), ("c", 1), ("d", 3), ("e", 2) })
        {
            _durable.Add(id, minute);
        }

        var pages = new List<string>();
        string? token = null;
        do
        {
            var page = await _client.QueryAsync(new() { PageSize = 2, ContinuationToken = token }, Token);
            pages.Add(string.Join(' ', page.Instances.Select(found => found.InstanceId)));
            token = page.ContinuationToken;
            _durable.Add($"new{pages.Count}", 10 + pages.Count);
        }
        while (token is not null);

        Assert.Equal(["d e", "c b", "a"], pages);
    }

    [Fact]
    [Trait("Row", "H4")]
    public async Task Query_InstanceInALaterGeneration_CountsFromItsFirst()
    {
        // The provider tells the time of the generation; the tag, when the first was accepted.
        _durable.Add("loop", 30, DurableStatus.Running, tags: ("polyphony-created", "2030-01-01T00:01:00.0000000Z"));
        _durable.Add("b", 20);
        _durable.Add("c", 10);

        Assert.Equal("loop", await IdsAsync(new() { CreatedTo = Now.AddMinutes(5) }));
        Assert.Equal("b c", await IdsAsync(new() { CreatedFrom = Now.AddMinutes(5) }));
        var first = await _client.QueryAsync(new() { PageSize = 1 }, Token);
        Assert.Equal("b c", await IdsAsync(new() { ContinuationToken = first.ContinuationToken }));
        Assert.Equal(Now.AddMinutes(1), Assert.Single(first.Instances).CreatedTime);
    }

    [Theory]
    [InlineData("zzz")]
    [InlineData("Mi4xLmE")]
    [InlineData("MS54LmE")]
    [Trait("Row", "H4")]
    public async Task Query_TokenOfAnotherKind_IsRefused(string token) => Assert.Equal(
        "invalid_continuation_token", (await Assert.ThrowsAsync<PolyphonyException>(() => _client.QueryAsync(new() { ContinuationToken = token }, Token))).Code);

    [Fact]
    public async Task Terminate_WithDescendants_EndsThemAndNobodyElse()
    {
        _durable.Add("p", 1, DurableStatus.Running);
        _durable.Add("p:1", 2, DurableStatus.Running, parent: "p");
        _durable.Add("elsewhere", 3, DurableStatus.Running, parent: "p:1");
        _durable.Add("p:2", 3, DurableStatus.Completed, parent: "p");
        _durable.Add("p:stranger", 3, DurableStatus.Running);

        await _client.TerminateAsync("p", "\"enough\"", Token);

        Assert.Equal(["terminate p \"enough\" True", "terminate p:1 \"enough\" False", "terminate elsewhere \"enough\" False"], _durable.Calls);
    }

    [Fact]
    [Trait("Row", "B10")]
    public async Task Terminate_TreeThatGrowsMeanwhile_EndsWhatWasAdded()
    {
        _durable.Add("p", 1, DurableStatus.Running);
        _durable.Add("p:1", 2, DurableStatus.Running, parent: "p");
        _durable.Terminating = id =>
        {
            // Each starts one more before it ends, four levels deep.
            if (id.Length < 9)
            {
                _durable.Add($"{id}:1", 3, DurableStatus.Running, parent: id);
            }
        };

        await _client.TerminateAsync("p", null, Token);

        Assert.Equal(["p", "p:1", "p:1:1", "p:1:1:1", "p:1:1:1:1"], _durable.Instances.Keys);
        Assert.All(_durable.Instances.Values, each => Assert.Equal(DurableStatus.Terminated, each.RuntimeStatus));
    }

    [Fact]
    public async Task Purge_Workflow_TakesDescendantsFirstAndReadsNoOthers()
    {
        _durable.Add("p", 1, name: TaskNames.WorkflowOrchestration);
        _durable.Add("p:1", 2, parent: "p");
        _durable.Add("p:1:1", 3, parent: "p:1");
        _durable.Add("p2", 4);
        await _payloads.PutAsync("p:1:1", "1"u8.ToArray(), Token);

        Assert.Equal(3, await _client.PurgeAsync("p", Token));

        Assert.Equal(["purge p:1:1", "purge p:1", "purge p"], _durable.Calls);
        Assert.Equal("p:", Assert.Single(_durable.Queries).InstanceIdPrefix);
        Assert.Equal(0, await _payloads.ReleaseAsync("p:1:1", Token));
        Assert.Equal(["p2"], _durable.Instances.Keys);
    }

    [Fact]
    public async Task Purge_LongId_FindsChildrenWhoseIdsWereShortened()
    {
        var id = new string('p', 90);
        var child = $"{id[..50]}-0123456789abcdef";
        _durable.Add(id, 1, name: TaskNames.WorkflowOrchestration);
        _durable.Add(child, 2, parent: id);
        _durable.Add(id[..60], 3);

        Assert.Equal(2, await _client.PurgeAsync(id, Token));
        Assert.Equal([id[..60]], _durable.Instances.Keys);
    }

    private async Task<string> IdsAsync(OrchestrationQuery query) =>
        string.Join(' ', (await _client.QueryAsync(query, Token)).Instances.Select(found => found.InstanceId));
}
