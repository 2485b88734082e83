using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Tests.Storage;

/// <summary>The connections that the data file is read over.</summary>
[Trait("Row", "T2")]
public sealed class StoreTests
{
    [Fact]
    public async Task Read_ByACrowdAtOnce_KeepsAFewConnectionsForTheNext()
    {
        const int crowd = 20;
        using var folder = new TemporaryFolder();
        using var store = Store.Open(folder.Data, Durability.Full);
        using var everybody = new Barrier(crowd);

        // Threads of their own: the pool's would come too slowly for all to read at the same time.
        var seen = await Task.WhenAll(Enumerable.Range(0, crowd).Select(_ => Task.Factory.StartNew(
            () => store.Read(reader =>
            {
                Assert.True(everybody.SignalAndWait(TimeSpan.FromMinutes(1)));
                return reader;
            }),
            TaskCreationOptions.LongRunning)));

        Assert.Equal(crowd, seen.Distinct().Count());
        Assert.Equal(Store.MostIdleReaders, store.IdleReaders);

        // What is kept is used again, and comes back.
        Assert.Contains(store.Read(reader => reader), seen);
        Assert.Equal(Store.MostIdleReaders, store.IdleReaders);
    }
}
