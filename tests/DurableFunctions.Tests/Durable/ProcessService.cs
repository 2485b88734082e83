using System.Collections.Concurrent;
using DurableTask.Core;
using DurableTask.Core.History;
using Microsoft.DurableTask.Testing.Sidecar;

namespace Polyphony.DurableFunctions.Tests.Durable;

/// <summary>
/// The in-memory service as one process sees it. The test host loses what a process held when it ended; here it goes back to the queues,
/// as a storage provider gives it out again when its lease has run out, and the ended process can't write any more. Keeps histories, too.
/// </summary>
internal sealed class ProcessService(
    InMemoryOrchestrationService inner,
    ConcurrentQueue<TaskOrchestrationWorkItem> returned,
    ConcurrentDictionary<string, ProcessService.Generation> histories,
    CancellationToken stopping) : TaskHubService(inner)
{
    private readonly Dictionary<TaskOrchestrationWorkItem, TaskOrchestrationWorkItem> _orchestrations = [];
    private readonly HashSet<TaskActivityWorkItem> _activities = [];
    private readonly Lock _lock = new();
    private bool _ended;

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

    public override async Task<TaskOrchestrationWorkItem> LockNextTaskOrchestrationWorkItemAsync(TimeSpan receiveTimeout, CancellationToken cancellationToken)
    {
        if (!returned.TryDequeue(out var item))
        {
            item = await UntilEndAsync(token => inner.LockNextTaskOrchestrationWorkItemAsync(receiveTimeout, token), stopping, cancellationToken);
        }

        lock (_lock)
        {
            if (!_ended)
            {
                BeginStep(item);
                _orchestrations.Add(item, Fresh(item));
                return item;
            }
        }

        returned.Enqueue(item);
        return await NeverAsync<TaskOrchestrationWorkItem>(cancellationToken);
    }

    public override async Task<TaskActivityWorkItem> LockNextTaskActivityWorkItem(TimeSpan receiveTimeout, CancellationToken cancellationToken)
    {
        var item = await UntilEndAsync(token => inner.LockNextTaskActivityWorkItem(receiveTimeout, token), stopping, cancellationToken);
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

    public override Task CompleteTaskOrchestrationWorkItemAsync(
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
                workItem, newOrchestrationRuntimeState, outboundMessages, EndStep(workItem, orchestratorMessages), timerMessages, continuedAsNewMessage, orchestrationState);
        }
    }

    public override Task AbandonTaskOrchestrationWorkItemAsync(TaskOrchestrationWorkItem workItem) => WhileHeld(_orchestrations.ContainsKey, workItem, inner.AbandonTaskOrchestrationWorkItemAsync);

    public override Task ReleaseTaskOrchestrationWorkItemAsync(TaskOrchestrationWorkItem workItem) => WhileHeld(_orchestrations.Remove, workItem, inner.ReleaseTaskOrchestrationWorkItemAsync);

    public override Task AbandonTaskActivityWorkItemAsync(TaskActivityWorkItem workItem) => WhileHeld(_activities.Remove, workItem, inner.AbandonTaskActivityWorkItemAsync);

    public override Task CompleteTaskActivityWorkItemAsync(TaskActivityWorkItem workItem, TaskMessage responseMessage) =>
        WhileHeld(_activities.Remove, workItem, item => inner.CompleteTaskActivityWorkItemAsync(item, responseMessage));

    private static TaskOrchestrationWorkItem Fresh(TaskOrchestrationWorkItem item) => new()
    {
        InstanceId = item.InstanceId,
        OrchestrationRuntimeState = new OrchestrationRuntimeState([.. item.OrchestrationRuntimeState.Events]),
        NewMessages = [.. item.NewMessages],
        LockedUntilUtc = item.LockedUntilUtc,
    };

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
