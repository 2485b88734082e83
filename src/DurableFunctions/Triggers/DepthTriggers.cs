using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Polyphony.DurableFunctions.Hosting;
using Polyphony.Http.Queue;

namespace Polyphony.DurableFunctions.Triggers;

/// <summary>The HTTP function that tells what there is to do. The handler is that of the embedded host.</summary>
/// <param name="queue">The unfinished instances.</param>
public sealed class DepthTriggers(QueueHandlers queue)
{
    /// <summary>Shows how many instances are unfinished, what they wait for, and the limits.</summary>
    /// <param name="request">The request.</param>
    /// <param name="client">The client of the task hub, passed on through <see cref="DurableClientSource"/>.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-get-queue")]
    public Task<IResult> ReadAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "api/queue")] HttpRequest request,
        [DurableClient] DurableTaskClient client) => queue.ReadAsync(request.HttpContext);
}
