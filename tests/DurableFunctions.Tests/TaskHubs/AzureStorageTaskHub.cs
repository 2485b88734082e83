using Azure.Core;
using Azure.Data.Tables;
using Azure.Storage.Queues;
using DurableTask.AzureStorage;
using DurableTask.Core;
using DurableTask.Core.History;
using Newtonsoft.Json.Linq;
using Polyphony.Contract.Durable;
using Polyphony.Core.Durable;
using Polyphony.DurableFunctions.Tests.Durable;
using Polyphony.DurableFunctions.Tests.Storage;

namespace Polyphony.DurableFunctions.Tests.TaskHubs;

/// <summary>
/// A task hub of its own on the storage account that the environment names, by the provider that Durable Functions uses for Azure Storage.
/// Deleted at the end. One process at a time has it open as a worker.
/// </summary>
internal sealed class AzureStorageTaskHub : ITaskHub
{
    /// <summary>So long what a crashed process had taken from the queues stays with it. Far above the time of a step or an activity of these tests: the test host renews neither.</summary>
    public static readonly TimeSpan VisibilityTimeout = TimeSpan.FromSeconds(10);

    private const int Partitions = 2;

    private static readonly Dictionary<EventType, Type> EventTypes = typeof(HistoryEvent).Assembly.GetTypes()
        .Where(type => !type.IsAbstract && type.IsSubclassOf(typeof(HistoryEvent)))
        .ToDictionary(type => ((HistoryEvent)System.Runtime.CompilerServices.RuntimeHelpers.GetUninitializedObject(type)).EventType);

    private readonly string _connection;
    private readonly RequestGate[] _gates;
    private readonly AzureStorageOrchestrationService _reader;

    public AzureStorageTaskHub(string connection, string name, params RequestGate[] gates)
    {
        _connection = connection;
        _gates = gates;
        Name = name;
        _reader = Connect();
    }

    /// <summary>Gets its name, by which another process opens it.</summary>
    public string Name { get; }

    public TimeSpan ShortWait => TimeSpan.FromSeconds(2);

    // Queues hide messages for whole seconds, and what is left of one is cut off.
    public TimeSpan TimersEarlyBy => TimeSpan.FromSeconds(1);

    public bool EventsMayRepeat => true;

    /// <summary>Names a new one, or skips the running test where no account is named. What the name stands for is made by its first use.</summary>
    public static AzureStorageTaskHub Create() => new(TestContainer.Connection, NewName());

    public static string NewName() => $"t{Guid.NewGuid():N}"[..20];

    /// <summary>Starts a host on a new task hub, with stores in memory; skips the running test if it is among <see cref="KnownDifferences"/>.</summary>
    public static Task<IDurableHost> StartAsync(DurableRegistry registry)
    {
        KnownDifferences.OnAzureStorage.Skip();
        return DurableTaskHost.StartAsync(registry, Create());
    }

    public ITaskHubProcess Open(CancellationToken stopping) => new Process(this, new StorageService(Connect(), stopping));

    /// <summary>Reads the history of an instance's current generation, also while no process has the hub open.</summary>
    public async Task<IReadOnlyList<HistoryEvent>?> ReadHistoryAsync(string instanceId)
    {
        await _reader.CreateIfNotExistsAsync();
        var events = JArray.Parse(await _reader.GetOrchestrationHistoryAsync(instanceId, null));
        return events.Count == 0 ? null : [.. events.Select(each => (HistoryEvent)each.ToObject(EventTypes[each[nameof(HistoryEvent.EventType)]!.ToObject<EventType>()])!)];
    }

    /// <summary>Whether all that was sent to orchestrations has been recorded and is gone from the queues.</summary>
    public async Task<bool> IsQuietAsync()
    {
        var waiting = 0;
        for (var i = 0; i < Partitions; i++)
        {
            waiting += (await new QueueClient(_connection, $"{Name}-control-{i:00}").GetPropertiesAsync()).Value.ApproximateMessagesCount;
        }

        return waiting == 0;
    }

    public async ValueTask DisposeAsync()
    {
        await _reader.DeleteAsync();
        _reader.Dispose();
    }

    // Each process is a worker of its own to the others. Without an app lease, a process needs to wait for its predecessor's partitions only.
    private AzureStorageOrchestrationService Connect() => new(new AzureStorageOrchestrationServiceSettings
    {
        StorageAccountClientProvider = new StorageAccountClientProvider(
            StorageServiceClientProvider.ForBlob(_connection),
            StorageServiceClientProvider.ForQueue(_connection, Gated(new QueueClientOptions())),
            StorageServiceClientProvider.ForTable(_connection, Gated(new TableClientOptions()))),
        TaskHubName = Name,
        WorkerId = $"{Guid.NewGuid():N}",
        PartitionCount = Partitions,
        ControlQueueVisibilityTimeout = VisibilityTimeout,
        WorkItemQueueVisibilityTimeout = VisibilityTimeout,
        MaxQueuePollingInterval = TimeSpan.FromMilliseconds(250),
        LeaseAcquireInterval = TimeSpan.FromSeconds(1),
        LeaseRenewInterval = TimeSpan.FromSeconds(1),
        LeaseInterval = TimeSpan.FromSeconds(5),
        PartitionTableOperationTimeout = TimeSpan.FromSeconds(10),
        UseAppLease = false,
        UseSeparateQueueForEntityWorkItems = true,
        ThrowExceptionOnInvalidDedupeStatus = true,
    });

    private T Gated<T>(T options)
        where T : ClientOptions
    {
        foreach (var gate in _gates)
        {
            options.AddPolicy(gate, HttpPipelinePosition.PerCall);
        }

        return options;
    }

    private sealed class Process(AzureStorageTaskHub hub, StorageService service) : ITaskHubProcess
    {
        public TaskHubService Service => service;

        public bool HasEntities => true;

        public IOrchestrationServiceClient Client => service.Client;

        public Task<IReadOnlyList<HistoryEvent>?> ReadHistoryAsync(string instanceId) => hub.ReadHistoryAsync(instanceId);

        public Task RewindAsync(string instanceId, string? reason) => service.RewindAsync(instanceId, reason);

        public Task EndAsync(bool crash) => service.EndAsync(crash);

        public Task CloseAsync(bool crash) => service.CloseAsync(crash);
    }
}
