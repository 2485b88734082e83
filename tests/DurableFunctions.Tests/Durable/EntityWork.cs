using System.Collections.Concurrent;
using DurableTask.Core;
using DurableTask.Core.Entities;
using DurableTask.Core.Entities.OperationFormat;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using P = Microsoft.DurableTask.Protobuf;

namespace Polyphony.DurableFunctions.Tests.Durable;

/// <summary>
/// The entities of a process, which the test host leaves out: Durable Task's own dispatcher takes their work from the storage, as it does in the Functions host, and the operations run in the worker.
/// </summary>
internal sealed class EntityWork(ITaskHubProcess hub, IServerStreamWriter<P.WorkItem> worker) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource<P.EntityBatchResult>> _running = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _ended = new();
    private TaskHubWorker? _dispatcher;

    public async Task StartAsync()
    {
        _dispatcher = new TaskHubWorker(new EntitiesOnly(hub.Service), NullLoggerFactory.Instance);
        _dispatcher.AddEntityDispatcherMiddleware(async (context, next) =>
        {
            context.SetProperty(await RunAsync(context.GetProperty<EntityBatchRequest>()));
            await next();
        });
        await _dispatcher.StartAsync();
    }

    /// <summary>Takes what the worker answers.</summary>
    public void Complete(P.EntityBatchResult result)
    {
        if (_running.TryRemove(result.CompletionToken, out var running))
        {
            running.TrySetResult(result);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        if (_dispatcher is not null)
        {
            await _dispatcher.StopAsync(isForced: true);
            _dispatcher.Dispose();
        }

        _ended.Dispose();
    }

    private async Task<EntityBatchResult> RunAsync(EntityBatchRequest batch)
    {
        var token = $"{Guid.NewGuid():N}";
        var running = _running[token] = new TaskCompletionSource<P.EntityBatchResult>(TaskCreationOptions.RunContinuationsAsynchronously);

        // The form with a token. Who called is the dispatcher's business: to the worker all are signals.
        var request = new P.EntityRequest { InstanceId = batch.InstanceId, EntityState = batch.EntityState };
        request.OperationRequests.AddRange(batch.Operations!.Select(each => new P.HistoryEvent
        {
            EntityOperationSignaled = new P.EntityOperationSignaledEvent { RequestId = each.Id.ToString(), Operation = each.Operation, Input = each.Input },
        }));
        await worker.WriteAsync(new P.WorkItem { EntityRequestV2 = request, CompletionToken = token });
        var result = await running.Task.WaitAsync(_ended.Token);
        return new EntityBatchResult
        {
            EntityState = result.EntityState,
            Results = [.. result.Results.Select(ToCore)],
            Actions = [.. result.Actions.Select(ToCore)],
            FailureDetails = ToCore(result.FailureDetails),
        };
    }

    private static OperationResult ToCore(P.OperationResult result) => result.Failure is { } failure
        ? new OperationResult { FailureDetails = ToCore(failure.FailureDetails) }
        : new OperationResult { Result = result.Success.Result };

    private static OperationAction ToCore(P.OperationAction action) => action.OperationActionTypeCase == P.OperationAction.OperationActionTypeOneofCase.SendSignal
        ? new SendSignalOperationAction
        {
            InstanceId = action.SendSignal.InstanceId,
            Name = action.SendSignal.Name,
            Input = action.SendSignal.Input,
            ScheduledTime = action.SendSignal.ScheduledTime?.ToDateTime(),
        }
        : new StartNewOrchestrationOperationAction
        {
            InstanceId = action.StartNewOrchestration.InstanceId,
            Name = action.StartNewOrchestration.Name,
            Version = action.StartNewOrchestration.Version,
            Input = action.StartNewOrchestration.Input,
            ScheduledStartTime = action.StartNewOrchestration.ScheduledTime?.ToDateTime(),
        };

    private static FailureDetails? ToCore(P.TaskFailureDetails? details) => details is null
        ? null
        : new FailureDetails(details.ErrorType, details.ErrorMessage, details.StackTrace, ToCore(details.InnerFailure), details.IsNonRetriable);

    /// <summary>The storage as the dispatcher of entities sees it: orchestrations and activities are left to the test host.</summary>
    private sealed class EntitiesOnly(TaskHubService service) : TaskHubService(service), IEntityOrchestrationService
    {
        public EntityBackendProperties? EntityBackendProperties => service.Entities.EntityBackendProperties;

        public EntityBackendQueries? EntityBackendQueries => service.Entities.EntityBackendQueries;

        public override IEntityOrchestrationService Entities => this;

        public override Task<TaskOrchestrationWorkItem> LockNextEntityWorkItemAsync(TimeSpan receiveTimeout, CancellationToken cancellationToken) =>
            service.LockNextEntityWorkItemAsync(receiveTimeout, cancellationToken);

        public Task<TaskOrchestrationWorkItem> LockNextOrchestrationWorkItemAsync(TimeSpan receiveTimeout, CancellationToken cancellationToken) =>
            NeverAsync<TaskOrchestrationWorkItem>(cancellationToken);

        public override Task<TaskOrchestrationWorkItem> LockNextTaskOrchestrationWorkItemAsync(TimeSpan receiveTimeout, CancellationToken cancellationToken) =>
            NeverAsync<TaskOrchestrationWorkItem>(cancellationToken);

        public override Task<TaskActivityWorkItem> LockNextTaskActivityWorkItem(TimeSpan receiveTimeout, CancellationToken cancellationToken) => NeverAsync<TaskActivityWorkItem>(cancellationToken);

        public override Task CompleteTaskOrchestrationWorkItemAsync(
            TaskOrchestrationWorkItem workItem,
            OrchestrationRuntimeState newOrchestrationRuntimeState,
            IList<TaskMessage> outboundMessages,
            IList<TaskMessage> orchestratorMessages,
            IList<TaskMessage> timerMessages,
            TaskMessage continuedAsNewMessage,
            OrchestrationState orchestrationState) => service.CompleteTaskOrchestrationWorkItemAsync(
                workItem, newOrchestrationRuntimeState, outboundMessages, orchestratorMessages, timerMessages, continuedAsNewMessage, orchestrationState);

        public override Task AbandonTaskOrchestrationWorkItemAsync(TaskOrchestrationWorkItem workItem) => service.AbandonTaskOrchestrationWorkItemAsync(workItem);

        public override Task ReleaseTaskOrchestrationWorkItemAsync(TaskOrchestrationWorkItem workItem) => service.ReleaseTaskOrchestrationWorkItemAsync(workItem);

        public override Task AbandonTaskActivityWorkItemAsync(TaskActivityWorkItem workItem) => service.AbandonTaskActivityWorkItemAsync(workItem);

        public override Task CompleteTaskActivityWorkItemAsync(TaskActivityWorkItem workItem, TaskMessage responseMessage) => service.CompleteTaskActivityWorkItemAsync(workItem, responseMessage);
    }
}
