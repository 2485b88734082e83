using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Polyphony.DurableFunctions.Hosting;
using Polyphony.Http.Ledger;

namespace Polyphony.DurableFunctions.Triggers;

/// <summary>The HTTP functions that tell what model calls have used and cost. The handlers are those of the embedded host.</summary>
/// <param name="usage">The ledger.</param>
public sealed class UsageTriggers(UsageHandlers usage)
{
    /// <summary>Shows what model calls have used and cost.</summary>
    /// <param name="request">The request.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-get-usage")]
    public Task<IResult> ReadAsync([HttpTrigger(AuthorizationLevel.Function, "get", Route = "api/usage")] HttpRequest request) => usage.ReadAsync(request.HttpContext);

    /// <summary>Lists model calls that were begun and never settled.</summary>
    /// <param name="request">The request.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-list-unsettled-calls")]
    public Task<IResult> UnsettledAsync([HttpTrigger(AuthorizationLevel.Function, "get", Route = "api/usage/unsettled")] HttpRequest request) => usage.UnsettledAsync(request.HttpContext);

    /// <summary>Lists the calls that an instance is charged with.</summary>
    /// <param name="request">The request.</param>
    /// <param name="client">The client of the task hub, passed on through <see cref="DurableClientSource"/>.</param>
    /// <param name="id">The instance's id.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-list-calls")]
    public Task<IResult> CallsAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "api/instances/{id}/calls")] HttpRequest request,
        [DurableClient] DurableTaskClient client, string id) => usage.CallsAsync(request.HttpContext, id);
}
