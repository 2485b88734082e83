using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Polyphony.Http.Health;

namespace Polyphony.DurableFunctions.Triggers;

/// <summary>The HTTP functions that tell whether the app lives. Anybody may ask.</summary>
/// <param name="health">Knows whether the app can serve.</param>
public sealed class HealthTriggers(HealthHandlers health)
{
    /// <summary>Tells whether the process answers.</summary>
    /// <param name="request">The request.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-live")]
    public IResult Live(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "healthz/live")] HttpRequest request) => HealthHandlers.Live();

    /// <summary>Tells whether the app can serve.</summary>
    /// <param name="request">The request.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-ready")]
    public IResult Ready(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "healthz/ready")] HttpRequest request) => health.Ready(request.HttpContext);
}
