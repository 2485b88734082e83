using Microsoft.AspNetCore.Http;

namespace Polyphony.Http.Hosting;

/// <summary>Metadata of the routes that an app serves below a prefix, for the links in answers.</summary>
/// <param name="Prefix">The prefix, such as <c>/polyphony</c>; empty for none.</param>
internal sealed record RoutePrefix(string Prefix)
{
    /// <summary>Makes the address below which the routes lie by which a request came: that of the host, the path base, and the prefix.</summary>
    /// <param name="request">The request.</param>
    /// <returns>The address, without a slash at its end.</returns>
    public static string BaseAddress(HttpRequest request) =>
        $"{request.Scheme}://{request.Host}{request.PathBase}{request.HttpContext.GetEndpoint()?.Metadata.GetMetadata<RoutePrefix>()?.Prefix}";
}

/// <summary>Metadata of the routes that tell whether the host is well; they are open without a key.</summary>
internal sealed class HealthRoute;
