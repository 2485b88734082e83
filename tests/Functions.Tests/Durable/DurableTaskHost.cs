using System.Collections.Concurrent;
using System.Net;
using DurableTask.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Testing.Sidecar;
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
    private static readonly CancellationToken AtOnce = new(canceled: true);

    private readonly InMemoryOrchestrationService _store = new();
    private readonly ConcurrentQueue<TaskOrchestrationWorkItem> _returned = new();
    private readonly ConcurrentDictionary<string, ProcessService.Generation> _histories = new(StringComparer.Ordinal);
    private DurableRegistry _registry;
    private CancellationTokenSource _stopping = null!;
    private ProcessService _service = null!;
    private WebApplication _sidecar = null!;
    private GrpcChannel _channel = null!;
    private IHost _worker = null!;

    private readonly Func<Stores> _openStores;
    private readonly Func<Task> _whenDisposed;
    private Stores _stores = null!;

    private DurableTaskHost(DurableRegistry registry, Func<Stores> openStores, Func<Task> whenDisposed)
    {
        _registry = registry;
        _openStores = openStores;
        _whenDisposed = whenDisposed;
    }

    public DurableClient Client { get; private set; } = null!;

    public IPayloadStore Payloads => _stores.Payloads;

    public ILedger Ledger => _stores.Ledger;

    public IDefinitionStore Definitions => _stores.Definitions;

    public TimeSpan ShortWait => TimeSpan.FromMilliseconds(400);

    /// <summary>Starts a host with stores in memory, which outlive its processes.</summary>
    public static Task<IDurableHost> StartAsync(DurableRegistry registry)
    {
        var stores = Stores.InMemory();
        return StartAsync(registry, () => stores, () => Task.CompletedTask);
    }

    /// <summary>Starts a host that opens its stores anew in each process.</summary>
    public static async Task<IDurableHost> StartAsync(DurableRegistry registry, Func<Stores> openStores, Func<Task> whenDisposed)
    {
        var host = new DurableTaskHost(registry, openStores, whenDisposed);
        await host.StartProcessAsync();
        return host;
    }

    public async Task RestartAsync(DurableRegistry? registry = null, bool crash = false)
    {
        _registry = registry ?? _registry;
        await StopProcessAsync();
        await StartProcessAsync();
    }

    // Time is the system's.
    public IDisposable HoldTime() => new MemoryStream();

    public async ValueTask DisposeAsync()
    {
        await StopProcessAsync();
        await _whenDisposed();
    }

    private async Task StopProcessAsync()
    {
        await _service.EndAsync();
        await _stopping.CancelAsync();
        await _worker.StopAsync(AtOnce);
        _worker.Dispose();
        _channel.Dispose();
        await _sidecar.StopAsync(AtOnce);
        await _sidecar.DisposeAsync();
        _stopping.Dispose();
    }

    private async Task StartProcessAsync()
    {
        _stopping = new CancellationTokenSource();
        _stores = _openStores();
        _service = new ProcessService(_store, _returned, _histories, _stopping.Token);
        await StartSidecarAsync();
        _channel = GrpcChannel.ForAddress(_sidecar.Urls.First());
        await StartWorkerAsync();
    }

    private async Task StartSidecarAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(_histories);
        builder.Services.AddSingleton<IOrchestrationService>(_service);
        builder.Services.AddSingleton<IOrchestrationServiceClient>(_store);
        builder.Services.AddSingleton<HistoryServer>();
        _sidecar = builder.Build();
        _sidecar.MapGrpcService<HistoryServer>();
        await _sidecar.StartAsync();
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
        Client = new DurableClientAdapter(() => client, Payloads, Ledger, _stores.Reservations, TimeProvider.System);
    }

    private void Register(DurableTaskRegistry tasks)
    {
        foreach (var (name, function) in _registry.Orchestrations)
        {
            tasks.AddOrchestratorFunc<RawJson?, RawJson?>(name, (context, input) => OrchestrationContextAdapter.RunAsync(context, function, input));
        }

        var stopping = _stopping.Token;
        foreach (var (name, function) in _registry.Activities)
        {
            tasks.AddActivityFunc<RawJson?, RawJson?>(name, (context, input) =>
                ActivityAdapter.RunAsync(function, new ActivityContext { Name = name, InstanceId = context.InstanceId, CancellationToken = stopping }, input));
        }

        foreach (var (name, function) in _registry.Entities)
        {
            tasks.AddEntity(name, _ => new EntityAdapter(function, TimeProvider.System));
        }
    }

    /// <summary>What a process keeps outside of histories.</summary>
    internal sealed record Stores(IPayloadStore Payloads, ILedger Ledger, IDefinitionStore Definitions, IStartReservations Reservations)
    {
        public static Stores InMemory() => new(new InMemoryPayloadStore(), new InMemoryLedger(), new InMemoryDefinitionStore(), new InMemoryStartReservations());
    }
}
