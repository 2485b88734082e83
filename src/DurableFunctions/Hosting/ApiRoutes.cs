namespace Polyphony.DurableFunctions.Hosting;

/// <summary>
/// Where the HTTP functions lie below the prefix that host.json sets for all functions of the app. A prefix that ends with <c>api</c>, as the host's default does, is that of the API itself:
/// <c>/api/workflows</c>, not <c>/api/api/workflows</c>.
/// </summary>
/// <param name="PathBase">What stands before <c>/api</c> in addresses of the API: empty, or with a slash before it.</param>
/// <param name="IsApi">Whether the prefix ends with the API's own <c>api</c>.</param>
internal sealed record ApiRoutes(string PathBase, bool IsApi)
{
    private const string Api = "api";

    /// <summary>Makes the routes for a prefix.</summary>
    /// <param name="prefix">The prefix, without slashes around it.</param>
    /// <returns>The routes.</returns>
    public static ApiRoutes Of(string prefix)
    {
        var isApi = prefix == Api || prefix.EndsWith($"/{Api}", StringComparison.Ordinal);
        var above = (isApi ? prefix[..^Api.Length] : prefix).Trim('/');
        return new ApiRoutes(above.Length == 0 ? "" : $"/{above}", isApi);
    }

    /// <summary>Gets the route of a function below the prefix.</summary>
    /// <param name="route">Its route without a prefix, such as <c>api/workflows</c>.</param>
    /// <returns>The route.</returns>
    public string Below(string route) => IsApi && route.StartsWith($"{Api}/", StringComparison.Ordinal) ? route[(Api.Length + 1)..] : route;
}
