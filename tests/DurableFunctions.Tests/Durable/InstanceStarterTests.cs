using Polyphony.Core.Durable;
using Polyphony.DurableFunctions.Durable;
using Polyphony.TestKit.Clocks;
using Polyphony.TestKit.Stores;
using StartOrchestrationOptions = Polyphony.Core.Durable.StartOrchestrationOptions;

namespace Polyphony.DurableFunctions.Tests.Durable;

/// <summary>An id is used once, also if the one who reserved it is slow, or dead.</summary>
[Trait("Row", "H1")]
public sealed class InstanceStarterTests : IAsyncDisposable
{
    private static readonly Dictionary<string, string> Red = new() { ["team"] = "red" };

    private readonly FakeDurableClient _durable = new();
    private readonly InMemoryStartReservations _reservations = new();
    private readonly FakeClock _clock = new();
    private readonly DurableClientAdapter _client;

    public InstanceStarterTests() =>
        _client = new DurableClientAdapter(() => _durable, new InMemoryPayloadStore(), new InMemoryLedger(), _reservations, _clock);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _durable.DisposeAsync();

    [Fact]
    public async Task Start_ReservedAndNeverStarted_TheSameRequestStartsIt()
    {
        await ReserveAsDeadProcessAsync("1");

        var start = StartAsync("1");
        await LosePatienceAsync([start]);

        Assert.Equal("a", await start);
        Assert.Equal("1", Assert.Single(_durable.Inputs)!.ToString());
    }

    [Fact]
    public async Task Start_ReservedAndNeverStarted_AnotherRequestIsRefusedAndTheFirstIsStarted()
    {
        await ReserveAsDeadProcessAsync("1");

        var start = StartAsync("2");
        await LosePatienceAsync([start]);

        await Assert.ThrowsAsync<InstanceExistsException>(() => start);
        Assert.Equal("1", Assert.Single(_durable.Inputs)!.ToString());
        Assert.Equal("red", Assert.Single(_durable.Starts).Tags["team"]);
    }

    [Fact]
    public async Task Start_ManyFindItReservedAndNeverStarted_OneOfThemStartsIt()
    {
        await ReserveAsDeadProcessAsync("1");

        var starts = Enumerable.Range(0, 10).Select(_ => StartAsync("1")).ToList();
        await LosePatienceAsync(starts);

        Assert.Equal("a", await Assert.Single(starts, start => start.IsCompletedSuccessfully));
        Assert.Equal(9, starts.Count(start => start.Exception?.InnerException is InstanceExistsException));
        Assert.Single(_durable.Starts);
    }

    [Fact]
    public async Task Start_TheFirstIsSlow_TheSecondWaitsForItToShow()
    {
        await ReserveAsDeadProcessAsync("1");
        var second = StartAsync("2");
        await _clock.WhenTimersAsync(1);
        Assert.False(second.IsCompleted);

        _durable.Add("a", input: "1");
        _clock.Advance(TimeSpan.FromSeconds(1));

        await Assert.ThrowsAsync<InstanceExistsException>(() => second);
        Assert.Empty(_durable.Starts);
    }

    [Fact]
    public async Task Start_IdOfAnInstanceThatAnotherStarted_LeavesNoReservation()
    {
        _durable.Add("a");

        await Assert.ThrowsAsync<InstanceExistsException>(() => StartAsync("1"));

        Assert.Empty(_reservations.Ids);
    }

    [Fact]
    public async Task Purge_FreesTheId()
    {
        Assert.Equal("a", await StartAsync("1"));
        Assert.Equal("a", Assert.Single(_reservations.Ids));
        _durable.Add("a");

        Assert.Equal(1, await _client.PurgeAsync("a", Token));

        Assert.Empty(_reservations.Ids);
        Assert.Equal("a", await StartAsync("2"));
    }

    private Task<string> StartAsync(string input) => _client.StartAsync("o", input, new StartOrchestrationOptions { InstanceId = "a", Tags = Red }, Token);

    /// <summary>Reserves the id as a process does that then ends.</summary>
    private Task<StartReservation> ReserveAsDeadProcessAsync(string input) =>
        _reservations.ReserveAsync("a", new StartRequest("o", input, new Dictionary<string, string>(Red) { ["polyphony-created"] = "2026-01-01T00:00:00.0000000Z" }, null), Token);

    private async Task LosePatienceAsync(List<Task<string>> starts)
    {
        while (!starts.TrueForAll(start => start.IsCompleted))
        {
            _clock.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }
    }
}
