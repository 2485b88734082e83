using System.Text;
using Polyphony.Core.Durable;
using Polyphony.Core.Ledger;
using Polyphony.Core.Payloads;

namespace Polyphony.Contract.Durable;

/// <summary>The payload store.</summary>
[Trait("Row", "S8")]
public abstract class PayloadStoreContract : DurableContract
{
    // printf '"a"' | sha256sum
    private const string HashOfA = "ac8d8342bbb2362d13f0a559a3621bb407011368895164b628a54f7fc33fc43c";

    private static readonly byte[] A = "\"a\""u8.ToArray();

    [Fact]
    public async Task Put_SameContentTwice_IsKeptOnceUntilTheLastOwnerGoes()
    {
        await using var host = await StartAsync(new DurableRegistry());

        Assert.Equal(HashOfA, await host.Payloads.PutAsync("i1", A, Soon));
        Assert.Equal(HashOfA, await host.Payloads.PutAsync("i1", A, Soon));
        Assert.Equal(HashOfA, await host.Payloads.PutAsync("i2", A, Soon));
        await host.RestartAsync(crash: true);

        Assert.Equal("\"a\"", Encoding.UTF8.GetString((await host.Payloads.GetAsync(HashOfA, Soon)).Span));
        Assert.Equal(0, await host.Payloads.ReleaseAsync("i1", Soon));
        Assert.Equal(1, await host.Payloads.ReleaseAsync("i2", Soon));
        Assert.Equal(0, await host.Payloads.ReleaseAsync("i2", Soon));
        await Assert.ThrowsAsync<PayloadNotFoundException>(() => host.Payloads.GetAsync(HashOfA, Soon));
    }

    [Fact]
    public async Task Retain_KnownAndUnknown_KeepsTheKnown()
    {
        await using var host = await StartAsync(new DurableRegistry());
        await host.Payloads.PutAsync("i1", A, Soon);

        await host.Payloads.RetainAsync("i2", [HashOfA, "unknown"], Soon);

        Assert.Equal(0, await host.Payloads.ReleaseAsync("i1", Soon));
        Assert.Equal(3, (await host.Payloads.GetAsync(HashOfA, Soon)).Length);
        Assert.Equal(1, await host.Payloads.ReleaseAsync("i2", Soon));
    }

    [Fact]
    public async Task Put_FiveMegabytes_ComesBackWhole()
    {
        await using var host = await StartAsync(new DurableRegistry());
        var big = Encoding.UTF8.GetBytes($"\"{new string('x', 5 * 1024 * 1024)}\"");

        var hash = await host.Payloads.PutAsync("i1", big, Soon);

        Assert.True((await host.Payloads.GetAsync(hash, Soon)).Span.SequenceEqual(big));
    }

    [Fact]
    [Trait("Row", "H5")]
    public async Task Purge_Instance_GivesUpItsPayloadsAndLedger()
    {
        await using var host = await StartAsync(new DurableRegistry().AddOrchestration("o", (_, _) => Task.FromResult<string?>(null)));
        await RunAsync(host, "o", null, "i1");
        await host.Payloads.PutAsync("i1", A, Soon);
        await host.Ledger.BeginAsync(new LedgerRequest("i1/s", "i1", "agent", "model", "hash"), Soon);

        Assert.Equal(1, await host.Client.PurgeAsync("i1", Soon));

        await Assert.ThrowsAsync<PayloadNotFoundException>(() => host.Payloads.GetAsync(HashOfA, Soon));
        Assert.Empty(await host.Ledger.ListAsync("i1", Soon));
    }
}
