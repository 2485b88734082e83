using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Polyphony.Core.Client;
using Polyphony.Core.Durable;
using Polyphony.Hosting.Routes;

namespace Polyphony.Hosting.Tests;

/// <summary>An app of a user, in a folder of its own.</summary>
internal sealed class TestApp : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("polyphony-app-");

    public string Root => _root.FullName;

    public void Dispose() => _root.Delete(recursive: true);

    /// <summary>Writes a file below the content root.</summary>
    public TestApp Write(string path, string text)
    {
        var full = Path.Combine(Root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
        return this;
    }

    /// <summary>Makes a worker: no web server.</summary>
    public IHost Worker(Action<HostApplicationBuilder> configure, params (string Key, string? Value)[] settings)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ContentRootPath = Root, DisableDefaults = true });
        builder.Configuration.AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, setting.Value)));
        configure(builder);
        return builder.Build();
    }

    /// <summary>Starts a web app on a free port of loopback.</summary>
    public async Task<WebApplication> StartWebAsync(Action<WebApplicationBuilder> configure, Action<WebApplication> map)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = Root });
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Services.AddRouting();
        builder.Logging.ClearProviders();
        configure(builder);
        var app = builder.Build();
        app.UseRouting();
        map(app);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return app;
    }

    public static HttpClient ClientOf(WebApplication app) =>
        new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = MappedRoutes.LocalAddress(app.Services) };

    public static WorkflowClient WorkflowsOf(IHost host) => host.Services.GetRequiredService<WorkflowClient>();

    /// <summary>Runs an orchestration to its end.</summary>
    public static async Task<OrchestrationMetadata> RunAsync(IHost host, string workflow, string input)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var client = WorkflowsOf(host);
        var id = await client.StartAsync(workflow, System.Text.Json.JsonElement.Parse(input), cancellationToken: cancellationToken);
        return await client.Durable.WaitForCompletionAsync(id, cancellationToken);
    }
}
