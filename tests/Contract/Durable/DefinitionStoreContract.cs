using Polyphony.Core.Durable;

namespace Polyphony.Contract.Durable;

/// <summary>The store of definitions.</summary>
[Trait("Row", "S9")]
public abstract class DefinitionStoreContract : DurableContract
{
    [Fact]
    public async Task Save_ThenFind_AlsoAfterARestart()
    {
        await using var host = await StartAsync(new DurableRegistry());
        await host.Definitions.SaveAsync("h1", "{\"a\":1}", Soon);
        await host.Definitions.SaveAsync("h1", "{\"a\":1}", Soon);

        Assert.Equal("{\"a\":1}", host.Definitions.Find("h1"));
        await host.RestartAsync(crash: true);
        Assert.Equal("{\"a\":1}", host.Definitions.Find("h1"));
        Assert.Null(host.Definitions.Find("h2"));
    }
}
