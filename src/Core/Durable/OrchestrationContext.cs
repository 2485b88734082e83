using Microsoft.Extensions.Logging;

namespace Polyphony.Core.Durable;

/// <summary>
/// Everything that orchestrator code may use. The code is replayed against its history, so it must
/// take the same steps every time.
/// </summary>
/// <remarks>
/// <para>Calls return tasks that complete only through the history; awaiting any other task in orchestrator code is an error that
/// engines report. Continuations run one at a time, on no particular thread.</para>
/// <para>Payloads are JSON texts, or <see langword="null"/>. The type-safe overloads are in <see cref="OrchestrationContextExtensions"/>.
/// A payload above <see cref="DurableLimits.MaxPayloadBytes"/> is refused with <see cref="PayloadTooLargeException"/>.</para>
/// </remarks>
public abstract class OrchestrationContext
{
    /// <summary>Gets the name under which the orchestration was started.</summary>
    public abstract string Name { get; }

    /// <summary>Gets the id of this instance.</summary>
    public abstract string InstanceId { get; }

    /// <summary>Gets the instance that started this one, or <see langword="null"/> when a client did.</summary>
    public abstract ParentInstance? Parent { get; }

    /// <summary>Gets the time at which the current step began; the same on every replay.</summary>
    public abstract DateTimeOffset CurrentUtcDateTime { get; }

    /// <summary>Gets a value indicating whether the code is being replayed over steps that it took before.</summary>
    public abstract bool IsReplaying { get; }

    /// <summary>Creates an id that is the same on every replay (a version 5 UUID of the instance id and a counter, RFC 9562).</summary>
    /// <returns>The id.</returns>
    public abstract Guid NewGuid();

    /// <summary>Schedules an activity. It runs at least once; its result is applied exactly once.</summary>
    /// <param name="name">The registered name.</param>
    /// <param name="input">JSON, or <see langword="null"/>.</param>
    /// <param name="cancellationToken">
    /// Cancels the call: the task then ends as cancelled, and a result that comes later is dropped. An activity that has not begun never begins. One that is under way sees
    /// <see cref="ActivityContext.CancellationToken"/> cancelled; on Durable Task, which cancels no activities, only once the instance has ended.
    /// </param>
    /// <returns>The activity's result as JSON.</returns>
    /// <exception cref="TaskFailedException">The activity threw.</exception>
    public abstract Task<string?> CallActivityAsync(string name, string? input, CancellationToken cancellationToken = default);

    /// <summary>Starts a child orchestration and waits for its end.</summary>
    /// <param name="name">The registered name.</param>
    /// <param name="instanceId">The child's id, or <see langword="null"/> for one derived from this instance. An id is used once, ever.</param>
    /// <param name="input">JSON, or <see langword="null"/>.</param>
    /// <returns>The child's output as JSON.</returns>
    /// <exception cref="TaskFailedException">The child failed or was terminated, or its id was in use.</exception>
    public abstract Task<string?> CallSubOrchestrationAsync(string name, string? instanceId, string? input);

    /// <summary>Completes at <paramref name="fireAt"/>, or up to about a second earlier on some engines. Holds no thread.</summary>
    /// <param name="fireAt">When; in the past means at once.</param>
    /// <param name="cancellationToken">Cancels the timer; the task then ends as cancelled.</param>
    /// <returns>A task that completes when the timer fires.</returns>
    public abstract Task CreateTimerAsync(DateTimeOffset fireAt, CancellationToken cancellationToken = default);

    /// <summary>
    /// Waits for an event sent to this instance under <paramref name="name"/>. Events that arrive early are kept in order. At most
    /// one wait per name at a time; a cancelled wait takes no event with it.
    /// </summary>
    /// <param name="name">The event's name, compared case-insensitively.</param>
    /// <param name="cancellationToken">Cancels the wait; the task then ends as cancelled.</param>
    /// <returns>The event's payload as JSON.</returns>
    /// <exception cref="InvalidOperationException">A wait for this name is under way.</exception>
    public abstract Task<string?> WaitForExternalEventAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Runs an operation of an entity and waits for its result. Executed exactly once, in the order of arrival.</summary>
    /// <param name="entity">The entity.</param>
    /// <param name="operation">The operation's name.</param>
    /// <param name="input">JSON, or <see langword="null"/>.</param>
    /// <returns>The operation's result as JSON.</returns>
    /// <exception cref="TaskFailedException">The operation threw; the entity's state is as before.</exception>
    public abstract Task<string?> CallEntityAsync(EntityId entity, string operation, string? input);

    /// <summary>Sends an operation to an entity and continues. Delivered exactly once.</summary>
    /// <param name="entity">The entity.</param>
    /// <param name="operation">The operation's name.</param>
    /// <param name="input">JSON, or <see langword="null"/>.</param>
    public abstract void SignalEntity(EntityId entity, string operation, string? input);

    /// <summary>Sends an event to another instance and continues. Delivered exactly once; dropped if that instance is unknown or finished.</summary>
    /// <param name="instanceId">The receiver.</param>
    /// <param name="name">The event's name.</param>
    /// <param name="payload">JSON, or <see langword="null"/>.</param>
    public abstract void SendEvent(string instanceId, string name, string? payload);

    /// <summary>Replaces the custom status, which clients see with the instance. Committed with the current step.</summary>
    /// <param name="status">JSON of at most <see cref="DurableLimits.MaxCustomStatusBytes"/>, or <see langword="null"/>.</param>
    public abstract void SetCustomStatus(string? status);

    /// <summary>
    /// Ends this generation when the orchestrator function returns (its return value is ignored) and starts the next with
    /// <paramref name="input"/> and an empty history. Tasks that are still outstanding are abandoned: their results are ignored.
    /// </summary>
    /// <param name="input">JSON, or <see langword="null"/>.</param>
    /// <param name="preserveUnprocessedEvents">Whether events nobody waited for move to the next generation, in order.</param>
    public abstract void ContinueAsNew(string? input, bool preserveUnprocessedEvents = true);

    /// <summary>Creates a logger that is silent while the code is being replayed.</summary>
    /// <param name="category">The category.</param>
    /// <returns>The logger.</returns>
    public abstract ILogger CreateReplaySafeLogger(string category);
}
