using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using ModelContextProtocol.AspNetCore;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;
using Polyphony.Http.Problems;

namespace Polyphony.Hosting.Mcp;

/// <summary>Serves the workflows as tools over streamable HTTP. An app may have a server of its own beside it: what each request is served with depends on its route.</summary>
internal static class WorkflowToolRoutes
{
    /// <summary>Where the server is, below the prefix.</summary>
    public const string Path = "/mcp";

    /// <summary>Adds what the route needs.</summary>
    /// <param name="services">The app's services.</param>
    public static void AddWorkflowTools(this IServiceCollection services)
    {
        services.AddSingleton<WorkflowTools>();
        services.AddMcpServer().WithHttpTransport();
        services.PostConfigure<HttpServerTransportOptions>(transport =>
        {
            var others = transport.ConfigureSessionOptions;
            transport.ConfigureSessionOptions = (context, server, cancellationToken) =>
            {
                if (context.GetEndpoint()?.Metadata.GetMetadata<Marker>() is null)
                {
                    return others?.Invoke(context, server, cancellationToken) ?? Task.CompletedTask;
                }

                Configure(server, context.RequestServices.GetRequiredService<WorkflowTools>());
                return Task.CompletedTask;
            };
        });
    }

    /// <summary>Maps the route.</summary>
    /// <param name="group">The routes of the API, whose guard holds for this one as well.</param>
    /// <param name="maxBodyBytes">The largest body.</param>
    public static void MapWorkflowTools(this RouteGroupBuilder group, int maxBodyBytes)
    {
        var route = group.MapGroup("").AddEndpointFilter(async (context, next) =>
        {
            var http = context.HttpContext;
            if (http.Request.ContentLength > maxBodyBytes)
            {
                return new ProblemResult(ProblemTable.Create(ProblemCodes.BodyTooLarge, $"The body has {http.Request.ContentLength:N0} bytes; {maxBodyBytes:N0} are the limit.", http.Request.Path));
            }

            if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            {
                size.MaxRequestBodySize = maxBodyBytes;
            }

            return await next(context);
        });
        route.MapMcp(Path).WithMetadata(new Marker());
    }

    private static void Configure(McpServerOptions server, WorkflowTools tools)
    {
        server.ServerInfo = new Implementation { Name = "polyphony", Version = typeof(WorkflowToolRoutes).Assembly.GetName().Version!.ToString(3) };
        server.ServerInstructions = null;
        server.Capabilities = new ServerCapabilities { Tools = new ToolsCapability() };
        server.ToolCollection = null;
        server.ResourceCollection = null;
        server.PromptCollection = null;
        server.Filters = new McpServerFilters();
        server.Handlers = new McpServerHandlers
        {
            ListToolsHandler = (_, _) => ValueTask.FromResult(tools.List()),
            CallToolHandler = async (request, cancellationToken) => await tools.CallAsync(request.Params!, cancellationToken),
        };
    }

    /// <summary>Tells this route from others.</summary>
    private sealed class Marker;
}
