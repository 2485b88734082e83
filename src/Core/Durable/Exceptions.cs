namespace Polyphony.Core.Durable;

/// <summary>An activity, child orchestration or entity operation that orchestrator code awaited has failed.</summary>
/// <param name="taskName">The name that was called.</param>
/// <param name="failureDetails">What is known about the failure.</param>
public sealed class TaskFailedException(string taskName, FailureDetails failureDetails)
    : PolyphonyException("task_failed", $"\"{taskName}\" failed: {failureDetails.ErrorMessage} ({failureDetails.ErrorType})")
{
    /// <summary>Gets the name that was called.</summary>
    public string TaskName { get; } = taskName;

    /// <summary>Gets what is known about the failure.</summary>
    public FailureDetails FailureDetails { get; } = failureDetails;
}

/// <summary>A payload is larger than a history event may be.</summary>
/// <param name="what">What it is.</param>
/// <param name="bytes">Its size in bytes of UTF-8.</param>
/// <param name="limit">The limit.</param>
public sealed class PayloadTooLargeException(string what, int bytes, int limit)
    : PolyphonyException("payload_too_large", $"The {what} has {bytes:N0} bytes; {limit:N0} is the limit. Put large values into the payload store and pass the reference.");

/// <summary>An id is used once, ever: an instance with this one exists, or existed and was not purged.</summary>
/// <param name="instanceId">The id.</param>
public sealed class InstanceExistsException(string instanceId)
    : PolyphonyException(ErrorCode, $"Instance \"{instanceId}\" already exists, and an id is used once. Choose another id, or purge that instance first.")
{
    /// <summary>The code.</summary>
    internal const string ErrorCode = "instance_exists";
}

/// <summary>A start was refused because as many instances are unfinished as the host's <see cref="AdmissionLimits"/> allow. Nothing was started.</summary>
/// <param name="workflow">The workflow whose own limit it is; <see langword="null"/>: that of all workflows together.</param>
/// <param name="limit">The limit.</param>
/// <param name="found">How many are unfinished.</param>
public sealed class QueueFullException(string? workflow, int limit, int found)
    : PolyphonyException(ErrorCode, $"Unfinished instances{(workflow is null ? "" : $" of workflow \"{workflow}\"")}: {found:N0}, and the host's limit ({(workflow is null ? "MaxUnfinishedInstances" : "MaxUnfinishedPerWorkflow")}) is {limit:N0}. Nothing was started. Try again when some have finished: GET /api/queue shows what they wait for. Or raise the limit.")
{
    /// <summary>The code.</summary>
    internal const string ErrorCode = "queue_full";

    /// <summary>Gets the workflow whose own limit it is; <see langword="null"/>: that of all workflows together.</summary>
    public string? Workflow { get; } = workflow;

    /// <summary>Gets the limit.</summary>
    public int Limit { get; } = limit;

    /// <summary>Gets how many were found unfinished.</summary>
    public int Found { get; } = found;
}

/// <summary>No instance with this id is known.</summary>
/// <param name="instanceId">The id.</param>
public sealed class InstanceNotFoundException(string instanceId)
    : PolyphonyException("instance_not_found", $"No instance \"{instanceId}\" is known. It may have been purged, or live in another data folder.");

/// <summary>The instance's status does not allow the operation (for instance, it has finished).</summary>
/// <param name="instanceId">The id.</param>
/// <param name="status">Its status.</param>
/// <param name="asked">The operation, such as <c>terminate</c>.</param>
/// <param name="hint">What is possible instead.</param>
public sealed class InvalidInstanceStatusException(string instanceId, OrchestrationRuntimeStatus status, string asked, string hint)
    : PolyphonyException("invalid_status", $"Cannot {asked} instance \"{instanceId}\": it is {status}. {hint}")
{
    /// <summary>Gets the status found.</summary>
    public OrchestrationRuntimeStatus Status { get; } = status;
}

/// <summary>
/// The orchestrator code took a different step than its history records. The instance is stopped with its history untouched,
/// and can be resumed with the code that it was started with, or with fixed code.
/// </summary>
/// <param name="instanceId">The id.</param>
/// <param name="recorded">What history says.</param>
/// <param name="attempted">What the code did.</param>
/// <param name="where">Where, such as <c>history event 17 (task 4)</c>.</param>
public sealed class NonDeterministicOrchestrationException(string instanceId, string recorded, string attempted, string where)
    : PolyphonyException(
        "non_deterministic",
        $"Instance \"{instanceId}\" was stopped at {where}: history says {recorded}, but the code {attempted}. " +
        "Was the orchestrator code changed while the instance was running, or does it use the clock, random numbers or I/O? " +
        "Its history is untouched: bring back the earlier code (or register the changed one under a new name) and resume the instance.");
