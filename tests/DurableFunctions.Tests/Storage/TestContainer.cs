using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using Polyphony.DurableFunctions.Storage;
using Polyphony.DurableFunctions.Tests.Durable;

namespace Polyphony.DurableFunctions.Tests.Storage;

/// <summary>A container and a table of its own on the storage account that the environment names; gone at the end.</summary>
internal sealed class TestContainer : IAsyncDisposable
{
    /// <summary>The environment variable that holds the connection string.</summary>
    public const string Variable = "POLYPHONY_TEST_STORAGE";

    private readonly string _connection;
    private readonly string _name = $"test{Guid.NewGuid():N}";

    private TestContainer(string connection) => _connection = connection;

    /// <summary>Gets the connection string, or skips the running test where no account is named.</summary>
    public static string Connection
    {
        get
        {
            var connection = Environment.GetEnvironmentVariable(Variable);
            Assert.SkipWhen(string.IsNullOrEmpty(connection), $"{Variable} names no storage account. Set it to a connection string, such as Azurite's, to run the tests on Azure Storage.");
            return connection!;
        }
    }

    /// <summary>Makes one, or skips the running test where no account is named.</summary>
    public static TestContainer Create() => new(Connection);

    /// <summary>Opens the container as one more process.</summary>
    public BlobStorage Open(HttpPipelinePolicy? policy = null) => new(new BlobContainerClient(_connection, _name, With(new BlobClientOptions(), policy)));

    /// <summary>Opens the ledger as one more process.</summary>
    /// <param name="tablePolicy">Sees the requests to the table.</param>
    /// <param name="blobPolicy">Sees the requests to the container.</param>
    public TableLedger OpenLedger(HttpPipelinePolicy? tablePolicy = null, HttpPipelinePolicy? blobPolicy = null) =>
        new(new TableStorage(OpenTable(tablePolicy)), Open(blobPolicy), TimeProvider.System);

    public TableClient OpenTable(HttpPipelinePolicy? policy = null) => new(_connection, _name, With(new TableClientOptions(), policy));

    public DurableTaskHost.Stores OpenStores()
    {
        var storage = Open();
        return new DurableTaskHost.Stores(new BlobPayloadStore(storage), OpenLedger(), new BlobDefinitionStore(storage), new BlobStartReservations(storage));
    }

    public async ValueTask DisposeAsync()
    {
        await new BlobContainerClient(_connection, _name).DeleteIfExistsAsync();
        await OpenTable().DeleteAsync();
    }

    private static T With<T>(T options, HttpPipelinePolicy? policy)
        where T : ClientOptions
    {
        options.Retry.Delay = TimeSpan.FromMilliseconds(10);
        if (policy is not null)
        {
            // Sees what is sent, repetitions of the client included.
            options.AddPolicy(policy, HttpPipelinePosition.PerRetry);
        }

        return options;
    }
}
