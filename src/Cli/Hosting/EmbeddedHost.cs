using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Polyphony.Activities.Providers;
using Polyphony.Activities.Workflows;
using Polyphony.Cli.Logging;
using Polyphony.Core.Client;
using Polyphony.Engine;
using Polyphony.Http;
using Polyphony.Http.Hosting;

namespace Polyphony.Cli.Hosting;

/// <summary>The embedded host: the engine on a data folder, and the HTTP API over it, in this process.</summary>
internal sealed class EmbeddedHost : IAsyncDisposable
{
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(1);
    private readonly EmbeddedEngine _engine;
    private readonly WebApplication _app;
    private readonly HostLog _log;

    private EmbeddedHost(EmbeddedEngine engine, WebApplication app, Uri address, string? ownerToken, HostLog log)
    {
        _log = log;
        OwnerToken = ownerToken;
        _engine = engine;
        _app = app;
        Address = address;
    }

    /// <summary>Gets where it is reached from this machine.</summary>
    public Uri Address { get; }

    /// <summary>Gets the secret that shows it that a request is its owner's; <see langword="null"/> while instances stand still.</summary>
    public string? OwnerToken { get; }

    /// <summary>Gets a task that ends when the engine does; faulted when an error of the disk stopped it.</summary>
    public Task Completion => _engine.Completion;

    /// <summary>Tells whether something gets on without anybody's doing: an activity runs or is about to, or a timer is due soon.</summary>
    /// <param name="soon">What counts as soon.</param>
    /// <returns>Whether it does. Between two steps of an instance it may seem that nothing does.</returns>
    public bool IsMoving(TimeSpan soon) => _engine.Activities is not (0, 0) || _engine.NextTimer - TimeProvider.System.GetUtcNow() < soon;

    /// <summary>Gets the number of unfinished instances.</summary>
    public int UnfinishedInstances => _engine.UnfinishedInstances;

    /// <summary>Starts a host. Unfinished instances of the data folder go on.</summary>
    /// <param name="options">How.</param>
    /// <param name="cancellationToken">Gives up the start.</param>
    /// <returns>The running host.</returns>
    /// <exception cref="DataFolderInUseException">Another process has the data folder.</exception>
    /// <exception cref="CliException">The folder or the port cannot be used, or the file is damaged.</exception>
    public static async Task<EmbeddedHost> StartAsync(HostOptions options, CancellationToken cancellationToken)
    {
        AccessOptions.CheckKey(options.ApiKey);
        DataFolderAccess.Prepare(options.Settings.DataFolder);
        var models = HostModels.Read(options.Settings.SettingsFile);
        var log = HostLog.Open(options);
        EmbeddedEngine? engine = null;
        try
        {
            engine = await StartEngineAsync(options, models, log.Factory, cancellationToken);
            var token = options.Paused ? null : Hosting.OwnerToken.Create(options.Settings);
            var app = Build(options, engine, models, token, log.Factory);
            try
            {
                await app.StartAsync(cancellationToken);
            }
            catch (IOException e)
            {
                await app.DisposeAsync();
                throw CliException.Host($"Port {options.Port} on {options.Listen} cannot be opened: {e.Message} Stop what uses it, or choose another with --port.", e);
            }

            var address = LocalAddress(app);
            if (!options.Paused)
            {
                engine.SetOwnerNote(address.ToString());
            }

            return new EmbeddedHost(engine, app, address, token, log);
        }
        catch
        {
            if (engine is not null)
            {
                await engine.DisposeAsync();
            }

            log.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _engine.DisposeAsync();
        await _app.DisposeAsync();
        _log.Dispose();
    }

    private static async Task<EmbeddedEngine> StartEngineAsync(
        HostOptions options, ModelSettings models, ILoggerFactory loggerFactory, CancellationToken cancellationToken)
    {
        try
        {
            return await EmbeddedEngine.StartAsync(
                new EngineOptions { Path = options.Settings.DataFile, LoggerFactory = loggerFactory, Paused = options.Paused, MaxConcurrentActivities = options.Connections.MaxActivities },
                (engine, registry) => HostFunctions.Register(registry, engine, options.Settings, models, loggerFactory),
                cancellationToken);
        }
        catch (PolyphonyException e) when (e is not DataFolderInUseException)
        {
            throw CliException.Host(e.Message, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CliException.Host($"The data file \"{options.Settings.DataFile}\" cannot be opened: {e.Message}", e);
        }
    }

    private static WebApplication Build(HostOptions options, EmbeddedEngine engine, ModelSettings models, string? ownerToken, ILoggerFactory loggerFactory)
    {
        var gate = new ConnectionGate(options.Connections.MaxConnections, TimeProvider.System, loggerFactory.CreateLogger<ConnectionGate>());
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = options.Settings.DataFolder, Args = [] });
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(loggerFactory);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            options.Connections.Apply(kestrel.Limits);
            kestrel.Listen(options.Listen, options.Port, listen => listen.Use(next => connection => gate.RunAsync(connection, next)));
        });
        builder.Services.AddSingleton<IConnectionListenerFactory>(services => new BoundedListenerFactory(
            ActivatorUtilities.CreateInstance<SocketTransportFactory>(services), options.Connections.MaxSockets));
        builder.Services.Configure<Microsoft.Extensions.Hosting.HostOptions>(host => host.ShutdownTimeout = ShutdownTimeout);
        builder.Services.AddSingleton(new WorkflowClient(
            engine.Client, new FolderWorkflowCatalog(options.Settings.WorkflowsFolder), engine.Definitions, engine.Payloads, models.CheckPrices(), models.Endpoints, engine.Ledger));
        builder.Services.AddSingleton(engine.Definitions);
        builder.Services.AddPolyphonyHttp(new PolyphonyHttpOptions
        {
            AllowInlineDefinitions = options.LoopbackOnly,
            OwnerToken = ownerToken,
            Heartbeat = options.Heartbeat,
            NotReadyReason = () => engine.Completion.IsCompleted ? "The engine has stopped." : engine.WaitsFor,
        });

        var app = builder.Build();
        app.Use(next => context => gate.RunRequestAsync(context, next));
        app.UsePolyphonyAccess(new AccessOptions { ApiKey = options.ApiKey, LoopbackOnly = options.LoopbackOnly });
        var uploads = new UploadBudget(options.Connections.MaxUploadBytes);
        app.Use(next => context => uploads.RunAsync(context, next));
        app.MapPolyphony();
        return app;
    }

    // The port may have been chosen by the system, and the address may mean all of the machine's.
    private static Uri LocalAddress(WebApplication app)
    {
        var bound = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        var address = IPAddress.Parse(bound.Host.Trim('[', ']'));
        var reached = address.Equals(IPAddress.Any) ? IPAddress.Loopback : address.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : address;
        return new UriBuilder(bound) { Host = reached.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{reached}]" : reached.ToString() }.Uri;
    }
}
