using System.Collections.Concurrent;
using DurableTask.Core;
using DurableTask.Core.History;
using Microsoft.DurableTask.Testing.Sidecar;

namespace Polyphony.Functions.Tests.Durable;

/// <summary>
/// The in-memory service as one process sees it. The test host loses what a process held when it ended; here it goes back to the queues,
/// as a storage provider gives it out again when its lease has run out, and the ended process can't write any more. Keeps histories, too.
/// </summary>
internal sealed class ProcessService(
    InMemoryOrchestrationService inner,
    ConcurrentQueue<TaskOrchestrationWorkItem> returned,
    ConcurrentDictionary<string, ProcessService.Generation> histories,
    CancellationToken stopping) : IOrchestrationService
{
    private readonly Dictionary<TaskOrchestrationWorkItem, TaskOrchestrationWorkItem> _orchestrations = [];
    private readonly HashSet<TaskActivityWorkItem> _activities = [];
    private readonly Lock _lock = new();
    private bool _ended;

    public int TaskOrchestrationDispatcherCount => inner.TaskOrchestrationDispatcherCount;

    public int MaxConcurrentTaskOrchestrationWorkItems => inner.MaxConcurrentTaskOrchestrationWorkItems;

    public BehaviorOnContinueAsNew EventBehaviourForContinueAsNew => inner.EventBehaviourForContinueAsNew;

    public int TaskActivityDispatcherCount => inner.TaskActivityDispatcherCount;

    // Tests hold more activities than the machine has cores.
    public int MaxConcurrentTaskActivityWorkItems => 16;

    public async Task EndAsync()
    {
        lock (_lock)
        {
            _ended = true;

            // Not to the service's own queue: there they would come after messages that arrived later.
            foreach (var fresh in _orchestrations.Values)
            {
                returned.Enqueue(fresh);
            }
        }

        foreach (var held in _activities)
        {
            await inner.AbandonTaskActivityWorkItemAsync(held);
        }
    }

    public async Task<TaskOrchestrationWorkItem> LockNextTaskOrchestrationWorkItemAsync(TimeSpan receiveTimeout, CancellationToken cancellationToken)
    {
        if (!returned.TryDequeue(out var item))
        {
            item = await UntilEndAsync(token => inner.LockNextTaskOrchestrationWorkItemAsync(receiveTimeout, token), cancellationToken);
        }

        lock (_lock)
        {
            if (!_ended)
            {
                _orchestrations.Add(item, Fresh(item));
                return item;
            }
        }

        returned.Enqueue(item);
        return await NeverAsync<TaskOrchestrationWorkItem>(cancellationToken);
    }

    public async Task<TaskActivityWorkItem> LockNextTaskActivityWorkItem(TimeSpan receiveTimeout, CancellationToken cancellationToken)
    {
        var item = await UntilEndAsync(token => inner.LockNextTaskActivityWorkItem(receiveTimeout, token), cancellationToken);
        lock (_lock)
        {
            if (!_ended)
            {
                _activities.Add(item);
                return item;
            }
        }

        await inner.AbandonTaskActivityWorkItemAsync(item);
        return await NeverAsync<TaskActivityWorkItem>(cancellationToken);
    }

    public Task CompleteTaskOrchestrationWorkItemAsync(
        TaskOrchestrationWorkItem workItem,
        OrchestrationRuntimeState newOrchestrationRuntimeState,
        IList<TaskMessage> outboundMessages,
        IList<TaskMessage> orchestratorMessages,
        IList<TaskMessage> timerMessages,
        TaskMessage continuedAsNewMessage,
        OrchestrationState orchestrationState)
    {
        lock (_lock)
        {
            if (_ended)
            {
                throw new OperationCanceledException("This process has ended.");
            }

            var executionId = newOrchestrationRuntimeState.OrchestrationInstance!.ExecutionId;
            var known = histories.GetValueOrDefault(workItem.InstanceId);
            histories[workItem.InstanceId] = new Generation(
                executionId, [.. known?.ExecutionId == executionId ? known.Events : [], .. newOrchestrationRuntimeState.NewEvents]);
            return inner.CompleteTaskOrchestrationWorkItemAsync(
                workItem, newOrchestrationRuntimeState, outboundMessages, orchestratorMessages, timerMessages, continuedAsNewMessage, orchestrationState);
        }
    }

    public Task AbandonTaskOrchestrationWorkItemAsync(TaskOrchestrationWorkItem workItem) => WhileHeld(_orchestrations.ContainsKey, workItem, inner.AbandonTaskOrchestrationWorkItemAsync);

    public Task ReleaseTaskOrchestrationWorkItemAsync(TaskOrchestrationWorkItem workItem) => WhileHeld(_orchestrations.Remove, workItem, inner.ReleaseTaskOrchestrationWorkItemAsync);

    public Task AbandonTaskActivityWorkItemAsync(TaskActivityWorkItem workItem) => WhileHeld(_activities.Remove, workItem, inner.AbandonTaskActivityWorkItemAsync);

    public Task CompleteTaskActivityWorkItemAsync(TaskActivityWorkItem workItem, TaskMessage responseMessage) =>
        WhileHeld(_activities.Remove, workItem, item => inner.CompleteTaskActivityWorkItemAsync(item, responseMessage));

    public Task RenewTaskOrchestrationWorkItemLockAsync(TaskOrchestrationWorkItem workItem) => inner.RenewTaskOrchestrationWorkItemLockAsync(workItem);

    public Task<TaskActivityWorkItem> RenewTaskActivityWorkItemLockAsync(TaskActivityWorkItem workItem) => inner.RenewTaskActivityWorkItemLockAsync(workItem);

    public bool IsMaxMessageCountExceeded(int currentMessageCount, OrchestrationRuntimeState runtimeState) => inner.IsMaxMessageCountExceeded(currentMessageCount, runtimeState);

    public int GetDelayInSecondsAfterOnProcessException(Exception exception) => inner.GetDelayInSecondsAfterOnProcessException(exception);

    public int GetDelayInSecondsAfterOnFetchException(Exception exception) => inner.GetDelayInSecondsAfterOnFetchException(exception);

    public Task StartAsync() => inner.StartAsync();

    public Task StopAsync() => inner.StopAsync();

    public Task StopAsync(bool isForced) => inner.StopAsync(isForced);

    public Task CreateAsync() => inner.CreateAsync();

    public Task CreateAsync(bool recreateInstanceStore) => inner.CreateAsync(recreateInstanceStore);

    public Task CreateIfNotExistsAsync() => inner.CreateIfNotExistsAsync();

    public Task DeleteAsync() => inner.DeleteAsync();

    public Task DeleteAsync(bool deleteInstanceStore) => inner.DeleteAsync(deleteInstanceStore);

    private static TaskOrchestrationWorkItem Fresh(TaskOrchestrationWorkItem item) => new()
    {
        InstanceId = item.InstanceId,
        OrchestrationRuntimeState = new OrchestrationRuntimeState([.. item.OrchestrationRuntimeState.Events]),
        NewMessages = [.. item.NewMessages],
        LockedUntilUtc = item.LockedUntilUtc,
    };

    // The dispatcher of an ended process asks again and again if it is told that there is nothing.
    private static async Task<T> NeverAsync<T>(CancellationToken cancellationToken)
    {
        await Task.Delay(Timeout.Infinite, cancellationToken);
        throw new OperationCanceledException(cancellationToken);
    }

    private async Task<T> UntilEndAsync<T>(Func<CancellationToken, Task<T>> fetch, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stopping, cancellationToken);
        try
        {
            return await fetch(either.Token);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return await NeverAsync<T>(cancellationToken);
        }
    }

    private Task WhileHeld<T>(Func<T, bool> held, T workItem, Func<T, Task> then)
    {
        lock (_lock)
        {
            return !_ended && held(workItem) ? then(workItem) : Task.CompletedTask;
        }
    }

    /// <summary>What Durable Task keeps of an instance: the history of its current generation.</summary>
    internal sealed record Generation(string ExecutionId, IReadOnlyList<HistoryEvent> Events);
}
