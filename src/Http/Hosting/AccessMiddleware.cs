using System.Net;
using Microsoft.AspNetCore.Http;
using Polyphony.Http.Problems;

namespace Polyphony.Http.Hosting;

/// <summary>Refuses requests with a host name that is not allowed, from a page of another origin, or without the API key.</summary>
internal sealed class AccessMiddleware
{
    private readonly RequestDelegate _next;
    private readonly bool _loopbackOnly;
    private readonly ApiKeyCheck? _key;

    public AccessMiddleware(RequestDelegate next, AccessOptions options)
    {
        _next = next;
        _loopbackOnly = options.LoopbackOnly;
        _key = options.ApiKey is null ? null : new ApiKeyCheck(options.ApiKey);
    }

    public Task InvokeAsync(HttpContext context)
    {
        var request = context.Request;
        if (_loopbackOnly && !IsLoopback(request.Host.Host))
        {
            return Refuse(context, ProblemCodes.HostNotAllowed, "This host listens on loopback: ask for localhost, 127.0.0.1 or [::1], or start it with --listen and an API key.");
        }

        // A page of another site has no business here.
        if (RequestOrigin.IsOfAnotherSite(request))
        {
            return Refuse(context, ProblemCodes.OriginNotAllowed, "The request comes from a page of another site.");
        }

        if (_key is not null && !request.Path.StartsWithSegments("/healthz", StringComparison.Ordinal) && !_key.IsIn(request))
        {
            context.Response.Headers.WWWAuthenticate = ApiKeyCheck.Challenge;
            return Refuse(context, ProblemCodes.Unauthorized, ApiKeyCheck.Hint);
        }

        return _next(context);
    }

    private static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    private static Task Refuse(HttpContext context, string code, string detail) =>
        new ProblemResult(ProblemTable.Create(code, detail, context.Request.Path)).ExecuteAsync(context);
}
