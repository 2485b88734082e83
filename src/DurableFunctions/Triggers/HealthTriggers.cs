using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Polyphony.Http.Health;

namespace Polyphony.DurableFunctions.Triggers;

/// <summary>The HTTP functions of the health checks. They need no key.</summary>
/// <param name="health">The checks.</param>
public sealed class HealthTriggers(HealthHandlers health)
{
    /// <summary>Determines whether the process answers.</summary>
    /// <param name="request">The request.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-live")]
    public IResult Live(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "healthz/live")] HttpRequest request) => HealthHandlers.Live();

    /// <summary>Determines whether the app can serve.</summary>
    /// <param name="request">The request.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-ready")]
    public IResult Ready(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "healthz/ready")] HttpRequest request) => health.Ready(request.HttpContext);
}
