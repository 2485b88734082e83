using DurableTask.Core;
using DurableTask.Core.History;
using Grpc.Core;
using Microsoft.DurableTask.Testing.Sidecar.Grpc;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using P = Microsoft.DurableTask.Protobuf;

namespace Polyphony.DurableFunctions.Tests.Durable;

/// <summary>
/// The test host's endpoint with what the package leaves out: histories for clients, rewind, and the events that a generation
/// sends in the step in which it continues as new.
/// </summary>
internal sealed class TaskHubServer(
    IHostApplicationLifetime lifetime,
    ILoggerFactory loggerFactory,
    IOrchestrationService service,
    IOrchestrationServiceClient client,
    IOptions<TaskHubGrpcServerOptions> options,
    ITaskHubProcess hub) : TaskHubGrpcServer(lifetime, loggerFactory, service, client, options)
{
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
}
