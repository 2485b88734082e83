using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Polyphony.TestKit.Servers;

/// <summary>A web server on loopback that keeps what it was asked.</summary>
public sealed class FakeApi : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly ConcurrentQueue<FakeApiRequest> _requests = new();

    private FakeApi(RequestDelegate answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(options => options.Listen(IPAddress.Loopback, 0));
        _application = builder.Build();
        _application.Run(async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            _requests.Enqueue(new FakeApiRequest(
                context.Request.Method,
                context.Features.Get<IHttpRequestFeature>()!.RawTarget,
                context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase),
                await reader.ReadToEndAsync()));
            await answer(context);
        });
    }

    /// <summary>Gets the address, without a slash at its end.</summary>
    public string Address => _application.Urls.First();

    /// <summary>Gets the requests in the order of their arrival.</summary>
    public IReadOnlyList<FakeApiRequest> Requests => [.. _requests];

    /// <summary>Starts a server.</summary>
    public static async Task<FakeApi> StartAsync(RequestDelegate answer)
    {
        var server = new FakeApi(answer);
        await server._application.StartAsync();
        return server;
    }

    /// <summary>Starts a server that answers with JSON.</summary>
    public static Task<FakeApi> StartAsync(string json) => StartAsync(context =>
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(json);
    });

    public async ValueTask DisposeAsync() => await _application.DisposeAsync();
}

/// <summary>A request.</summary>
/// <param name="Method">The method.</param>
/// <param name="Target">Path and query as they were sent.</param>
/// <param name="Headers">The headers.</param>
/// <param name="Body">The body.</param>
public sealed record FakeApiRequest(string Method, string Target, IReadOnlyDictionary<string, string> Headers, string Body);
