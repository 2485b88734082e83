using Microsoft.AspNetCore.Http;

namespace Polyphony.Http.Hosting;

/// <summary>Tells which page of a browser sent a request.</summary>
internal static class RequestOrigin
{
    /// <summary>Determines whether a page of another site did: browsers send <c>Origin</c> with what a page asks for.</summary>
    /// <param name="request">The request.</param>
    /// <returns>Whether the origin is there and is not the host that was asked.</returns>
    public static bool IsOfAnotherSite(HttpRequest request) =>
        request.Headers.Origin is [{ Length: > 0 } origin]
        && !(Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase));
}
