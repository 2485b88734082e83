using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Polyphony.Contract.Http;
using Polyphony.DurableFunctions.Tests.Workflows;
using Polyphony.Http;
using Polyphony.Http.Hosting;

namespace Polyphony.DurableFunctions.Tests.Http;

/// <summary>
/// The API over the adapters, with everything on Azure Storage: what the app's HTTP functions call, without the Functions host in front. Made by the first test that asks for it.
/// </summary>
public sealed class AzureStorageApi : IAsyncDisposable
{
    private readonly SemaphoreSlim _starting = new(1);
    private WorkflowHost? _host;
    private WebApplication? _app;
    private ApiTarget? _api;

    /// <summary>Gets the API, or skips the running test where no storage account is named.</summary>
    public ApiTarget Get()
    {
        _starting.Wait();
        try
        {
            return _api ??= Task.Run(StartAsync).GetAwaiter().GetResult();
        }
        finally
        {
            _starting.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _api?.Dispose();
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }

        if (_host is not null)
        {
            await _host.DisposeAsync();
        }

        _starting.Dispose();
    }

    private async Task<ApiTarget> StartAsync()
    {
        _host = await WorkflowHost.OnAzureStorageAsync(null);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services
            .AddSingleton(_host.Durable)
            .AddSingleton(_host.Client)
            .AddSingleton(_host.Definitions)
            .AddSingleton(_host.Payloads)
            .AddSingleton(_host.Ledger)
            .AddSingleton(WorkflowHost.Catalog)
            .AddPolyphonyHttp(new PolyphonyHttpOptions());
        _app = builder.Build();
        _app.UsePolyphonyAccess(new AccessOptions());
        _app.MapPolyphonyApi();
        await _app.StartAsync();
        return new ApiTarget(new Uri(_app.Urls.First()), null);
    }
}
