namespace Polyphony.Core.Durable;

/// <summary>
/// One operation of an entity. Operations of an entity run one at a time, in the order of arrival; the new state and everything sent
/// commit together when the operation returns; nothing commits when it throws.
/// </summary>
public abstract class EntityContext
{
    /// <summary>Gets the entity's id.</summary>
    public abstract EntityId Id { get; }

    /// <summary>Gets the operation's name.</summary>
    public abstract string Operation { get; }

    /// <summary>Gets the operation's input as JSON, or <see langword="null"/>.</summary>
    public abstract string? Input { get; }

    /// <summary>Gets or sets the state as JSON; <see langword="null"/> if there is none yet, and to delete the entity.</summary>
    public abstract string? State { get; set; }

    /// <summary>
    /// Gets a value indicating whether an operation's state and everything it sends commit together also through a crash. Where not, what was sent may be on its way, and the operation runs again.
    /// </summary>
    public virtual bool CommitsAtOnce => true;

    /// <summary>Gets the time at which the operation began.</summary>
    public abstract DateTimeOffset CurrentUtcDateTime { get; }

    /// <summary>Sends an operation to another entity, or to this one.</summary>
    /// <param name="entity">The entity.</param>
    /// <param name="operation">The operation's name.</param>
    /// <param name="input">JSON, or <see langword="null"/>.</param>
    /// <param name="deliverAt">When at the earliest, or <see langword="null"/> for at once.</param>
    public abstract void SignalEntity(EntityId entity, string operation, string? input, DateTimeOffset? deliverAt = null);

    /// <summary>Starts an instance. Nothing happens if its id was used before.</summary>
    /// <param name="name">The registered name of the orchestration.</param>
    /// <param name="input">JSON, or <see langword="null"/>.</param>
    /// <param name="instanceId">The id.</param>
    public abstract void StartOrchestration(string name, string? input, string instanceId);

    /// <summary>Sends an event to an instance; dropped if that instance is unknown or finished.</summary>
    /// <param name="instanceId">The receiver.</param>
    /// <param name="eventName">The event's name.</param>
    /// <param name="payload">JSON, or <see langword="null"/>.</param>
    public abstract void SendEvent(string instanceId, string eventName, string? payload);
}
