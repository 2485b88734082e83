using System.Net;
using System.Net.Sockets;
using DurableTask.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Testing.Sidecar;
using Microsoft.DurableTask.Testing.Sidecar.Grpc;
using Microsoft.DurableTask.Worker;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Polyphony.Contract.Durable;
using Polyphony.Core.Durable;
using Polyphony.Core.Ledger;
using Polyphony.Core.Payloads;
using Polyphony.Core.Workflows;
using Polyphony.Functions.Durable;
using Polyphony.TestKit.Stores;

namespace Polyphony.Functions.Tests.Durable;

/// <summary>
/// The adapters as the suites see them: on the official in-process test host's service and gRPC endpoint, so that a worker can be stopped
/// and another started on what it left behind.
/// </summary>
internal sealed class DurableTaskHost : IDurableHost
{
    private readonly InMemoryOrchestrationService _service;
    private readonly WebApplication _sidecar;
    private readonly GrpcChannel _channel;
    private DurableRegistry _registry;
    private IHost _worker = null!;

    private DurableTaskHost(InMemoryOrchestrationService service, WebApplication sidecar, GrpcChannel channel, DurableRegistry registry)
    {
        _service = service;
        _sidecar = sidecar;
        _channel = channel;
        _registry = registry;
    }

    public DurableClient Client { get; private set; } = null!;

    public IPayloadStore Payloads { get; } = new InMemoryPayloadStore();

    public ILedger Ledger { get; } = new InMemoryLedger();

    public IDefinitionStore Definitions { get; } = new InMemoryDefinitionStore();

    public TimeSpan ShortWait => TimeSpan.FromMilliseconds(400);

    public static async Task<IDurableHost> StartAsync(DurableRegistry registry)
    {
        var service = new InMemoryOrchestrationService();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton<IOrchestrationService>(service);
        builder.Services.AddSingleton<IOrchestrationServiceClient>(service);
        builder.Services.AddSingleton<TaskHubGrpcServer>();
        var sidecar = builder.Build();
        sidecar.MapGrpcService<TaskHubGrpcServer>();
        await sidecar.StartAsync();
        var host = new DurableTaskHost(service, sidecar, GrpcChannel.ForAddress(sidecar.Urls.First()), registry);
        await host.StartWorkerAsync();
        return host;
    }

    public async Task RestartAsync(DurableRegistry? registry = null, bool crash = false)
    {
        _registry = registry ?? _registry;
        await StopWorkerAsync();
        await StartWorkerAsync();
    }

    // Time is the system's.
    public IDisposable HoldTime() => new MemoryStream();

    public async ValueTask DisposeAsync()
    {
        await StopWorkerAsync();
        _channel.Dispose();
        await _sidecar.DisposeAsync();
    }

    private async Task StopWorkerAsync()
    {
        await _worker.StopAsync();
        _worker.Dispose();
    }

    private async Task StartWorkerAsync()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddDurableTaskWorker(worker =>
        {
            worker.Configure(options => (options.DataConverter, options.EnableEntitySupport) = (new RawJsonConverter(), true));
            worker.UseGrpc(_channel);
            worker.AddTasks(Register);
        });
        builder.Services.AddDurableTaskClient(client =>
        {
            client.Configure(options => (options.DataConverter, options.EnableEntitySupport) = (new RawJsonConverter(), true));
            client.UseGrpc(_channel);
            client.RegisterDirectly();
        });
        _worker = builder.Build();
        await _worker.StartAsync();
        var client = _worker.Services.GetRequiredService<DurableTaskClient>();
        Client = new DurableClientAdapter(() => client, Payloads, Ledger, TimeProvider.System);
    }

    private void Register(DurableTaskRegistry tasks)
    {
        foreach (var (name, function) in _registry.Orchestrations)
        {
            tasks.AddOrchestratorFunc<RawJson?, RawJson?>(name, (context, input) => OrchestrationContextAdapter.RunAsync(context, function, input));
        }

        foreach (var (name, function) in _registry.Activities)
        {
            tasks.AddActivityFunc<RawJson?, RawJson?>(name, (context, input) =>
                ActivityAdapter.RunAsync(function, new ActivityContext { Name = name, InstanceId = context.InstanceId }, input));
        }

        foreach (var (name, function) in _registry.Entities)
        {
            tasks.AddEntity(name, _ => new EntityAdapter(function, TimeProvider.System));
        }
    }
}
