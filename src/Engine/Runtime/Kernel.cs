using Microsoft.Extensions.Logging;
using Polyphony.Core.Durable;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Runtime;

/// <summary>
/// The engine's core: makes the parts and joins them. A step (<see cref="Steps"/>) takes what has arrived for an instance, runs its code, and brings
/// the result to the committer; what the step set off happens after the commit. What is in memory is a cache of the log: it can be rebuilt at any
/// commit (<see cref="Recovery"/>). Parts get what they need when they are made; records and steps, which may touch anything, reach it through here.
/// </summary>
internal sealed class Kernel : IActorHost, IDisposable
{
    internal const string LogCategory = "Polyphony.Engine";

    private readonly Committer _committer;

    internal Kernel(EngineOptions options, DurableRegistry registry, Store store, IWorkScheduler scheduler)
    {
        Options = options;
        Registry = registry;
        Store = store;
        Scheduler = scheduler;
        Logger = options.LoggerFactory.CreateLogger(LogCategory);
        Damaged = new DamagedInstances(Logger);
        Timers = new TimerQueue(Clock);
        Activities = new ActivityDispatcher(registry, scheduler, Instances, options.MaxConcurrentActivities, Logger);
        Tasks = new TaskStarter(Activities, Timers, Clock);
        Entities = new EntityTable(this, Journal, Timers, Clock);
        Lifecycle = new InstanceLifecycle(this, store, Journal, Instances, Activities, Tasks, Logger);
        Recovery = new Recovery(this, options, store, Journal, Instances, Damaged, Entities, Tasks, Logger);
        Steps = new StepRunner(this);
        _committer = new Committer(new BatchWriter(store, Journal, options.CommitHook, Stop, cause => Shutdown!.Fatal(cause)), scheduler, Stop);
        Shutdown = new Shutdown(Stop, store, Journal, _committer, Instances, Activities, Timers, options.StopTimeout, Logger);
    }

    /// <inheritdoc/>
    public IWorkScheduler Scheduler { get; }

    /// <inheritdoc/>
    public StopState Stop { get; } = new();

    internal EngineOptions Options { get; }

    internal DurableRegistry Registry { get; }

    internal Store Store { get; }

    internal TimeProvider Clock => Options.TimeProvider;

    internal ILogger Logger { get; }

    internal TimerQueue Timers { get; }

    internal ActivityDispatcher Activities { get; }

    internal TaskStarter Tasks { get; }

    internal Journal Journal { get; } = new();

    /// <summary>Gets the unfinished instances by id.</summary>
    internal InstanceTable Instances { get; } = new();

    /// <summary>Gets the unfinished instances that cannot be read.</summary>
    internal DamagedInstances Damaged { get; }

    internal EntityTable Entities { get; }

    internal InstanceLifecycle Lifecycle { get; }

    internal StepRunner Steps { get; }

    internal Recovery Recovery { get; }

    internal Shutdown Shutdown { get; }

    internal void Enqueue(CommitRecord record) => _committer.Enqueue(record);

    /// <summary>Refuses what a caller wants to have written while the disk is full. What is in the engine waits for room; callers are told, and come again.</summary>
    /// <exception cref="PolyphonyException">Code <c>data_file_full</c>.</exception>
    internal void CheckRoom()
    {
        if (Store.Wait.IsFull)
        {
            throw new PolyphonyException("data_file_full", $"{Store.WaitsFor}. Free some space; the host then continues by itself.");
        }
    }

    /// <exception cref="PolyphonyException">No orchestration has this name.</exception>
    internal void CheckRegistered(string name)
    {
        if (!Registry.Orchestrations.ContainsKey(name))
        {
            throw new PolyphonyException("unknown_orchestration", $"No orchestration \"{name}\" is registered on this host. Register it, or correct the name.");
        }
    }

    /// <inheritdoc/>
    public void RunStep(Instance instance) => Steps.Run(instance);

    /// <inheritdoc/>
    public EntityBatch MakeBatch(EntityActor actor, List<EntityMessage> messages) => new(this, actor, messages);

    /// <inheritdoc/>
    public Lineage FindLineage(InstanceRow row) => Instances.FindLineage(row, Registry);

    /// <summary>Frees what the kernel holds, after it has stopped.</summary>
    public void Dispose()
    {
        _committer.Dispose();
        Timers.Dispose();
        (Scheduler as IDisposable)?.Dispose();
    }
}
