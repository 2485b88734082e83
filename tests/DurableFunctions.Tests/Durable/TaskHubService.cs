using System.Collections.Concurrent;
using DurableTask.Core;
using DurableTask.Core.Entities;

namespace Polyphony.DurableFunctions.Tests.Durable;

/// <summary>
/// A service of Durable Task as one process of a <see cref="DurableTaskHost"/> sees it. Adds what the test host drops on its way: the events
/// that a generation sends in the step in which it continues as new.
/// </summary>
internal abstract class TaskHubService(IOrchestrationService inner) : IOrchestrationService
{
    /// <summary>How many activities a process runs at a time: tests hold more than the machine has cores.</summary>
    public const int Activities = 16;

    private readonly ConcurrentDictionary<string, List<TaskMessage>> _sent = new(StringComparer.Ordinal);

    public int TaskOrchestrationDispatcherCount => inner.TaskOrchestrationDispatcherCount;

    public int MaxConcurrentTaskOrchestrationWorkItems => inner.MaxConcurrentTaskOrchestrationWorkItems;

    public BehaviorOnContinueAsNew EventBehaviourForContinueAsNew => inner.EventBehaviourForContinueAsNew;

    public int TaskActivityDispatcherCount => inner.TaskActivityDispatcherCount;

    public int MaxConcurrentTaskActivityWorkItems => Activities;

    /// <summary>Gets the storage of entities.</summary>
    /// <exception cref="NotSupportedException">It has none.</exception>
    public virtual IEntityOrchestrationService Entities => throw new NotSupportedException("This storage has no entities.");

    /// <summary>Takes an event along with the step that an instance is in.</summary>
    public void Send(string from, TaskMessage message) => _sent.GetOrAdd(from, _ => []).Add(message);

    public abstract Task<TaskOrchestrationWorkItem> LockNextTaskOrchestrationWorkItemAsync(TimeSpan receiveTimeout, CancellationToken cancellationToken);

    /// <summary>As <see cref="LockNextTaskOrchestrationWorkItemAsync"/>, for an entity.</summary>
    public virtual Task<TaskOrchestrationWorkItem> LockNextEntityWorkItemAsync(TimeSpan receiveTimeout, CancellationToken cancellationToken) => NeverAsync<TaskOrchestrationWorkItem>(cancellationToken);

    public abstract Task<TaskActivityWorkItem> LockNextTaskActivityWorkItem(TimeSpan receiveTimeout, CancellationToken cancellationToken);

    public abstract Task CompleteTaskOrchestrationWorkItemAsync(
        TaskOrchestrationWorkItem workItem,
        OrchestrationRuntimeState newOrchestrationRuntimeState,
        IList<TaskMessage> outboundMessages,
        IList<TaskMessage> orchestratorMessages,
        IList<TaskMessage> timerMessages,
        TaskMessage continuedAsNewMessage,
        OrchestrationState orchestrationState);

    public abstract Task AbandonTaskOrchestrationWorkItemAsync(TaskOrchestrationWorkItem workItem);

    public abstract Task ReleaseTaskOrchestrationWorkItemAsync(TaskOrchestrationWorkItem workItem);

    public abstract Task AbandonTaskActivityWorkItemAsync(TaskActivityWorkItem workItem);

    public abstract Task CompleteTaskActivityWorkItemAsync(TaskActivityWorkItem workItem, TaskMessage responseMessage);

    public Task RenewTaskOrchestrationWorkItemLockAsync(TaskOrchestrationWorkItem workItem) => inner.RenewTaskOrchestrationWorkItemLockAsync(workItem);

    public Task<TaskActivityWorkItem> RenewTaskActivityWorkItemLockAsync(TaskActivityWorkItem workItem) => inner.RenewTaskActivityWorkItemLockAsync(workItem);

    public bool IsMaxMessageCountExceeded(int currentMessageCount, OrchestrationRuntimeState runtimeState) => inner.IsMaxMessageCountExceeded(currentMessageCount, runtimeState);

    public int GetDelayInSecondsAfterOnProcessException(Exception exception) => inner.GetDelayInSecondsAfterOnProcessException(exception);

    public int GetDelayInSecondsAfterOnFetchException(Exception exception) => inner.GetDelayInSecondsAfterOnFetchException(exception);

    public virtual Task StartAsync() => inner.StartAsync();

    public virtual Task StopAsync() => inner.StopAsync();

    public virtual Task StopAsync(bool isForced) => inner.StopAsync(isForced);

    public Task CreateAsync() => inner.CreateAsync();

    public Task CreateAsync(bool recreateInstanceStore) => inner.CreateAsync(recreateInstanceStore);

    public Task CreateIfNotExistsAsync() => inner.CreateIfNotExistsAsync();

    public Task DeleteAsync() => inner.DeleteAsync();

    public Task DeleteAsync(bool deleteInstanceStore) => inner.DeleteAsync(deleteInstanceStore);

    /// <summary>Forgets the events of a step that was not completed.</summary>
    protected void BeginStep(TaskOrchestrationWorkItem workItem) => _sent.TryRemove(workItem.InstanceId, out _);

    /// <summary>Adds the events of a step to what else it sends to orchestrations.</summary>
    protected IList<TaskMessage> EndStep(TaskOrchestrationWorkItem workItem, IList<TaskMessage> messages) =>
        _sent.TryRemove(workItem.InstanceId, out var sent) ? [.. sent, .. messages] : messages;

    // The dispatcher of an ended process asks again and again if it is told that there is nothing.
    protected static async Task<T> NeverAsync<T>(CancellationToken cancellationToken)
    {
        await Task.Delay(Timeout.Infinite, cancellationToken);
        throw new OperationCanceledException(cancellationToken);
    }

    /// <summary>Fetches work until the process ends, and from then on nothing.</summary>
    protected static async Task<T> UntilEndAsync<T>(Func<CancellationToken, Task<T>> fetch, CancellationToken stopping, CancellationToken cancellationToken)
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
}
