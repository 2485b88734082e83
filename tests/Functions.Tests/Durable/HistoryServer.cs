using System.Collections.Concurrent;
using DurableTask.Core;
using Grpc.Core;
using Microsoft.DurableTask.Protobuf;
using Microsoft.DurableTask.Testing.Sidecar.Grpc;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Polyphony.Functions.Tests.Durable;

/// <summary>The test host's endpoint, with histories for clients: the package gives them to workers only.</summary>
internal sealed class HistoryServer(
    IHostApplicationLifetime lifetime,
    ILoggerFactory loggerFactory,
    IOrchestrationService service,
    IOrchestrationServiceClient client,
    IOptions<TaskHubGrpcServerOptions> options,
    ConcurrentDictionary<string, ProcessService.Generation> histories) : TaskHubGrpcServer(lifetime, loggerFactory, service, client, options)
{
    public override async Task StreamInstanceHistory(StreamInstanceHistoryRequest request, IServerStreamWriter<HistoryChunk> responseStream, ServerCallContext context)
    {
        if (request.ForWorkItemProcessing)
        {
            await base.StreamInstanceHistory(request, responseStream, context);
        }
        else if (histories.TryGetValue(request.InstanceId, out var generation))
        {
            await responseStream.WriteAsync(new HistoryChunk { Events = { generation.Events.Select(ProtobufUtils.ToHistoryEventProto) } });
        }
    }
}
