using System.Net;
using DurableTask.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Worker;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Polyphony.Contract.Durable;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Ledger;
using Polyphony.Core.Payloads;
using Polyphony.DurableFunctions.Durable;
using Polyphony.TestKit.Clocks;
using Polyphony.TestKit.Stores;

namespace Polyphony.DurableFunctions.Tests.Durable;

/// <summary>
/// The adapters as the suites see them: over the gRPC endpoint of the official in-process test host, on its storage in memory or on any other,
/// so that a worker can be stopped and another started on what it left behind.
/// </summary>
internal sealed class DurableTaskHost : IDurableHost
{
    private static readonly CancellationToken AtOnce = new(canceled: true);

    private readonly ITaskHub _hub;
    private readonly Func<Stores> _openStores;
    private readonly Func<Task> _whenDisposed;
    private DurableRegistry _registry;
    private CancellationTokenSource _stopping = null!;
    private ITaskHubProcess _process = null!;
    private WebApplication _sidecar = null!;
    private GrpcChannel _channel = null!;
    private IHost _worker = null!;
    private Stores _stores = null!;

    private DurableTaskHost(DurableRegistry registry, ITaskHub hub, Func<Stores> openStores, Func<Task> whenDisposed)
    {
        _registry = registry;
        _hub = hub;
        _openStores = openStores;
        _whenDisposed = whenDisposed;
    }

    public DurableClient Client { get; private set; } = null!;

    public IPayloadStore Payloads => _stores.Payloads;

    public ILedger Ledger => _stores.Ledger;

    public IDefinitionStore Definitions => _stores.Definitions;

    public TimeSpan ShortWait => _hub.ShortWait;

    /// <summary>Starts a host with stores in memory, which outlive its processes.</summary>
    public static Task<IDurableHost> StartAsync(DurableRegistry registry, ITaskHub hub)
    {
        var stores = Stores.InMemory();
        return StartAsync(registry, hub, () => stores, () => Task.CompletedTask);
    }

    /// <summary>Starts a host that opens its stores anew in each process.</summary>
    public static async Task<IDurableHost> StartAsync(DurableRegistry registry, ITaskHub hub, Func<Stores> openStores, Func<Task> whenDisposed)
    {
        var host = new DurableTaskHost(registry, hub, openStores, whenDisposed);
        await host.StartProcessAsync();
        return host;
    }

    public async Task RestartAsync(DurableRegistry? registry = null, bool crash = false)
    {
        _registry = registry ?? _registry;
        await StopProcessAsync(crash);
        await StartProcessAsync();
    }

    public TimeSpan TimersEarlyBy => _hub.TimersEarlyBy;

    public bool EventsMayRepeat => _hub.EventsMayRepeat;

    /// <summary>Gets the clock by which activities look whether their instance has ended.</summary>
    public FakeClock Looks { get; } = new();

    // Time is the system's.
    public IDisposable HoldTime() => new MemoryStream();

    public async ValueTask DisposeAsync()
    {
        await StopProcessAsync(crash: true);
        await _hub.DisposeAsync();
        await _whenDisposed();
    }

    private async Task StopProcessAsync(bool crash)
    {
        await _process.EndAsync(crash);
        await _stopping.CancelAsync();
        await _worker.StopAsync(AtOnce);
        _worker.Dispose();
        _channel.Dispose();
        await _sidecar.StopAsync(AtOnce);
        await _sidecar.DisposeAsync();
        await _process.CloseAsync(crash);
        _stopping.Dispose();
    }

    private async Task StartProcessAsync()
    {
        _stopping = new CancellationTokenSource();
        _stores = _openStores();
        _process = _hub.Open(_stopping.Token);
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
        builder.Services.AddSingleton(_process);
        builder.Services.AddSingleton<IOrchestrationService>(_process.Service);
        builder.Services.AddSingleton(_process.Client);
        builder.Services.AddSingleton<TaskHubServer>();
        _sidecar = builder.Build();
        _sidecar.MapGrpcService<TaskHubServer>();
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
        // As the app has them, for what entities send and start.
        foreach (var (name, function) in _registry.Orchestrations
            .Append(new(EventSender.Name, EventSender.RunAsync)).Append(new(InstanceStarts.Name, InstanceStarts.RunAsync)).DistinctBy(each => each.Key))
        {
            tasks.AddOrchestratorFunc<RawJson?, RawJson?>(name, (context, input) => OrchestrationContextAdapter.RunAsync(context, function, input));
        }

        var stopping = _stopping.Token;
        var watch = new InstanceWatch(Looks);
        foreach (var (name, function) in _registry.Activities.Append(new(InstanceStarts.Activity, InstanceStarts.Start(() => Client))))
        {
            tasks.AddActivityFunc<RawJson?, RawJson?>(name, (context, input) =>
                watch.RunAsync(
                    _worker.Services.GetRequiredService<DurableTaskClient>(),
                    function,
                    new ActivityContext { Name = name, InstanceId = context.InstanceId, CancellationToken = stopping },
                    input));
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
