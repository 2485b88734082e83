using DurableTask.Core;
using DurableTask.Core.Entities;
using DurableTask.Core.History;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.DurableTask.Testing.Sidecar.Grpc;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using P = Microsoft.DurableTask.Protobuf;

namespace Polyphony.DurableFunctions.Tests.Durable;

/// <summary>
/// The test host's endpoint with what the package leaves out: histories for clients, rewind, entities, and the events that a
/// generation sends in the step in which it continues as new.
/// </summary>
internal sealed class TaskHubServer(
    IHostApplicationLifetime lifetime,
    ILoggerFactory loggerFactory,
    IOrchestrationService service,
    IOrchestrationServiceClient client,
    IOptions<TaskHubGrpcServerOptions> options,
    ITaskHubProcess hub) : TaskHubGrpcServer(lifetime, loggerFactory, service, client, options)
{
    private EntityWork? _entities;

    public override async Task GetWorkItems(P.GetWorkItemsRequest request, IServerStreamWriter<P.WorkItem> responseStream, ServerCallContext context)
    {
        if (!hub.HasEntities)
        {
            await base.GetWorkItems(request, responseStream, context);
            return;
        }

        using var worker = new WorkerStream(responseStream, hub.Service.Entities.EntityBackendProperties!.EntityMessageReorderWindow);
        await using var entities = _entities = new EntityWork(hub, worker);
        await entities.StartAsync();
        await base.GetWorkItems(request, worker, context);
    }

    public override Task<P.CompleteTaskResponse> CompleteEntityTask(P.EntityBatchResult request, ServerCallContext context)
    {
        _entities?.Complete(request);
        return Task.FromResult(new P.CompleteTaskResponse());
    }

    public override async Task<P.SignalEntityResponse> SignalEntity(P.SignalEntityRequest request, ServerCallContext context)
    {
        CheckEntities();
        var time = request.ScheduledTime?.ToDateTime();
        var signal = ClientEntityHelpers.EmitOperationSignal(
            new OrchestrationInstance { InstanceId = request.InstanceId },
            Guid.Parse(request.RequestId),
            request.Name,
            request.Input,
            time is { } at ? (at, hub.Service.Entities.EntityBackendProperties!.GetCappedScheduledTime(DateTime.UtcNow, at)) : null);
        await hub.Client.SendTaskOrchestrationMessageAsync(signal.AsTaskMessage());
        return new P.SignalEntityResponse();
    }

    public override async Task<P.GetEntityResponse> GetEntity(P.GetEntityRequest request, ServerCallContext context)
    {
        CheckEntities();
        var found = await hub.Service.Entities.EntityBackendQueries!.GetEntityAsync(EntityId.FromString(request.InstanceId), request.IncludeState, includeStateless: false, context.CancellationToken);
        return found is not { } entity
            ? new P.GetEntityResponse()
            : new P.GetEntityResponse
            {
                Exists = true,
                Entity = new P.EntityMetadata
                {
                    InstanceId = request.InstanceId,
                    LastModifiedTime = DateTime.SpecifyKind(entity.LastModifiedTime, DateTimeKind.Utc).ToTimestamp(),
                    SerializedState = entity.SerializedState,
                },
            };
    }

    public override async Task<P.RewindInstanceResponse> RewindInstance(P.RewindInstanceRequest request, ServerCallContext context)
    {
        await hub.RewindAsync(request.InstanceId, request.Reason);
        return new P.RewindInstanceResponse();
    }

    public override Task<P.CompleteTaskResponse> CompleteOrchestratorTask(P.OrchestratorResponse request, ServerCallContext context)
    {
        if (request.Actions.Any(action => action.CompleteOrchestration?.OrchestrationStatus == P.OrchestrationStatus.ContinuedAsNew))
        {
            foreach (var sent in request.Actions.Select(action => action.SendEvent).OfType<P.SendEventAction>())
            {
                hub.Service.Send(request.InstanceId, new TaskMessage
                {
                    Event = new EventRaisedEvent(-1, sent.Data) { Name = sent.Name },
                    OrchestrationInstance = new OrchestrationInstance { InstanceId = sent.Instance.InstanceId },
                });
            }
        }

        return base.CompleteOrchestratorTask(request, context);
    }

    public override async Task StreamInstanceHistory(P.StreamInstanceHistoryRequest request, IServerStreamWriter<P.HistoryChunk> responseStream, ServerCallContext context)
    {
        if (request.ForWorkItemProcessing)
        {
            await base.StreamInstanceHistory(request, responseStream, context);
        }
        else if (await hub.ReadHistoryAsync(request.InstanceId) is { } history)
        {
            await responseStream.WriteAsync(new P.HistoryChunk { Events = { history.Select(ProtobufUtils.ToHistoryEventProto) } });
        }
    }

    private void CheckEntities()
    {
        if (!hub.HasEntities)
        {
            throw new RpcException(new Status(StatusCode.Unimplemented, "This storage has no entities."));
        }
    }

    /// <summary>What the worker is sent, one item after another; it learns with each orchestration that there are entities.</summary>
    private sealed class WorkerStream(IServerStreamWriter<P.WorkItem> stream, TimeSpan reorderWindow) : IServerStreamWriter<P.WorkItem>, IDisposable
    {
        private readonly SemaphoreSlim _turn = new(1);

        public WriteOptions? WriteOptions
        {
            get => stream.WriteOptions;
            set => stream.WriteOptions = value;
        }

        public async Task WriteAsync(P.WorkItem message)
        {
            if (message.OrchestratorRequest is { } orchestrator)
            {
                orchestrator.EntityParameters = new P.OrchestratorEntityParameters { EntityMessageReorderWindow = Duration.FromTimeSpan(reorderWindow) };
            }

            await _turn.WaitAsync();
            try
            {
                await stream.WriteAsync(message);
            }
            finally
            {
                _turn.Release();
            }
        }

        public void Dispose() => _turn.Dispose();
    }
}
