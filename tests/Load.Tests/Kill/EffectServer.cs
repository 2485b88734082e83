using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Polyphony.Load.Tests.Kill;

/// <summary>A server that charges, and counts by effect key how often. It charges at once, and answers when it may.</summary>
internal sealed class EffectServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private EffectServer(WebApplication app) => _app = app;

    /// <summary>Gets how often was charged, by effect key.</summary>
    public ConcurrentDictionary<string, int> Charges { get; } = new(StringComparer.Ordinal);

    public Counter Arrivals { get; } = new();

    /// <summary>Gets or sets what an answer waits for.</summary>
    public Func<Task> Before { get; set; } = () => Task.CompletedTask;

    public Uri Address => new(_app.Urls.First());

    public static async Task<EffectServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var server = new EffectServer(app);
        app.MapPost("/charges/{key}", async (string key, HttpContext context) =>
        {
            key = Uri.UnescapeDataString(key);
            server.Charges.AddOrUpdate(key, 1, (_, count) => count + 1);
            server.Arrivals.Increment();
            await server.Before().WaitAsync(context.RequestAborted);
            return TypedResults.Text($"\"charged {key}\"", "application/json");
        });
        app.MapGet("/charges/{key}", IResult (string key) => server.Charges.ContainsKey(Uri.UnescapeDataString(key))
            ? TypedResults.Text($"\"charged {Uri.UnescapeDataString(key)}\"", "application/json")
            : TypedResults.NotFound());
        await app.StartAsync();
        return server;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
