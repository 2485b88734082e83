using Polyphony.Core.Durable.History;

namespace Polyphony.Engine.Orchestrations;

/// <summary>What the engine asks about events.</summary>
internal static class HistoryEvents
{
    /// <summary>Says whether orchestrator code asked for it.</summary>
    internal static bool IsAction(HistoryEvent item) =>
        item is TaskScheduled or TaskCancelled or SubOrchestrationCreated or TimerCreated or EventSent or EntityCalled or EntitySignaled;

    internal static int TaskIdOfAction(HistoryEvent item) => item switch
    {
        TaskScheduled e => e.TaskId,
        TaskCancelled e => e.TaskId,
        SubOrchestrationCreated e => e.TaskId,
        TimerCreated e => e.TaskId,
        EventSent e => e.TaskId,
        EntityCalled e => e.TaskId,
        EntitySignaled e => e.TaskId,
        _ => -1,
    };

    internal static int? TaskIdOfResult(HistoryEvent item) => item switch
    {
        TaskCompleted e => e.TaskId,
        TaskFailed e => e.TaskId,
        SubOrchestrationCompleted e => e.TaskId,
        SubOrchestrationFailed e => e.TaskId,
        TimerFired e => e.TaskId,
        EntityOperationCompleted e => e.TaskId,
        EntityOperationFailed e => e.TaskId,
        _ => null,
    };

    /// <summary>Says it in words, for messages about a difference.</summary>
    internal static string Describe(HistoryEvent item) => item switch
    {
        TaskCancelled e => $"cancel task {e.TaskId}",
        TaskScheduled e => $"call activity \"{e.Name}\"",
        SubOrchestrationCreated e => $"start child \"{e.Name}\" as \"{e.InstanceId}\"",
        TimerCreated e => $"create a timer for {e.FireAt:O}",
        EventSent e => $"send event \"{e.Name}\" to \"{e.InstanceId}\"",
        EntityCalled e => $"call operation \"{e.Operation}\" of entity \"{e.Entity}\"",
        EntitySignaled e => $"signal operation \"{e.Operation}\" to entity \"{e.Entity}\"",
        ExecutionCompleted => "return",
        ExecutionFailed e => $"fail with \"{e.FailureDetails.ErrorMessage}\"",
        ContinuedAsNew => "continue as new",
        _ => item.GetType().Name,
    };

    /// <summary>Says whether the code asked for the same again.</summary>
    /// <param name="recorded">What the history says.</param>
    /// <param name="attempted">What the code did.</param>
    /// <param name="withInputs">Whether what it passes must be the same too.</param>
    internal static bool IsSameAction(HistoryEvent recorded, HistoryEvent attempted, bool withInputs) =>
        IsSameCall(recorded, attempted) && TaskIdOfAction(recorded) == TaskIdOfAction(attempted) && (!withInputs || InputOfAction(recorded) == InputOfAction(attempted));

    /// <summary>Gets what the code passed to the one it called.</summary>
    internal static string? InputOfAction(HistoryEvent item) => item switch
    {
        TaskScheduled e => e.Input,
        SubOrchestrationCreated e => e.Input,
        EventSent e => e.Payload,
        EntityCalled e => e.Input,
        EntitySignaled e => e.Input,
        _ => null,
    };

    private static bool IsSameCall(HistoryEvent recorded, HistoryEvent attempted) => (recorded, attempted) switch
    {
        (TaskScheduled r, TaskScheduled a) => r.Name == a.Name,
        (TaskCancelled, TaskCancelled) => true,
        (SubOrchestrationCreated r, SubOrchestrationCreated a) => r.Name == a.Name && r.InstanceId == a.InstanceId,
        (TimerCreated r, TimerCreated a) => r.FireAt == a.FireAt,
        (EventSent r, EventSent a) => r.InstanceId == a.InstanceId && r.Name == a.Name,
        (EntityCalled r, EntityCalled a) => r.Entity == a.Entity && r.Operation == a.Operation,
        (EntitySignaled r, EntitySignaled a) => r.Entity == a.Entity && r.Operation == a.Operation,
        _ => false,
    };
}
