using System.Buffers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Polyphony.Hosting.Mcp;
using Polyphony.Hosting.Routes;
using Polyphony.Http.Hosting;

namespace Polyphony.Hosting;

/// <summary>Serves Polyphony's HTTP API from an ASP.NET Core app.</summary>
public static class PolyphonyRoutes
{
    private static readonly SearchValues<char> NotInPrefixes = SearchValues.Create("{}?#*~");

    /// <summary>
    /// Maps the routes of the HTTP API next to the app's own: <c>/api/workflows</c>, <c>/api/instances</c>, <c>/api/approvals</c>, <c>/healthz/live</c>, <c>/healthz/ready</c>, and the OpenAPI document at
    /// <see cref="PolyphonyOptions.OpenApiPath"/>; and <c>/mcp</c>, where the workflows are tools of an MCP server over streamable HTTP.
    /// </summary>
    /// <param name="endpoints">The app.</param>
    /// <param name="prefix">The prefix of the routes, such as <c>/polyphony</c>; without parameters. Default: none.</param>
    /// <returns>
    /// The routes, for the app's own conventions: the app decides who may call, for example with <c>RequireAuthorization</c>, unless <see cref="PolyphonyOptions.ApiKey"/> is set. Pages of other
    /// origins are refused unless a policy is set with <c>RequireCors</c>.
    /// </returns>
    /// <exception cref="InvalidOperationException">The app has not called <c>AddPolyphony</c>.</exception>
    /// <exception cref="ArgumentException">The prefix is not valid.</exception>
    /// <exception cref="OptionsValidationException">The options are not valid; it lists every problem.</exception>
    public static IEndpointConventionBuilder MapPolyphony(this IEndpointRouteBuilder endpoints, string prefix = "")
    {
        if (endpoints.ServiceProvider.GetService<MappedRoutes>() is not { } mapped)
        {
            throw new InvalidOperationException("MapPolyphony needs the services of Polyphony. Call builder.AddPolyphony() before builder.Build().");
        }

        if (prefix.Length > 0 && (prefix is not ['/', not '/', ..] || prefix[^1] == '/' || prefix.AsSpan().ContainsAny(NotInPrefixes)))
        {
            throw new ArgumentException($"The prefix must begin with \"/\", not end with it, and have no parameters; found \"{prefix}\". Such as \"/polyphony\".", nameof(prefix));
        }

        var options = endpoints.ServiceProvider.GetRequiredService<IOptions<PolyphonyOptions>>().Value;
        mapped.Prefix = prefix;
        var group = endpoints.MapGroup(prefix);
        group.WithMetadata(new RoutePrefix(prefix));
        group.AddEndpointFilter(new RouteGuard(options));
        group.MapPolyphonyApi(options.OpenApiPath);
        group.MapWorkflowTools(options.MaxBodyBytes);
        return group;
    }
}
