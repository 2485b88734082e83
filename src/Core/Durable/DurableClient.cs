using Polyphony.Core.Durable.History;

namespace Polyphony.Core.Durable;

/// <summary>Starts, watches and manages instances. Thread-safe. When a call reports success, its effect is committed.</summary>
public abstract class DurableClient
{
    /// <summary>Throws immediately if a write would have to wait, for callers that write elsewhere first. Does nothing in an engine whose store never waits for space.</summary>
    /// <exception cref="PolyphonyException">Nothing can be written at present; code <c>data_file_full</c>.</exception>
    public virtual void CheckWritable()
    {
    }

    /// <summary>Gets a value indicating whether an entity gets signals in the order in which <see cref="SignalEntityAsync"/> has completed for them, also after a crash.</summary>
    public virtual bool KeepsSignalsInOrder => true;

    /// <summary>Starts an instance. Committed when the task completes.</summary>
    /// <param name="name">The registered name of the orchestration.</param>
    /// <param name="input">JSON, or <see langword="null"/>.</param>
    /// <param name="options">The options; <see langword="null"/> for the defaults.</param>
    /// <param name="cancellationToken">Cancels the wait; the start may already have been committed.</param>
    /// <returns>The instance's id.</returns>
    /// <exception cref="InstanceExistsException">The id was used before.</exception>
    /// <exception cref="QueueFullException">The limits of the options don't allow it.</exception>
    public abstract Task<string> StartAsync(string name, string? input, StartOrchestrationOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Reads an instance.</summary>
    /// <param name="instanceId">The id.</param>
    /// <param name="fetchInputsAndOutputs">Whether input and output are read.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The instance, or <see langword="null"/> if there is none.</returns>
    public abstract Task<OrchestrationMetadata?> GetAsync(string instanceId, bool fetchInputsAndOutputs = true, CancellationToken cancellationToken = default);

    /// <summary>Lists instances, newest first.</summary>
    /// <param name="query">Which.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>A page.</returns>
    public abstract Task<OrchestrationPage> QueryAsync(OrchestrationQuery query, CancellationToken cancellationToken = default);

    /// <summary>Reads the history, oldest first, including generations before the last "continue as new" as far as the engine keeps them.</summary>
    /// <param name="instanceId">The id.</param>
    /// <param name="fromSequence">The first <see cref="HistoryEvent.Sequence"/> wanted; 0 for all.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The events.</returns>
    /// <exception cref="InstanceNotFoundException">There is no such instance.</exception>
    public abstract Task<IReadOnlyList<HistoryEvent>> GetHistoryAsync(string instanceId, long fromSequence = 0, CancellationToken cancellationToken = default);

    /// <summary>Waits until the instance has changed since <paramref name="knownVersion"/> or has finished. Engines without notifications poll.</summary>
    /// <param name="instanceId">The id.</param>
    /// <param name="knownVersion">The <see cref="OrchestrationMetadata.Version"/> that the caller has seen; 0 returns at once.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The instance as it is then (without input and output), or <see langword="null"/> if there is none.</returns>
    public abstract Task<OrchestrationMetadata?> WaitForChangeAsync(string instanceId, long knownVersion, CancellationToken cancellationToken = default);

    /// <summary>Waits until the instance has finished.</summary>
    /// <param name="instanceId">The id.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The finished instance with input and output.</returns>
    /// <exception cref="InstanceNotFoundException">There is no such instance.</exception>
    public virtual async Task<OrchestrationMetadata> WaitForCompletionAsync(string instanceId, CancellationToken cancellationToken = default)
    {
        long version = 0;
        while (true)
        {
            var metadata = await WaitForChangeAsync(instanceId, version, cancellationToken) ?? throw new InstanceNotFoundException(instanceId);
            if (metadata.IsFinished)
            {
                return await GetAsync(instanceId, fetchInputsAndOutputs: true, cancellationToken) ?? metadata;
            }

            version = metadata.Version;
        }
    }

    /// <summary>Sends an event to an instance. Kept in order until the instance waits for it; delivered exactly once.</summary>
    /// <param name="instanceId">The id.</param>
    /// <param name="eventName">The event's name, compared case-insensitively.</param>
    /// <param name="payload">JSON, or <see langword="null"/>.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>A task that completes when the event is committed.</returns>
    /// <exception cref="InstanceNotFoundException">There is no such instance.</exception>
    /// <exception cref="InvalidInstanceStatusException">It has finished.</exception>
    public abstract Task RaiseEventAsync(string instanceId, string eventName, string? payload, CancellationToken cancellationToken = default);

    /// <summary>Suspends an instance: it takes no further steps, but results and events are kept for it. No effect if it is already suspended.</summary>
    /// <param name="instanceId">The id.</param>
    /// <param name="reason">The reason; kept in the history.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>A task that completes when this is committed.</returns>
    /// <exception cref="InstanceNotFoundException">There is no such instance.</exception>
    /// <exception cref="InvalidInstanceStatusException">It has finished.</exception>
    public abstract Task SuspendAsync(string instanceId, string? reason = null, CancellationToken cancellationToken = default);

    /// <summary>Resumes a suspended instance. No effect if it is running.</summary>
    /// <param name="instanceId">The id.</param>
    /// <param name="reason">The reason; kept in the history.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>A task that completes when this is committed.</returns>
    /// <exception cref="InstanceNotFoundException">There is no such instance.</exception>
    /// <exception cref="InvalidInstanceStatusException">It has finished.</exception>
    public abstract Task ResumeAsync(string instanceId, string? reason = null, CancellationToken cancellationToken = default);

    /// <summary>Ends an instance and its unfinished children. Activities under way are cancelled and their results dropped; those that have not begun never begin.</summary>
    /// <param name="instanceId">The id.</param>
    /// <param name="output">JSON that becomes the output, or <see langword="null"/>.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>A task that completes when this is committed.</returns>
    /// <exception cref="InstanceNotFoundException">There is no such instance.</exception>
    /// <exception cref="InvalidInstanceStatusException">It has finished.</exception>
    public abstract Task TerminateAsync(string instanceId, string? output = null, CancellationToken cancellationToken = default);

    /// <summary>Starts a new instance with the name, input and tags of a finished one.</summary>
    /// <param name="instanceId">The id of the finished instance.</param>
    /// <param name="newInstanceId">The new instance's id, or <see langword="null"/> for a new one.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The new instance's id.</returns>
    /// <exception cref="InstanceNotFoundException">There is no such instance.</exception>
    /// <exception cref="InvalidInstanceStatusException">It has not finished.</exception>
    /// <exception cref="InstanceExistsException">The new id was used before.</exception>
    public abstract Task<string> RestartAsync(string instanceId, string? newInstanceId = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Runs a failed instance again from where it failed: failed activities and children are removed from its history and run
    /// again; what succeeded is kept. Failed children are rewound too.
    /// </summary>
    /// <param name="instanceId">The id.</param>
    /// <param name="reason">The reason; kept in the history.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>A task that completes when this is committed.</returns>
    /// <exception cref="InstanceNotFoundException">There is no such instance.</exception>
    /// <exception cref="InvalidInstanceStatusException">It has not failed.</exception>
    public abstract Task RewindAsync(string instanceId, string? reason = null, CancellationToken cancellationToken = default);

    /// <summary>Removes a finished instance, its children and their histories. The id may be used again afterwards.</summary>
    /// <param name="instanceId">The id.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>How many instances were removed: 0 if there was none.</returns>
    /// <exception cref="InvalidInstanceStatusException">It has not finished.</exception>
    public abstract Task<int> PurgeAsync(string instanceId, CancellationToken cancellationToken = default);

    /// <summary>Sends an operation to an entity. Delivered exactly once, in order per sender; committed when the task completes.</summary>
    /// <param name="entity">The entity.</param>
    /// <param name="operation">The operation's name.</param>
    /// <param name="input">JSON, or <see langword="null"/>.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>A task that completes when the signal is committed, not when it has been executed.</returns>
    public abstract Task SignalEntityAsync(EntityId entity, string operation, string? input, CancellationToken cancellationToken = default);

    /// <summary>Reads an entity's state as of its last committed operation.</summary>
    /// <param name="entity">The entity.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The state as JSON, or <see langword="null"/> if the entity does not exist.</returns>
    public abstract Task<string?> GetEntityStateAsync(EntityId entity, CancellationToken cancellationToken = default);

    /// <summary>Refuses a start that <see cref="StartAsync"/> would refuse, for callers that write elsewhere first. One that passes here may be refused there.</summary>
    /// <param name="limits">The limits.</param>
    /// <param name="workflow">The workflow to start.</param>
    /// <param name="instanceId">The id of the new instance.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>A task that completes when it is known.</returns>
    /// <exception cref="QueueFullException">The limits don't allow it, and there is no instance with this id.</exception>
    internal abstract Task CheckAdmissionAsync(AdmissionLimits limits, string workflow, string instanceId, CancellationToken cancellationToken);

    /// <summary>Counts the unfinished instances, and reads the oldest of them. Costs as much however many have finished.</summary>
    /// <param name="most">How many are read; an engine may have a lower limit of its own.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>What there is.</returns>
    internal abstract Task<UnfinishedInstances> ReadUnfinishedAsync(int most, CancellationToken cancellationToken);
}
