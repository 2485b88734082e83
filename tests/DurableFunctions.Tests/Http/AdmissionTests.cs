using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Polyphony.Contract.Http;
using Polyphony.Core.Durable;
using Polyphony.DurableFunctions.Tests.Workflows;
using Polyphony.Http;
using Polyphony.Http.Hosting;

namespace Polyphony.DurableFunctions.Tests.Http;

/// <summary>Limits on unfinished instances over the adapters, which count them by queries.</summary>
public sealed class AdmissionTests : AdapterAdmissionContract
{
    internal override Task<WorkflowHost> StartHostAsync() => WorkflowHost.InMemoryAsync(null);
}

/// <summary>The same with everything on Azure Storage.</summary>
public sealed class AzureStorageAdmissionTests : AdapterAdmissionContract
{
    internal override Task<WorkflowHost> StartHostAsync() => WorkflowHost.OnAzureStorageAsync(null);
}

/// <summary>What holds on every task hub.</summary>
public abstract class AdapterAdmissionContract : AdmissionContract
{
    [Fact]
    public async Task Starts_AtTheSameMoment_OfOneHost_AreNeverMoreThanTheLimit()
    {
        await using var host = await StartAsync(new AdmissionLimits { MaxUnfinished = 5 });

        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => host.Api.PostAsync("api/workflows/approval/instances", """{"input":{"topic":"new prices"}}""")));

        Assert.Equal((5, 35), (answers.Count(each => (int)each.Status == 202), answers.Count(each => (int)each.Status == 429)));
    }

    internal abstract Task<WorkflowHost> StartHostAsync();

    protected override async Task<IAdmissionHost> StartAsync(AdmissionLimits limits)
    {
        var host = await StartHostAsync();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services
            .AddSingleton(host.Durable)
            .AddSingleton(host.Client)
            .AddSingleton(host.Definitions)
            .AddSingleton(host.Payloads)
            .AddSingleton(WorkflowHost.Catalog)
            .AddPolyphonyHttp(new PolyphonyHttpOptions { Admission = limits });
        var app = builder.Build();
        app.UsePolyphonyAccess(new AccessOptions());
        app.MapPolyphonyApi();
        await app.StartAsync();
        return new AdmissionHost(host, app);
    }

    private sealed class AdmissionHost(WorkflowHost host, WebApplication app) : IAdmissionHost
    {
        public ApiTarget Api { get; } = new(new Uri(app.Urls.First()), null);

        public async ValueTask DisposeAsync()
        {
            Api.Dispose();
            await app.DisposeAsync();
            await host.DisposeAsync();
        }
    }
}
