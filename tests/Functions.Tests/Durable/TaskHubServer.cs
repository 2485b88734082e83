using DurableTask.Core;
using Grpc.Core;
using Microsoft.DurableTask.Protobuf;
using Microsoft.DurableTask.Testing.Sidecar.Grpc;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Polyphony.Functions.Tests.Durable;

/// <summary>
/// The test host's endpoint, with histories for clients, which the package gives to workers only, and with events sent by a generation that
/// continues as new, which the package drops where Durable Task's own dispatcher sends them.
/// </summary>
internal sealed class TaskHubServer(
    IHostApplicationLifetime lifetime,
    ILoggerFactory loggerFactory,
    IOrchestrationService service,
    IOrchestrationServiceClient client,
    IOptions<TaskHubGrpcServerOptions> options,
    ITaskHubProcess hub) : TaskHubGrpcServer(lifetime, loggerFactory, service, client, options)
{
    public override Task<CompleteTaskResponse> CompleteOrchestratorTask(OrchestratorResponse request, ServerCallContext context)
    {
        if (request.Actions.Any(action => action.CompleteOrchestration?.OrchestrationStatus == Microsoft.DurableTask.Protobuf.OrchestrationStatus.ContinuedAsNew))
        {
            foreach (var sent in request.Actions.Select(action => action.SendEvent).OfType<SendEventAction>())
            {
                hub.Service.Send(request.InstanceId, new TaskMessage
                {
                    Event = new DurableTask.Core.History.EventRaisedEvent(-1, sent.Data) { Name = sent.Name },
                    OrchestrationInstance = new DurableTask.Core.OrchestrationInstance { InstanceId = sent.Instance.InstanceId },
                });
            }
        }

        return base.CompleteOrchestratorTask(request, context);
    }

    public override async Task StreamInstanceHistory(StreamInstanceHistoryRequest request, IServerStreamWriter<HistoryChunk> responseStream, ServerCallContext context)
    {
        if (request.ForWorkItemProcessing)
        {
            await base.StreamInstanceHistory(request, responseStream, context);
        }
        else if (await hub.ReadHistoryAsync(request.InstanceId) is { } history)
        {
            await responseStream.WriteAsync(new HistoryChunk { Events = { history.Select(ProtobufUtils.ToHistoryEventProto) } });
        }
    }
}
