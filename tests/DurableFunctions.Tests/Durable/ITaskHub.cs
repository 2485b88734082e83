using DurableTask.Core;
using DurableTask.Core.History;

namespace Polyphony.DurableFunctions.Tests.Durable;

/// <summary>Where a <see cref="DurableTaskHost"/> keeps its instances. Outlives the host's processes; goes away with the host.</summary>
internal interface ITaskHub : IAsyncDisposable
{
    /// <summary>Gets <see cref="Contract.Durable.IDurableHost.ShortWait"/> for this storage.</summary>
    TimeSpan ShortWait { get; }

    /// <summary>Gets <see cref="Contract.Durable.IDurableHost.TimersEarlyBy"/> for this storage.</summary>
    TimeSpan TimersEarlyBy { get; }

    /// <summary>Gets <see cref="Contract.Durable.IDurableHost.EventsMayRepeat"/> for this storage.</summary>
    bool EventsMayRepeat { get; }

    /// <summary>Opens it for one more process.</summary>
    /// <param name="stopping">Cancelled when the process ends.</param>
    ITaskHubProcess Open(CancellationToken stopping);
}

/// <summary>A task hub as one process has it open.</summary>
internal interface ITaskHubProcess
{
    TaskHubService Service { get; }

    /// <summary>Gets a value indicating whether the storage keeps entities.</summary>
    bool HasEntities { get; }

    IOrchestrationServiceClient Client { get; }

    /// <summary>Reads the history of an instance's current generation; <see langword="null"/> if there is no such instance.</summary>
    Task<IReadOnlyList<HistoryEvent>?> ReadHistoryAsync(string instanceId);

    /// <summary>Lets a failed instance run again from where it failed, as the storage does that.</summary>
    Task RewindAsync(string instanceId, string? reason);

    /// <summary>Called before the process's worker is stopped: from then on it gets no work and writes nothing.</summary>
    /// <param name="crash">Whether it leaves what it holds as a crash would.</param>
    Task EndAsync(bool crash);

    /// <summary>Called when the process's worker is gone: another may take over now.</summary>
    Task CloseAsync(bool crash);
}
