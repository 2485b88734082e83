using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Runtime;

/// <summary>What instances and entities need of the engine around them.</summary>
internal interface IActorHost
{
    StopState Stop { get; }

    IWorkScheduler Scheduler { get; }

    /// <summary>Takes one step of an instance. One at a time per instance.</summary>
    void RunStep(Instance instance);

    /// <summary>Makes what executes operations of an entity. One at a time per entity.</summary>
    EntityBatch MakeBatch(EntityActor actor, List<EntityMessage> messages);

    /// <summary>Finds where an instance stands whose parent has started it before the engine did.</summary>
    Lineage FindLineage(InstanceRow row);
}
