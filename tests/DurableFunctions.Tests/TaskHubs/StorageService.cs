using DurableTask.AzureStorage;
using DurableTask.Core;
using DurableTask.Core.Entities;
using DurableTask.Core.History;
using Polyphony.DurableFunctions.Tests.Durable;

namespace Polyphony.DurableFunctions.Tests.TaskHubs;

/// <summary>
/// Azure Storage as one process sees it. Gives the provider what Durable Task's own dispatchers would give it where the test host's give something
/// else, and ends as a process ends: orderly, or so that what it had taken from the queues comes back when its time is up.
/// </summary>
/// <remarks>A crash gives up the partitions at once, which a killed process does not: see <see cref="TakeoverTests"/> for that.</remarks>
internal sealed class StorageService(AzureStorageOrchestrationService inner, CancellationToken stopping) : TaskHubService(inner)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly Dictionary<TaskOrchestrationWorkItem, OrchestrationRuntimeState> _orchestrations = [];
    private readonly HashSet<TaskActivityWorkItem> _activities = [];
    private readonly Lock _lock = new();
    private Task? _started;
    private int _writing;
    private bool _closing;
    private bool _ended;

    public IOrchestrationServiceClient Client => inner;

    public override IEntityOrchestrationService Entities => inner;

    public Task RewindAsync(string instanceId, string? reason) => inner.RewindTaskOrchestrationAsync(instanceId, reason);

    /// <summary>Takes no more work; writes no more once this completes.</summary>
    public async Task EndAsync(bool crash)
    {
        lock (_lock)
        {
            (_closing, _ended) = (true, crash);
        }

        await UntilAsync(() => _writing == 0 && (crash || _orchestrations.Count == 0));
        lock (_lock)
        {
            _ended = true;
        }

        foreach (var held in crash ? [] : _activities)
        {
            await inner.AbandonTaskActivityWorkItemAsync(held);
        }
    }

    /// <summary>Gives up its partitions.</summary>
    public async Task CloseAsync(bool crash)
    {
        if (_started is not null)
        {
            await _started;
            await inner.StopAsync(isForced: crash);
        }

        inner.Dispose();
    }

    public override Task<TaskOrchestrationWorkItem> LockNextTaskOrchestrationWorkItemAsync(TimeSpan receiveTimeout, CancellationToken cancellationToken) =>
        LockNextAsync(token => Entities.LockNextOrchestrationWorkItemAsync(receiveTimeout, token), cancellationToken);

    public override Task<TaskOrchestrationWorkItem> LockNextEntityWorkItemAsync(TimeSpan receiveTimeout, CancellationToken cancellationToken) =>
        LockNextAsync(token => Entities.LockNextEntityWorkItemAsync(receiveTimeout, token), cancellationToken);

    public override async Task<TaskActivityWorkItem> LockNextTaskActivityWorkItem(TimeSpan receiveTimeout, CancellationToken cancellationToken)
    {
        var item = await UntilEndAsync(token => inner.LockNextTaskActivityWorkItem(receiveTimeout, token), stopping, cancellationToken);
        if (item is null || TryHold(() => _activities.Add(item)))
        {
            return item!;
        }

        if (!_ended)
        {
            await inner.AbandonTaskActivityWorkItemAsync(item);
        }

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
        // By the difference of the two the provider knows that the instance has continued as new.
        OrchestrationRuntimeState before;
        lock (_lock)
        {
            before = _orchestrations[workItem];
        }

        var after = newOrchestrationRuntimeState;
        if (after.NewEvents.Any(each => !ReferenceEquals(Plain(each, orchestrationState), each)))
        {
            after = new OrchestrationRuntimeState([.. after.PastEvents]) { Status = after.Status };
            foreach (var each in newOrchestrationRuntimeState.NewEvents)
            {
                after.AddEvent(Plain(each, orchestrationState));
            }

            before = ReferenceEquals(before, newOrchestrationRuntimeState) ? after : before;
        }

        // Nobody waits for what an entity has started; the test host tells it all the same.
        var messages = EndStep(workItem, [.. orchestratorMessages.Where(message => message.OrchestrationInstance.InstanceId[0] != '@' || message.Event is EventRaisedEvent)]);
        foreach (var started in orchestratorMessages.Select(message => message.Event).OfType<ExecutionStartedEvent>().Where(started => started.Tags is not null))
        {
            // A type of Protobuf's would be stored as one.
            started.Tags = new Dictionary<string, string>(started.Tags, StringComparer.Ordinal);
        }

        workItem.OrchestrationRuntimeState = before;
        return WriteAsync(
            () => inner.CompleteTaskOrchestrationWorkItemAsync(workItem, after, outboundMessages, messages, timerMessages, continuedAsNewMessage, orchestrationState),
            orElse: () => throw new OperationCanceledException("This process has ended."));
    }

    public override Task AbandonTaskOrchestrationWorkItemAsync(TaskOrchestrationWorkItem workItem) => WriteAsync(() => inner.AbandonTaskOrchestrationWorkItemAsync(workItem));

    public override async Task ReleaseTaskOrchestrationWorkItemAsync(TaskOrchestrationWorkItem workItem)
    {
        await WriteAsync(() => inner.ReleaseTaskOrchestrationWorkItemAsync(workItem));
        lock (_lock)
        {
            _orchestrations.Remove(workItem);
        }
    }

    public override Task AbandonTaskActivityWorkItemAsync(TaskActivityWorkItem workItem) => WriteAsync(() => inner.AbandonTaskActivityWorkItemAsync(workItem), workItem);

    public override Task CompleteTaskActivityWorkItemAsync(TaskActivityWorkItem workItem, TaskMessage responseMessage) =>
        WriteAsync(() => inner.CompleteTaskActivityWorkItemAsync(workItem, responseMessage), workItem);

    public override Task StartAsync()
    {
        lock (_lock)
        {
            return _closing ? Task.CompletedTask : _started ??= inner.StartAsync();
        }
    }

    // The test host asks for it when its last work is done; by then another process may be at work.
    public override Task StopAsync() => Task.CompletedTask;

    public override Task StopAsync(bool isForced) => Task.CompletedTask;

    // The provider finds out by an event's exact type how to store it, and keeps of a failed instance what its last event says.
    private static HistoryEvent Plain(HistoryEvent each, OrchestrationState state) => each switch
    {
        SubOrchestrationInstanceCreatedEvent created when created.GetType() != typeof(SubOrchestrationInstanceCreatedEvent) => new SubOrchestrationInstanceCreatedEvent(created.EventId)
        {
            Name = created.Name,
            Version = created.Version,
            InstanceId = created.InstanceId,
            Input = created.Input,
            Timestamp = created.Timestamp,
        },
        ExecutionCompletedEvent { OrchestrationStatus: OrchestrationStatus.Failed, FailureDetails: null } failed when state.FailureDetails is { } details =>
            new ExecutionCompletedEvent(failed.EventId, failed.Result, failed.OrchestrationStatus, details) { Timestamp = failed.Timestamp },
        _ => each,
    };

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (!condition())
        {
            await Task.Delay(10, limit.Token);
        }
    }

    private async Task<TaskOrchestrationWorkItem> LockNextAsync(Func<CancellationToken, Task<TaskOrchestrationWorkItem>> fetch, CancellationToken cancellationToken)
    {
        var item = await UntilEndAsync(fetch, stopping, cancellationToken);
        if (item is not null)
        {
            BeginStep(item);
        }

        if (item is null || TryHold(() => _orchestrations.Add(item, item.OrchestrationRuntimeState)))
        {
            return item!;
        }

        if (!_ended)
        {
            await inner.AbandonTaskOrchestrationWorkItemAsync(item);
            await inner.ReleaseTaskOrchestrationWorkItemAsync(item);
        }

        return await NeverAsync<TaskOrchestrationWorkItem>(cancellationToken);
    }

    private bool TryHold(Action hold)
    {
        lock (_lock)
        {
            if (!_closing)
            {
                hold();
            }

            return !_closing;
        }
    }

    private async Task WriteAsync(Func<Task> write, TaskActivityWorkItem? ended = null, Action? orElse = null)
    {
        lock (_lock)
        {
            if (!_ended)
            {
                _writing++;
            }
            else
            {
                orElse?.Invoke();
                return;
            }
        }

        try
        {
            await write();
        }
        finally
        {
            lock (_lock)
            {
                _writing--;
                if (ended is not null)
                {
                    _activities.Remove(ended);
                }
            }
        }
    }
}
