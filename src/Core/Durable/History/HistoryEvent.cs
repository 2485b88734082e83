using System.Text.Json.Serialization;

namespace Polyphony.Core.Durable.History;

/// <summary>An event in the history of an instance. Events are appended in the order in which they took effect and never change.</summary>
/// <remarks>The words are Durable Task's. <c>TaskId</c> numbers what the orchestrator code asked for, from 0, within one generation.</remarks>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(OrchestratorStarted), "OrchestratorStarted")]
[JsonDerivedType(typeof(ExecutionStarted), "ExecutionStarted")]
[JsonDerivedType(typeof(ExecutionCompleted), "ExecutionCompleted")]
[JsonDerivedType(typeof(ExecutionFailed), "ExecutionFailed")]
[JsonDerivedType(typeof(ExecutionTerminated), "ExecutionTerminated")]
[JsonDerivedType(typeof(ExecutionSuspended), "ExecutionSuspended")]
[JsonDerivedType(typeof(ExecutionResumed), "ExecutionResumed")]
[JsonDerivedType(typeof(ExecutionRewound), "ExecutionRewound")]
[JsonDerivedType(typeof(ContinuedAsNew), "ContinuedAsNew")]
[JsonDerivedType(typeof(TaskScheduled), "TaskScheduled")]
[JsonDerivedType(typeof(TaskCompleted), "TaskCompleted")]
[JsonDerivedType(typeof(TaskFailed), "TaskFailed")]
[JsonDerivedType(typeof(TaskCancelled), "TaskCancelled")]
[JsonDerivedType(typeof(SubOrchestrationCreated), "SubOrchestrationCreated")]
[JsonDerivedType(typeof(SubOrchestrationCompleted), "SubOrchestrationCompleted")]
[JsonDerivedType(typeof(SubOrchestrationFailed), "SubOrchestrationFailed")]
[JsonDerivedType(typeof(TimerCreated), "TimerCreated")]
[JsonDerivedType(typeof(TimerFired), "TimerFired")]
[JsonDerivedType(typeof(EventRaised), "EventRaised")]
[JsonDerivedType(typeof(EventSent), "EventSent")]
[JsonDerivedType(typeof(EntityCalled), "EntityCalled")]
[JsonDerivedType(typeof(EntitySignaled), "EntitySignaled")]
[JsonDerivedType(typeof(EntityOperationCompleted), "EntityOperationCompleted")]
[JsonDerivedType(typeof(EntityOperationFailed), "EntityOperationFailed")]
public abstract record HistoryEvent
{
    /// <summary>Gets the event's place in the instance's history, from 1, across all generations. Assigned by the engine; not stored in the event.</summary>
    [JsonIgnore]
    public long Sequence { get; init; }

    /// <summary>Gets when it took effect.</summary>
    public DateTimeOffset Timestamp { get; init; }
}

/// <summary>A step of the orchestrator began; its timestamp is the step's <see cref="OrchestrationContext.CurrentUtcDateTime"/>.</summary>
public sealed record OrchestratorStarted : HistoryEvent;

/// <summary>The instance, or a generation of it, was started.</summary>
/// <param name="Name">The orchestration's name.</param>
/// <param name="Input">JSON.</param>
/// <param name="Parent">Who started it, if an orchestration did.</param>
/// <param name="ParentTaskId">The task of the parent that waits for it.</param>
/// <param name="StartAt">When the first step may be taken.</param>
/// <param name="Tags">Tags.</param>
public sealed record ExecutionStarted(
    string Name,
    string? Input,
    ParentInstance? Parent = null,
    int? ParentTaskId = null,
    DateTimeOffset? StartAt = null,
    IReadOnlyDictionary<string, string>? Tags = null) : HistoryEvent;

/// <summary>The orchestrator function returned.</summary>
/// <param name="Output">JSON.</param>
public sealed record ExecutionCompleted(string? Output) : HistoryEvent;

/// <summary>The orchestrator function threw.</summary>
/// <param name="FailureDetails">The failure.</param>
public sealed record ExecutionFailed(FailureDetails FailureDetails) : HistoryEvent;

/// <summary>The instance was ended by request.</summary>
/// <param name="Output">JSON.</param>
public sealed record ExecutionTerminated(string? Output) : HistoryEvent;

/// <summary>The instance was suspended, by request or because its code differs from its history (then with details).</summary>
/// <param name="Reason">The reason.</param>
/// <param name="FailureDetails">The difference found.</param>
public sealed record ExecutionSuspended(string? Reason, FailureDetails? FailureDetails = null) : HistoryEvent;

/// <summary>The instance was resumed.</summary>
/// <param name="Reason">The reason.</param>
public sealed record ExecutionResumed(string? Reason) : HistoryEvent;

/// <summary>A failed instance was rewound: failures of the listed tasks no longer count, and those tasks run again.</summary>
/// <param name="Reason">The reason.</param>
/// <param name="TaskIds">The tasks to run again.</param>
public sealed record ExecutionRewound(string? Reason, IReadOnlyList<int> TaskIds) : HistoryEvent;

/// <summary>This generation ended; the next begins with an <see cref="ExecutionStarted"/>.</summary>
/// <param name="Input">JSON, the next generation's input.</param>
public sealed record ContinuedAsNew(string? Input) : HistoryEvent;

/// <summary>The code called an activity.</summary>
/// <param name="TaskId">The task's number.</param>
/// <param name="Name">The activity.</param>
/// <param name="Input">JSON.</param>
public sealed record TaskScheduled(int TaskId, string Name, string? Input) : HistoryEvent;

/// <summary>An activity's result was applied.</summary>
/// <param name="TaskId">The task's number.</param>
/// <param name="Result">JSON.</param>
public sealed record TaskCompleted(int TaskId, string? Result) : HistoryEvent;

/// <summary>An activity's failure was applied.</summary>
/// <param name="TaskId">The task's number.</param>
/// <param name="FailureDetails">The failure.</param>
public sealed record TaskFailed(int TaskId, FailureDetails FailureDetails) : HistoryEvent;

/// <summary>The code cancelled a call of an activity: its result is no longer wanted, and it is not handed out again. On the embedded engine only; Durable Task keeps no such event.</summary>
/// <param name="TaskId">The task's number.</param>
public sealed record TaskCancelled(int TaskId) : HistoryEvent;

/// <summary>The code started a child.</summary>
/// <param name="TaskId">The task's number.</param>
/// <param name="Name">The child's orchestration name.</param>
/// <param name="InstanceId">The child's id.</param>
/// <param name="Input">JSON.</param>
public sealed record SubOrchestrationCreated(int TaskId, string Name, string InstanceId, string? Input) : HistoryEvent;

/// <summary>A child completed.</summary>
/// <param name="TaskId">The task's number.</param>
/// <param name="Result">JSON.</param>
public sealed record SubOrchestrationCompleted(int TaskId, string? Result) : HistoryEvent;

/// <summary>A child failed, was terminated, or could not be started.</summary>
/// <param name="TaskId">The task's number.</param>
/// <param name="FailureDetails">The failure.</param>
public sealed record SubOrchestrationFailed(int TaskId, FailureDetails FailureDetails) : HistoryEvent;

/// <summary>The code created a timer.</summary>
/// <param name="TaskId">The task's number.</param>
/// <param name="FireAt">When it is due.</param>
public sealed record TimerCreated(int TaskId, DateTimeOffset FireAt) : HistoryEvent;

/// <summary>A timer fired.</summary>
/// <param name="TaskId">The task's number.</param>
public sealed record TimerFired(int TaskId) : HistoryEvent;

/// <summary>An event arrived from outside or from another instance.</summary>
/// <param name="Name">The event's name.</param>
/// <param name="Payload">JSON.</param>
public sealed record EventRaised(string Name, string? Payload) : HistoryEvent;

/// <summary>The code sent an event to another instance.</summary>
/// <param name="TaskId">The task's number.</param>
/// <param name="InstanceId">The receiver.</param>
/// <param name="Name">The event's name.</param>
/// <param name="Payload">JSON.</param>
public sealed record EventSent(int TaskId, string InstanceId, string Name, string? Payload) : HistoryEvent;

/// <summary>The code called an entity and waits for the result.</summary>
/// <param name="TaskId">The task's number.</param>
/// <param name="Entity">The entity's instance id, <c>@name@key</c>.</param>
/// <param name="Operation">The operation.</param>
/// <param name="Input">JSON.</param>
public sealed record EntityCalled(int TaskId, string Entity, string Operation, string? Input) : HistoryEvent;

/// <summary>The code signalled an entity.</summary>
/// <param name="TaskId">The task's number.</param>
/// <param name="Entity">The entity's instance id, <c>@name@key</c>.</param>
/// <param name="Operation">The operation.</param>
/// <param name="Input">JSON.</param>
public sealed record EntitySignaled(int TaskId, string Entity, string Operation, string? Input) : HistoryEvent;

/// <summary>A called entity operation returned.</summary>
/// <param name="TaskId">The task's number.</param>
/// <param name="Result">JSON.</param>
public sealed record EntityOperationCompleted(int TaskId, string? Result) : HistoryEvent;

/// <summary>A called entity operation threw.</summary>
/// <param name="TaskId">The task's number.</param>
/// <param name="FailureDetails">The failure.</param>
public sealed record EntityOperationFailed(int TaskId, FailureDetails FailureDetails) : HistoryEvent;
