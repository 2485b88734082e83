using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.AspNetCore.Http;
using Polyphony.Http.Hosting;
using Polyphony.Http.Problems;

namespace Polyphony.Hosting.Routes;

/// <summary>
/// Lets requests through to the mapped routes that come from no page of another site, carry the API key if there is one, and whose bodies find room. Runs after the app's own middleware, such as
/// authentication. Thread-safe.
/// </summary>
/// <param name="options">The options.</param>
internal sealed class RouteGuard(PolyphonyOptions options) : IEndpointFilter
{
    private readonly ApiKeyCheck? _key = options.ApiKey is { } key ? new ApiKeyCheck(key) : null;
    private readonly UploadBudget _uploads = new(options.MaxUploadBytes, options.MaxBodyBytes);

    /// <inheritdoc/>
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        var endpoint = http.GetEndpoint();

        // An app that lets pages of other sites in says so with RequireCors.
        if (RequestOrigin.IsOfAnotherSite(http.Request) && endpoint?.Metadata.GetMetadata<ICorsMetadata>() is null)
        {
            return Refuse(http, ProblemCodes.OriginNotAllowed, "The request comes from a page of another site.");
        }

        if (_key is not null && endpoint?.Metadata.GetMetadata<HealthRoute>() is null && !_key.IsIn(http.Request))
        {
            http.Response.Headers.WWWAuthenticate = ApiKeyCheck.Challenge;
            return Refuse(http, ProblemCodes.Unauthorized, ApiKeyCheck.Hint);
        }

        using var share = _uploads.TryTake(http);
        if (share is null)
        {
            http.Response.Headers.RetryAfter = "1";
            return Refuse(http, ProblemCodes.TooManyUploads, "The bodies of the requests under way take up all the space for request bodies. Try again in a moment.");
        }

        return await next(context);
    }

    private static ProblemResult Refuse(HttpContext context, string code, string detail) => new(ProblemTable.Create(code, detail, context.Request.Path));
}
