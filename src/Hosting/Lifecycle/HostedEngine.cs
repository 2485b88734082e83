using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Polyphony.Activities;
using Polyphony.Activities.Apps;
using Polyphony.Activities.Locks;
using Polyphony.Activities.Schedules;
using Polyphony.Activities.Tools;
using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Runs;
using Polyphony.Engine;
using Polyphony.Hosting.DataFolders;
using Polyphony.Hosting.Settings;

namespace Polyphony.Hosting.Lifecycle;

/// <summary>
/// The embedded engine of an app. It starts before the other hosted services do, and stops after they have. When it is stopped by an error of the disk, the app is stopped. Thread-safe.
/// </summary>
/// <param name="services">The app's services.</param>
/// <param name="options">The options, valid.</param>
/// <param name="settings">What they come to.</param>
/// <param name="timeProvider">The clock.</param>
/// <param name="loggerFactory">Makes the loggers.</param>
internal sealed class HostedEngine(
    IServiceProvider services, IOptions<PolyphonyOptions> options, HostSettings settings, TimeProvider timeProvider, ILoggerFactory loggerFactory) : IHostedLifecycleService, IAsyncDisposable
{
    private readonly ILogger _log = loggerFactory.CreateLogger("Polyphony.Hosting");
    private volatile EmbeddedEngine? _engine;

    /// <summary>Gets the engine; once it has stopped, every call of it fails with <c>engine_stopped</c>.</summary>
    /// <exception cref="PolyphonyException"><c>engine_not_started</c>: the app has not started yet.</exception>
    public EmbeddedEngine Engine => _engine ?? throw new PolyphonyException(
        "engine_not_started", "Polyphony has not started yet. It starts with the app, before the hosted services: use it in StartAsync or ExecuteAsync, not in a constructor or before the app runs.");

    /// <summary>Gets why requests cannot be served, or <see langword="null"/>.</summary>
    public string? NotReadyReason => _engine is not { } engine ? "The engine has not started yet." : engine.Completion.IsCompleted ? "The engine has stopped." : engine.WaitsFor;

    /// <summary>Gets the secret that shows that a request is the owner's, if there is one.</summary>
    public string? OwnerToken { get; private set; }

    /// <summary>Opens the data file; unfinished instances continue.</summary>
    /// <param name="cancellationToken">Gives up the start.</param>
    /// <returns>A task that completes when the engine runs.</returns>
    /// <exception cref="DataFolderInUseException">Another process has the data folder.</exception>
    /// <exception cref="PolyphonyException">The folder or the file cannot be used.</exception>
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        if (settings.DataFile is { } file)
        {
            DataFolderAccess.Prepare(Path.GetDirectoryName(file)!);
        }

        try
        {
            _engine = await EmbeddedEngine.StartAsync(EngineOptions(), Register, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PolyphonyException("data_file_failed", $"The data file \"{settings.DataFile}\" cannot be opened: {e.Message}", e);
        }

        OwnerToken = options.Value.MakeOwnerToken?.Invoke();
        _ = WatchAsync(_engine);
        foreach (var (folder, problem) in services.GetRequiredService<AppCatalog>().Problems)
        {
            _log.WorkflowProblem(folder, problem.ToString());
        }
        _log.EngineStarted(settings.DataFile ?? "memory", _engine.UnfinishedInstances);
    }

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Tells other processes where this one can be reached, if it serves the routes.</summary>
    /// <param name="cancellationToken">Not used.</param>
    /// <returns>A completed task.</returns>
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        services.GetRequiredService<Routes.MappedRoutes>().Announce(services, options.Value, Engine, _log);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Stops the engine and closes the data file; unfinished instances continue at the next start.</summary>
    /// <param name="cancellationToken">Not used: the engine has its own limit, <see cref="PolyphonyOptions.StopTimeout"/>.</param>
    /// <returns>A task that completes when the file is closed.</returns>
    public Task StoppedAsync(CancellationToken cancellationToken) => DisposeAsync().AsTask();

    /// <summary>Stops the engine, if it runs.</summary>
    /// <returns>A task that completes when the file is closed.</returns>
    public ValueTask DisposeAsync() => _engine?.DisposeAsync() ?? ValueTask.CompletedTask;

    private void Register(EmbeddedEngine engine, DurableRegistry registry) => services.GetRequiredService<AppActivities>().Register(
        registry,
        InterpreterOptions.InMemory,
        new ActivitiesOptions { ToolTimeout = options.Value.ToolTimeout, PayloadCacheBytes = options.Value.PayloadCacheBytes },
        settings.Models,
        new FileTools(settings.FilesFolder, settings.Models.Tools.Files, settings.DataFile is { } file ? [Path.GetDirectoryName(file)!] : []),
        engine.Definitions,
        engine.Payloads,
        engine.Ledger,
        MakeSchedules(engine),
        new LockActivity(() => engine.Client));

    // With a client of its own: what is due is started as soon as the engine goes on, before the services know it.
    private ScheduleActivity MakeSchedules(EmbeddedEngine engine)
    {
        var client = new Lazy<WorkflowClient>(() => new WorkflowClient(
            engine.Client, services.GetRequiredService<IWorkflowCatalog>(), engine.Definitions, engine.Payloads, settings.Models.CheckPrices(), settings.Models.Endpoints, engine.Ledger));
        return new ScheduleActivity(() => client.Value, options.Value.RunSchedules, timeProvider, loggerFactory);
    }

    private EngineOptions EngineOptions() => new()
    {
        Path = settings.DataFile,
        TimeProvider = timeProvider,
        LoggerFactory = loggerFactory,
        Durability = options.Value.Durability,
        MaxConcurrentActivities = options.Value.MaxConcurrentActivities,
        MaxLiveInstances = options.Value.MaxLiveInstances,
        StopTimeout = options.Value.StopTimeout,
        Paused = options.Value.Paused,
    };

    private async Task WatchAsync(EmbeddedEngine engine)
    {
        try
        {
            await engine.Completion;
        }
        catch (Exception e)
        {
            // Whatever it is: nothing that the app is here for gets on any more.
            _log.EngineFailed(e, e.Message);
            services.GetService<IHostApplicationLifetime>()?.StopApplication();
        }
    }
}
