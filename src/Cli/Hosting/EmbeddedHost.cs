using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Polyphony.Cli.Logging;
using Polyphony.Core.Durable;
using Polyphony.Engine;
using Polyphony.Hosting;
using Polyphony.Hosting.DataFolders;
using Polyphony.Hosting.Lifecycle;
using Polyphony.Hosting.Routes;
using Polyphony.Http.Hosting;

namespace Polyphony.Cli.Hosting;

/// <summary>The embedded host: a web app that does nothing but to serve Polyphony on a data folder, with nothing in front of it.</summary>
internal sealed class EmbeddedHost : IAsyncDisposable
{
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(1);
    private readonly EmbeddedEngine _engine;
    private readonly WebApplication _app;
    private readonly HostLog _log;
    private readonly HostTelemetry? _telemetry;

    private EmbeddedHost(WebApplication app, HostLog log, HostTelemetry? telemetry)
    {
        _app = app;
        _log = log;
        _telemetry = telemetry;
        var hosted = app.Services.GetRequiredService<HostedEngine>();
        _engine = hosted.Engine;
        OwnerToken = hosted.OwnerToken;
        Address = MappedRoutes.LocalAddress(app.Services)!;
    }

    /// <summary>Gets where it is reached from this machine.</summary>
    public Uri Address { get; }

    /// <summary>Gets the secret that shows it that a request is its owner's; <see langword="null"/> while instances stand still.</summary>
    public string? OwnerToken { get; }

    /// <summary>Gets a task that ends when the engine does; faulted when an error of the disk stopped it.</summary>
    public Task Completion => _engine.Completion;

    /// <summary>Determines whether something gets on without anybody's doing: an activity runs or is about to, or a timer is due soon.</summary>
    /// <param name="soon">What counts as soon.</param>
    /// <returns>Whether it does. Between two steps of an instance it may seem that nothing does.</returns>
    public bool IsMoving(TimeSpan soon) => _engine.Activities is not (0, 0) || _engine.NextTimer - TimeProvider.System.GetUtcNow() < soon;

    /// <summary>Gets the number of unfinished instances.</summary>
    public int UnfinishedInstances => _engine.UnfinishedInstances;

    /// <summary>Starts a host. Unfinished instances of the data folder continue.</summary>
    /// <param name="options">The options; <see langword="null"/> for the defaults.</param>
    /// <param name="cancellationToken">Gives up the start.</param>
    /// <returns>The running host.</returns>
    /// <exception cref="DataFolderInUseException">Another process has the data folder.</exception>
    /// <exception cref="PolyphonyException"><c>api_key_invalid</c>.</exception>
    /// <exception cref="CliException">The folder or the port cannot be used, the settings are not valid, or the file is damaged.</exception>
    public static async Task<EmbeddedHost> StartAsync(HostOptions options, CancellationToken cancellationToken)
    {
        AccessOptions.CheckKey(options.ApiKey);
        HostLog? log = null;
        HostTelemetry? telemetry = null;
        WebApplication? app = null;
        try
        {
            // The log lies in the data folder.
            DataFolderAccess.Prepare(options.Settings.DataFolder);
            log = HostLog.Open(options);

            // Who only looks does nothing that could be traced.
            telemetry = options.Paused ? null : HostTelemetry.Start(Environment.GetEnvironmentVariable);
            app = Build(options, log.Factory);
            await app.StartAsync(cancellationToken);
            return new EmbeddedHost(app, log, telemetry);
        }
        catch (Exception e)
        {
            if (app is not null)
            {
                await app.DisposeAsync();
            }

            if (telemetry is not null)
            {
                await telemetry.DisposeAsync();
            }

            log?.Dispose();
            if (Explain(e, options) is { } explained)
            {
                throw explained;
            }

            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        if (_telemetry is not null)
        {
            await _telemetry.DisposeAsync();
        }

        _log.Dispose();
    }

    private static CliException? Explain(Exception cause, HostOptions options) => cause switch
    {
        OptionsValidationException invalid => CliException.Invalid(string.Join(Environment.NewLine, invalid.Failures)),
        PolyphonyException and not DataFolderInUseException => CliException.Host(cause.Message, cause),
        IOException => CliException.Host($"Port {options.Port} on {options.Listen} cannot be opened: {cause.Message} Stop what uses it, or choose another with --port.", cause),
        _ => null,
    };

    private static WebApplication Build(HostOptions options, ILoggerFactory loggerFactory)
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
        builder.Services.AddPolyphony(polyphony => Configure(polyphony, options));

        var app = builder.Build();
        app.Use(next => context => gate.RunRequestAsync(context, next));

        // Every path is Polyphony's here: what is refused before it reaches a route has the same form.
        app.UsePolyphonyAccess(new AccessOptions { ApiKey = options.ApiKey, LoopbackOnly = options.LoopbackOnly });
        app.MapPolyphony();
        return app;
    }

    private static void Configure(PolyphonyOptions polyphony, HostOptions options)
    {
        polyphony.DataFolder = options.Settings.DataFolder;
        polyphony.WorkflowFolders.Add(options.Settings.WorkflowsFolder);
        polyphony.FilesFolder = options.Settings.FilesFolder;
        polyphony.SettingsFile = options.Settings.SettingsFile;
        polyphony.MaxConcurrentActivities = options.Connections.MaxActivities;
        var admission = AdmissionText.Read(options.Settings.MaxUnfinishedInstances, options.Settings.MaxUnfinishedPerWorkflow, polyphony.Problems);
        polyphony.MaxUnfinishedInstances = admission.MaxUnfinished ?? polyphony.MaxUnfinishedInstances;
        foreach (var (workflow, limit) in admission.PerWorkflow)
        {
            polyphony.MaxUnfinishedPerWorkflow[workflow] = limit;
        }

        polyphony.Paused = options.Paused;
        polyphony.RunSchedules = options.RunSchedules;
        polyphony.MaxUploadBytes = options.Connections.MaxUploadBytes;
        polyphony.Heartbeat = options.Heartbeat;
        polyphony.AllowInlineDefinitions = options.LoopbackOnly;
        polyphony.OpenApiPath = PolyphonyEndpoints.DefaultOpenApiPath;
        polyphony.MakeOwnerToken = options.Paused ? null : () => Hosting.OwnerToken.Create(options.Settings);
    }
}
