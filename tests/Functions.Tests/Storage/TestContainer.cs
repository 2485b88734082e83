using Azure.Core;
using Azure.Storage.Blobs;
using Polyphony.Functions.Storage;
using Polyphony.Functions.Tests.Durable;

namespace Polyphony.Functions.Tests.Storage;

/// <summary>A container of its own on the storage account that the environment names; gone at the end.</summary>
internal sealed class TestContainer : IAsyncDisposable
{
    /// <summary>The environment variable that holds the connection string.</summary>
    public const string Variable = "POLYPHONY_TEST_STORAGE";

    private readonly string _connection;
    private readonly string _name = $"test-{Guid.NewGuid():N}";

    private TestContainer(string connection) => _connection = connection;

    /// <summary>Makes one, or skips the running test where no account is named.</summary>
    public static TestContainer Create() => new(Connection());

    /// <summary>Gets the account's connection string, or skips the running test where none is named.</summary>
    public static string Connection()
    {
        var connection = Environment.GetEnvironmentVariable(Variable);
        Assert.SkipWhen(string.IsNullOrEmpty(connection), $"{Variable} names no storage account. Set it to a connection string, such as Azurite's, to run the tests of the stores on Blob Storage.");
        return connection!;
    }

    /// <summary>Opens the container as one more process.</summary>
    public BlobStorage Open(RequestGate? gate = null)
    {
        var options = new BlobClientOptions();
        if (gate is not null)
        {
            options.AddPolicy(gate, HttpPipelinePosition.PerCall);
        }

        return new BlobStorage(new BlobContainerClient(_connection, _name, options));
    }

    public DurableTaskHost.Stores OpenStores()
    {
        var storage = Open();
        return new DurableTaskHost.Stores(new BlobPayloadStore(storage), new BlobLedger(storage, TimeProvider.System), new BlobDefinitionStore(storage));
    }

    public async ValueTask DisposeAsync() => await new BlobContainerClient(_connection, _name).DeleteIfExistsAsync();
}
