using System.Security.Cryptography;
using System.Text;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Ledger;
using Polyphony.Core.Payloads;
using Polyphony.Engine.Runtime;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Simulation;

/// <summary>
/// Runs the engine and a test in one thread, in an order drawn from a seed: which step, activity, commit or call of the test comes next. Time
/// is a <see cref="SkippingClock"/>. The engine may be crashed at any commit, and is started again on what was committed.
/// </summary>
/// <remarks>
/// Code of the test and activities should wait only for the simulation (its client, its clock, each other) and not use
/// <c>ConfigureAwait(false)</c>: what runs elsewhere is waited for, but its order is not the seed's.
/// </remarks>
internal sealed class SeededSimulation
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly SimulationOptions _options;
    private readonly Action<SeededSimulation, EmbeddedEngine, DurableRegistry> _configure;
    private readonly SimulationLoop _loop;
    private readonly Store _store;
    private readonly Hook _hook;
    private EmbeddedEngine _engine = null!;
    private int _ids;

    private SeededSimulation(SimulationOptions options, Action<SeededSimulation, EmbeddedEngine, DurableRegistry> configure, SimulationLoop loop, Store store)
    {
        _options = options;
        _configure = configure;
        _loop = loop;
        _store = store;
        _hook = new Hook(options, loop);
        Clock = new SkippingClock(options.Start);
        Client = new SimulatedClient(this);
    }

    /// <summary>Gets a client that outlives crashes: reads, waits and starts with an id are repeated, other calls fail with <c>engine_stopped</c>.</summary>
    public DurableClient Client { get; }

    /// <summary>Gets the clock.</summary>
    public SkippingClock Clock { get; }

    /// <summary>Gets the payload store of the running engine.</summary>
    public IPayloadStore Payloads => _engine.Payloads;

    /// <summary>Gets the ledger of the running engine.</summary>
    public ILedger Ledger => _engine.Ledger;

    /// <summary>Gets the definitions of the running engine.</summary>
    public IDefinitionStore Definitions => _engine.Definitions;

    /// <summary>Gets how many crashes there were so far.</summary>
    public int Crashes { get; private set; }

    internal DurableClient CurrentClient => _engine.Client;

    /// <summary>Runs a simulation to the end of <paramref name="body"/>.</summary>
    /// <param name="options">The options; <see langword="null"/> for the defaults.</param>
    /// <param name="registry">Makes what the engine runs; called at every start of it.</param>
    /// <param name="body">The test.</param>
    /// <returns>What came of it.</returns>
    /// <exception cref="TimeoutException">The body waits, and nothing can happen any more.</exception>
    public static SimulationResult Run(SimulationOptions options, Func<SeededSimulation, DurableRegistry> registry, Func<SeededSimulation, Task> body) =>
        Run(options, (simulation, _, filled) => filled.AddAll(registry(simulation)), body);

    /// <summary>Runs a simulation of functions that need the engine's stores.</summary>
    /// <param name="options">The options; <see langword="null"/> for the defaults.</param>
    /// <param name="configure">Fills the registry, as for <see cref="EmbeddedEngine.StartAsync(EngineOptions, Action{EmbeddedEngine, DurableRegistry}, CancellationToken)"/>; called at every start of the engine.</param>
    /// <param name="body">The test.</param>
    /// <returns>What came of it.</returns>
    /// <exception cref="TimeoutException">The body waits, and nothing can happen any more.</exception>
    public static SimulationResult Run(
        SimulationOptions options, Action<SeededSimulation, EmbeddedEngine, DurableRegistry> configure, Func<SeededSimulation, Task> body)
    {
        using var loop = new SimulationLoop(options.Seed);
        using var store = Store.Open(null, Durability.Full);
        var simulation = new SeededSimulation(options, configure, loop, store);
        return simulation.Run(body);
    }

    private SimulationResult Run(Func<SeededSimulation, Task> body)
    {
        var outer = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            StartEngine();
            Task? ending = null;
            var context = new Context(_loop);
            context.Post(_ => ending = body(this), null);
            while (ending is not { IsCompleted: true })
            {
                Turn(ending);
            }

            _engine.Abandon();
            ending.GetAwaiter().GetResult();
            return new SimulationResult(_hook.Commits, Crashes, Digest());
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(outer);
        }
    }

    /// <summary>Runs one thing: something ready, else the next timer.</summary>
    private void Turn(Task? ending)
    {
        if (_loop.Take() is { } work)
        {
            work();
        }
        else if (!Clock.TrySkip() && !_loop.WaitForMore(Patience) && ending is not { IsCompleted: true })
        {
            throw new TimeoutException(
                $"The simulation with seed {_options.Seed} stands still at {Clock.GetUtcNow():O}: the test waits, {_engine.UnfinishedInstances} instances are unfinished, and nothing is due.");
        }

        if (_hook.HasCrashed)
        {
            Crashes++;
            _engine.Abandon();
            StartEngine();
        }
        else if (_engine.Completion.IsFaulted)
        {
            // Not a crash of ours: a fault of the engine.
            _engine.Completion.GetAwaiter().GetResult();
        }
    }

    private void StartEngine()
    {
        _hook.HasCrashed = false;
        _loop.BeginEpoch();
        var options = new EngineOptions
        {
            TimeProvider = Clock,
            Scheduler = new SeededScheduler(_loop, Clock),
            CommitHook = _hook,
            MaxLiveInstances = _options.MaxLiveInstances,
            NewId = () => $"run-{++_ids}",
        };
        _engine = EmbeddedEngine.StartOver(_store, options, new DurableRegistry(), (engine, registry) => _configure(this, engine, registry));
    }

    private string Digest()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var table in new[] { "instances", "log", "entities", "entity_inbox", "payloads", "payload_owners", "ledger", "definitions" })
        {
            _store.Read(reader =>
            {
                using var rows = reader.Database.Prepare($"SELECT * FROM {table} ORDER BY 1, 2");
                while (rows.Step())
                {
                    for (var column = 0; column < rows.Columns; column++)
                    {
                        hash.AppendData(rows.Blob(column));
                        hash.AppendData(Encoding.ASCII.GetBytes($"|{table}"));
                    }
                }

                return 0;
            });
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Brings the test's continuations into the loop.</summary>
    private sealed class Context(SimulationLoop loop) : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state) => loop.Add(0, () =>
        {
            var outer = Current;
            SetSynchronizationContext(this);
            try
            {
                d(state);
            }
            finally
            {
                SetSynchronizationContext(outer);
            }
        });

        public override SynchronizationContext CreateCopy() => this;
    }

    private sealed class Hook(SimulationOptions options, SimulationLoop loop) : ICommitHook
    {
        private int _byChance;

        internal int Commits { get; private set; }

        internal bool HasCrashed { get; set; }

        public void BeforeCommit()
        {
            Commits++;
            CrashIf(CrashPoint.BeforeCommit);
        }

        public void AfterCommit() => CrashIf(CrashPoint.AfterCommit);

        private void CrashIf(CrashPoint point)
        {
            var byChance = options.CrashProbability > 0 && _byChance < options.MaxCrashes && loop.Draw() < options.CrashProbability;
            _byChance += byChance ? 1 : 0;
            if (byChance || (Commits == options.CrashAtCommit && point == options.CrashPoint))
            {
                HasCrashed = true;
                throw new SimulatedCrashException();
            }
        }
    }
}
