using Azure.Core;
using Polyphony.DurableFunctions.Durable;
using Polyphony.DurableFunctions.Storage;

namespace Polyphony.DurableFunctions.Tests.Storage;

/// <summary>Ids reserved in Blob Storage, by several processes.</summary>
[Trait("Row", "H1")]
public sealed class BlobStartReservationsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Reserve_ManyAtOnce_OneIsFirstAndAllSeeItsRequest()
    {
        await using var container = TestContainer.Create();
        var processes = Enumerable.Range(0, 10).Select(_ => new BlobStartReservations(container.Open())).ToList();

        var got = await Task.WhenAll(processes.Select((each, i) => each.ReserveAsync("a", Request($"{i}"), Token)));

        var first = Assert.Single(got, each => each.IsNew);
        Assert.All(got, each => Assert.Equal(first.Request.Input, each.Request.Input));
        Assert.All(got, each => Assert.True(first.Request.IsSameAs(each.Request)));
    }

    [Fact]
    public async Task TakeOver_ManyAtOnce_OneSucceeds()
    {
        await using var container = TestContainer.Create();
        var first = await new BlobStartReservations(container.Open()).ReserveAsync("a", Request("1"), Token);
        var processes = Enumerable.Range(0, 10).Select(_ => new BlobStartReservations(container.Open())).ToList();

        var got = await Task.WhenAll(processes.Select(async each => await each.TryTakeOverAsync("a", await each.ReserveAsync("a", Request("2"), Token) with { Version = first.Version }, Token)));

        Assert.Single(got, taken => taken);
        var kept = await processes[0].ReserveAsync("a", Request("3"), Token);
        Assert.Equal((false, "1"), (kept.IsNew, kept.Request.Input));
        Assert.NotEqual(first.Version, kept.Version);
    }

    [Fact]
    public async Task Reserve_RemovedWhileItIsRead_StartsOver()
    {
        await using var container = TestContainer.Create();
        var gate = new RequestGate(RequestMethod.Get, "/starts/");
        var late = new BlobStartReservations(container.Open(gate));
        var early = new BlobStartReservations(container.Open());
        await early.ReserveAsync("a", Request("1"), Token);

        var reserving = late.ReserveAsync("a", Request("2"), Token);
        await gate.Arrived;
        await early.RemoveAsync("a", Token);
        gate.Open();

        var got = await reserving;
        Assert.Equal((true, "2"), (got.IsNew, got.Request.Input));
        Assert.False(await early.TryTakeOverAsync("b", got, Token));
    }

    private static StartRequest Request(string input) => new("o", input, new Dictionary<string, string> { ["k"] = "v" }, DateTimeOffset.UnixEpoch);
}
