using Microsoft.AspNetCore.Http;
using Polyphony.Http.Problems;
using Polyphony.Http.Serialization;

namespace Polyphony.Http.Health;

/// <summary>The answer of a health check.</summary>
/// <param name="Status"><c>live</c> or <c>ready</c>.</param>
internal sealed record HealthStatus(string Status);

/// <summary>Determines whether the host lives and whether it can serve. Thread-safe.</summary>
/// <param name="options">The settings.</param>
public sealed class HealthHandlers(PolyphonyHttpOptions options)
{
    /// <summary>GET /healthz/live.</summary>
    /// <returns>200 as long as the process answers.</returns>
    public static IResult Live() => TypedResults.Json(new HealthStatus("live"), HttpJsonContext.Default.HealthStatus);

    /// <summary>GET /healthz/ready.</summary>
    /// <param name="context">The request.</param>
    /// <returns>200, or 503 with the reason.</returns>
    public IResult Ready(HttpContext context) => options.NotReadyReason() is { } reason
        ? new ProblemResult(ProblemTable.Create(ProblemCodes.NotReady, reason, context.Request.Path))
        : TypedResults.Json(new HealthStatus("ready"), HttpJsonContext.Default.HealthStatus);
}
