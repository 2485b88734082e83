using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Polyphony.Http.Problems;

namespace Polyphony.Http.Hosting;

/// <summary>Lets requests through that come by an allowed name, from no other site, and with the API key.</summary>
internal sealed class AccessMiddleware
{
    private const string KeyHeader = "X-API-Key";
    private const string BearerPrefix = "Bearer ";
    private readonly RequestDelegate _next;
    private readonly bool _loopbackOnly;
    private readonly byte[]? _keyHash;

    public AccessMiddleware(RequestDelegate next, AccessOptions options)
    {
        _next = next;
        _loopbackOnly = options.LoopbackOnly;
        _keyHash = options.ApiKey is null ? null : Hash(options.ApiKey);
    }

    public Task InvokeAsync(HttpContext context)
    {
        var request = context.Request;
        if (_loopbackOnly && !IsLoopback(request.Host.Host))
        {
            return Refuse(context, ProblemCodes.HostNotAllowed, "This host listens on loopback: ask for localhost, 127.0.0.1 or [::1], or start it with --listen and an API key.");
        }

        // Browsers send Origin with what a page asks for; a page of another site has no business here.
        if (request.Headers.Origin is [{ Length: > 0 } origin]
            && !(Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase)))
        {
            return Refuse(context, ProblemCodes.OriginNotAllowed, "The request comes from a page of another site.");
        }

        if (_keyHash is not null && !request.Path.StartsWithSegments("/healthz", StringComparison.Ordinal) && !HasKey(request))
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
            return Refuse(context, ProblemCodes.Unauthorized, $"Send the API key of this host in the header {KeyHeader}, or as a bearer token.");
        }

        return _next(context);
    }

    private bool HasKey(HttpRequest request)
    {
        var key = request.Headers[KeyHeader] is [{ Length: > 0 } plain] ? plain
            : request.Headers.Authorization is [{ } authorization] && authorization.StartsWith(BearerPrefix, StringComparison.OrdinalIgnoreCase) ? authorization[BearerPrefix.Length..].Trim()
            : null;

        // Hashes have one length, so the time taken tells nothing about the key.
        return key is not null && CryptographicOperations.FixedTimeEquals(Hash(key), _keyHash);
    }

    private static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    private static Task Refuse(HttpContext context, string code, string detail) =>
        new ProblemResult(ProblemTable.Create(code, detail, context.Request.Path)).ExecuteAsync(context);
}
