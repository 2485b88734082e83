using System.Collections.Concurrent;
using DurableTask.Core;
using DurableTask.Core.History;
using Grpc.Core;
using Microsoft.DurableTask.Testing.Sidecar;
using Polyphony.Contract.Durable;
using Polyphony.Core.Durable;

namespace Polyphony.DurableFunctions.Tests.Durable;

/// <summary>The official in-process test host's service, in memory.</summary>
internal sealed class InMemoryTaskHub : ITaskHub
{
    private readonly InMemoryOrchestrationService _store = new();
    private readonly ConcurrentQueue<TaskOrchestrationWorkItem> _returned = new();
    private readonly ConcurrentDictionary<string, ProcessService.Generation> _histories = new(StringComparer.Ordinal);

    public TimeSpan ShortWait => TimeSpan.FromMilliseconds(400);

    public TimeSpan TimersEarlyBy => TimeSpan.Zero;

    public bool EventsMayRepeat => false;

    /// <summary>Starts a host on a new task hub, with stores in memory; skips the running test if it is among <see cref="KnownDifferences"/>.</summary>
    public static Task<IDurableHost> StartAsync(DurableRegistry registry)
    {
        KnownDifferences.InMemory.Skip();
        return DurableTaskHost.StartAsync(registry, new InMemoryTaskHub());
    }

    public ITaskHubProcess Open(CancellationToken stopping) => new Process(this, new ProcessService(_store, _returned, _histories, stopping));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private sealed class Process(InMemoryTaskHub hub, ProcessService service) : ITaskHubProcess
    {
        public TaskHubService Service => service;

        public bool HasEntities => false;

        public IOrchestrationServiceClient Client => hub._store;

        public Task<IReadOnlyList<HistoryEvent>?> ReadHistoryAsync(string instanceId) => Task.FromResult(hub._histories.GetValueOrDefault(instanceId)?.Events);

        public Task RewindAsync(string instanceId, string? reason) => throw new RpcException(new Status(StatusCode.Unimplemented, "The in-memory storage can't rewind."));

        public Task EndAsync(bool crash) => service.EndAsync();

        public Task CloseAsync(bool crash) => Task.CompletedTask;
    }
}
