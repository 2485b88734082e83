using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Ledger;
using Polyphony.Core.Payloads;
using Polyphony.Engine.Clients;
using Polyphony.Engine.Runtime;
using Polyphony.Engine.Simulation;
using Polyphony.Engine.Storage;
using Polyphony.Engine.Stores;

namespace Polyphony.Engine;

/// <summary>
/// The embedded durable engine: one process, one SQLite file (or memory). Whatever a call reports as done is committed; after a crash
/// the next start continues from the last commit. Activities run at least once, everything else exactly once. Thread-safe.
/// </summary>
public sealed class EmbeddedEngine : IAsyncDisposable
{
    private readonly Kernel _kernel;
    private readonly OwnerLock? _owner;
    private readonly bool _ownsStore;
    private int _disposed;

    internal Kernel Kernel => _kernel;

    private EmbeddedEngine(Kernel kernel, OwnerLock? owner, bool ownsStore)
    {
        _kernel = kernel;
        _owner = owner;
        _ownsStore = ownsStore;
        Client = new EmbeddedClient(kernel);
        Payloads = new EmbeddedPayloadStore(kernel);
        Ledger = new EmbeddedLedger(kernel);
        Definitions = new EmbeddedDefinitionStore(kernel);
    }

    /// <summary>Gets the client.</summary>
    public DurableClient Client { get; }

    /// <summary>Gets the store of large values, in the same file.</summary>
    public IPayloadStore Payloads { get; }

    /// <summary>Gets the ledger of model calls, in the same file.</summary>
    public ILedger Ledger { get; }

    /// <summary>Gets the store of workflow definitions, in the same file.</summary>
    public IDefinitionStore Definitions { get; }

    /// <summary>
    /// Gets a task that ends when the engine has stopped: successfully after <see cref="DisposeAsync"/>, faulted when an error of the
    /// disk stopped it. What was committed before is safe then; every later call fails with code <c>engine_stopped</c>.
    /// </summary>
    public Task Completion => _kernel.Stop.Completion;

    /// <summary>Gets how many activities run and how many are ready but wait for a free place.</summary>
    public (int Running, int Ready) Activities => _kernel.Activities.Counts;

    /// <summary>Gets when the next durable timer is due, or <see langword="null"/> if there is none.</summary>
    public DateTimeOffset? NextTimer => _kernel.Timers.NextDue;

    /// <summary>Gets why nothing can be written at present (another process holds the file's write lock, the disk is full), or <see langword="null"/>.</summary>
    public string? WaitsFor => _kernel.Store.WaitsFor;

    /// <summary>Gets the number of unfinished instances.</summary>
    public int UnfinishedInstances => _kernel.Instances.Count;

    /// <summary>Starts an engine: opens the file, reads every unfinished instance, and lets them continue.</summary>
    /// <param name="options">How it runs.</param>
    /// <param name="registry">What it runs; not changed afterwards.</param>
    /// <param name="cancellationToken">Gives up the start.</param>
    /// <returns>The running engine.</returns>
    /// <exception cref="PolyphonyException">
    /// <c>invalid_options</c>; <c>data_folder_in_use</c> (<see cref="DataFolderInUseException"/>); <c>data_file_corrupt</c>,
    /// <c>data_file_version</c> or <c>data_file_failed</c> (<see cref="DataFileException"/>): the file was left as it is.
    /// </exception>
    public static async Task<EmbeddedEngine> StartAsync(EngineOptions options, DurableRegistry registry, CancellationToken cancellationToken = default)
    {
        options.Validate();

        // Reading many instances takes a while, and callers may be on a thread that should not.
        return options.Scheduler is null ? await Task.Run(() => Start(options, registry), cancellationToken) : Start(options, registry);
    }

    /// <summary>Starts an engine whose functions need its stores, as the interpreter needs the definitions.</summary>
    /// <param name="options">How it runs.</param>
    /// <param name="configure">Fills the registry; called once, after the file is open and before any instance continues. May use the stores, not the client.</param>
    /// <param name="cancellationToken">Gives up the start.</param>
    /// <returns>The running engine.</returns>
    /// <inheritdoc cref="StartAsync(EngineOptions, DurableRegistry, CancellationToken)" path="/exception"/>
    public static async Task<EmbeddedEngine> StartAsync(
        EngineOptions options, Action<EmbeddedEngine, DurableRegistry> configure, CancellationToken cancellationToken = default)
    {
        options.Validate();
        var registry = new DurableRegistry();
        return options.Scheduler is null
            ? await Task.Run(() => Start(options, registry, configure), cancellationToken)
            : Start(options, registry, configure);
    }

    /// <summary>Starts an engine over a store that outlives it, so that a simulation can crash one and start the next.</summary>
    internal static EmbeddedEngine StartOver(
        Store store, EngineOptions options, DurableRegistry registry, Action<EmbeddedEngine, DurableRegistry>? configure = null) =>
        Start(store, options, registry, null, ownsStore: false, configure);

    /// <summary>Changes the note that other processes see, such as the URL once the port is known.</summary>
    /// <param name="note">The note.</param>
    public void SetOwnerNote(string? note) => _owner?.SetNote(note);

    /// <summary>
    /// Stops: activities are asked to end and waited for (<see cref="EngineOptions.StopTimeout"/>), what waits is committed, the file is
    /// closed. Unfinished instances continue at the next start.
    /// </summary>
    /// <returns>A task that completes when the file is closed.</returns>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1)
        {
            return;
        }

        try
        {
            await _kernel.Shutdown.StopAsync();
        }
        finally
        {
            Close();
        }
    }

    /// <summary>Drops the engine as a crash would; a store that it was started over stays open for the next.</summary>
    internal void Abandon()
    {
        _disposed = 1;
        _kernel.Shutdown.Crash();
        Close();
    }

    private static EmbeddedEngine Start(EngineOptions options, DurableRegistry registry, Action<EmbeddedEngine, DurableRegistry>? configure = null)
    {
        var owner = options.Path is null ? null : OwnerLock.Acquire(options.Path, options.TimeProvider.GetUtcNow(), options.OwnerNote);
        Store? store = null;
        try
        {
            store = Store.Open(options.Path, options.Durability, options.LoggerFactory.CreateLogger(Kernel.LogCategory));
            return Start(store, options, registry, owner, ownsStore: true, configure);
        }
        catch
        {
            store?.Dispose();
            owner?.Dispose();
            throw;
        }
    }

    private static EmbeddedEngine Start(
        Store store, EngineOptions options, DurableRegistry registry, OwnerLock? owner, bool ownsStore, Action<EmbeddedEngine, DurableRegistry>? configure)
    {
        var scheduler = options.Scheduler ?? (options.TimeProvider is SkippingClock clock ? new SkippingScheduler(clock) : new ThreadPoolScheduler());
        var kernel = new Kernel(options, registry, store, scheduler);
        try
        {
            var engine = new EmbeddedEngine(kernel, owner, ownsStore);
            configure?.Invoke(engine, registry);
            kernel.Recovery.Recover();
            return engine;
        }
        catch (Exception e)
        {
            kernel.Shutdown.Fatal(e);
            kernel.Dispose();
            throw;
        }
    }

    private void Close()
    {
        _kernel.Dispose();
        if (_ownsStore)
        {
            _kernel.Store.Dispose();
        }

        _owner?.Dispose();
    }
}
