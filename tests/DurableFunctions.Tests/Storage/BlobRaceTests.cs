using System.Text;
using Azure.Core;
using Polyphony.Core.Payloads;
using Polyphony.DurableFunctions.Storage;

namespace Polyphony.DurableFunctions.Tests.Storage;

/// <summary>Two processes on one container, with their requests interleaved as they might be at the worst.</summary>
public sealed class BlobRaceTests
{
    // printf '"a"' | sha256sum
    private const string HashOfA = "ac8d8342bbb2362d13f0a559a3621bb407011368895164b628a54f7fc33fc43c";

    private static readonly byte[] A = "\"a\""u8.ToArray();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("GET", "comp=list&prefix=shares%2F")]
    [InlineData("DELETE", "/payloads/")]
    [Trait("Row", "S8")]
    public async Task Put_WhileAnotherReleasesTheLastUse_KeepsTheValue(string method, string path)
    {
        // The release stops before it counts the owners, or after it, before it removes the value.
        await using var container = TestContainer.Create();
        var gate = new RequestGate(RequestMethod.Parse(method), path);
        var releasing = new BlobPayloadStore(container.Open(gate));
        var putting = new BlobPayloadStore(container.Open());
        await putting.PutAsync("i1", A, Token);

        var release = releasing.ReleaseAsync("i1", Token);
        await gate.Arrived;
        Assert.Equal(HashOfA, await putting.PutAsync("i2", A, Token));
        gate.Open();

        Assert.Equal(0, await release);
        Assert.Equal("\"a\"", Encoding.UTF8.GetString((await putting.GetAsync(HashOfA, Token)).Span));
        Assert.Equal(1, await putting.ReleaseAsync("i2", Token));
        await Assert.ThrowsAsync<PayloadNotFoundException>(() => putting.GetAsync(HashOfA, Token));
    }

    [Theory]
    [InlineData("/payloads/")]
    [InlineData("comp=metadata")]
    [Trait("Row", "S8")]
    public async Task Release_WhileAnotherPutsTheValue_LeavesTheValueToTheOther(string path)
    {
        // The put stops before it writes the value, or when it has found it and before it touches it.
        await using var container = TestContainer.Create();
        var gate = new RequestGate(RequestMethod.Put, path);
        var putting = new BlobPayloadStore(container.Open(gate));
        var releasing = new BlobPayloadStore(container.Open());
        await releasing.PutAsync("i1", A, Token);

        var put = putting.PutAsync("i2", A, Token);
        await gate.Arrived;
        Assert.Equal(0, await releasing.ReleaseAsync("i1", Token));
        gate.Open();

        Assert.Equal(HashOfA, await put);
        Assert.Equal(3, (await releasing.GetAsync(HashOfA, Token)).Length);
        Assert.Equal(1, await releasing.ReleaseAsync("i2", Token));
    }

    [Fact]
    [Trait("Row", "S8")]
    public async Task Retain_WhileTheLastOwnerReleases_EitherKeepsTheValueOrKnowsThatItIsGone()
    {
        await using var container = TestContainer.Create();
        var gate = new RequestGate(RequestMethod.Put, "/owners/i2/");
        var retaining = new BlobPayloadStore(container.Open(gate));
        var releasing = new BlobPayloadStore(container.Open());
        await releasing.PutAsync("i1", A, Token);

        // Its mark of the value may be there already or not; the release goes by it.
        var retain = retaining.RetainAsync("i2", [HashOfA], Token);
        await gate.Arrived;
        var removed = await releasing.ReleaseAsync("i1", Token);
        gate.Open();
        await retain;

        Assert.Equal(1 - removed, await releasing.ReleaseAsync("i2", Token));
        await Assert.ThrowsAsync<PayloadNotFoundException>(() => releasing.GetAsync(HashOfA, Token));
    }

    [Fact]
    [Trait("Row", "S8")]
    public async Task PutAndRelease_ManyProcessesAtOnce_AnOwnerAlwaysFindsItsValue()
    {
        await using var container = TestContainer.Create();

        await Task.WhenAll(Enumerable.Range(0, 8).Select(async process =>
        {
            var store = new BlobPayloadStore(container.Open());
            for (var i = 0; i < 15; i++)
            {
                await store.PutAsync($"i{process}", A, Token);
                Assert.Equal(3, (await store.GetAsync(HashOfA, Token)).Length);
                await store.ReleaseAsync($"i{process}", Token);
            }
        }));
    }
}
