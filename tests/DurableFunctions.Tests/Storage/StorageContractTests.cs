using Polyphony.Contract.Durable;
using Polyphony.Core.Durable;
using Polyphony.DurableFunctions.Tests.Durable;

namespace Polyphony.DurableFunctions.Tests.Storage;

public sealed class TableLedgerContractTests : LedgerContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => StorageHost.StartAsync(registry);
}

public sealed class BlobPayloadStoreContractTests : PayloadStoreContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => StorageHost.StartAsync(registry);
}

public sealed class BlobDefinitionStoreContractTests : DefinitionStoreContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => StorageHost.StartAsync(registry);
}

/// <summary>A host whose stores are on Azure Storage, opened anew by each process.</summary>
internal static class StorageHost
{
    public static async Task<IDurableHost> StartAsync(DurableRegistry registry)
    {
        var container = TestContainer.Create();
        return await DurableTaskHost.StartAsync(registry, new InMemoryTaskHub(), container.OpenStores, () => container.DisposeAsync().AsTask());
    }
}
