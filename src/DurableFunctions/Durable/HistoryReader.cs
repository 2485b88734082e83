using System.Text.Json;
using DurableTask.Core.History;
using Microsoft.DurableTask;
using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;
using Polyphony.Core.Json;
using CoreEvent = Polyphony.Core.Durable.History.HistoryEvent;
using DurableEvent = DurableTask.Core.History.HistoryEvent;
using DurableFailure = DurableTask.Core.FailureDetails;

namespace Polyphony.DurableFunctions.Durable;

/// <summary>Reads Durable Task's history events in Core's words.</summary>
/// <remarks>
/// Only the current generation is kept there. So that a reader who follows an instance notices the next one, an event's
/// <see cref="CoreEvent.Sequence"/> is its time in microseconds since 2020 (or one more than the event before): it grows over generations.
/// </remarks>
internal static class HistoryReader
{
    private static readonly DateTime Epoch = new(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    public static List<CoreEvent> Read(IEnumerable<DurableEvent> history)
    {
        var events = new List<CoreEvent>();
        var calls = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        long last = 0;
        foreach (var each in StartFirst(history))
        {
            if (Read(each, calls) is { } read)
            {
                var time = DateTime.SpecifyKind(each.Timestamp, DateTimeKind.Utc);
                last = Math.Max(last + 1, (time - Epoch).Ticks / TimeSpan.TicksPerMicrosecond);
                events.Add(read with { Sequence = last, Timestamp = new DateTimeOffset(time) });
            }
        }

        return events;
    }

    // Durable Task notes the step before the start that it belongs to; on the embedded engine an instance begins with its start.
    private static IEnumerable<DurableEvent> StartFirst(IEnumerable<DurableEvent> history)
    {
        DurableEvent? step = null;
        foreach (var each in history)
        {
            if (each is OrchestratorStartedEvent && step is null)
            {
                step = each;
                continue;
            }

            if (step is { } held && held is OrchestratorStartedEvent)
            {
                if (each is ExecutionStartedEvent)
                {
                    yield return each;
                    yield return held;
                    step = each;
                    continue;
                }

                yield return held;
                step = each;
            }

            yield return each;
        }
    }

    private static CoreEvent? Read(DurableEvent each, Dictionary<string, int> calls) => OfInstance(each) ?? OfTask(each) ?? OfTimer(each) ?? OfMessage(each, calls);

    private static CoreEvent? OfInstance(DurableEvent each) => each switch
    {
        OrchestratorStartedEvent => new OrchestratorStarted(),
        ExecutionStartedEvent e => Started(e),
        ContinueAsNewEvent e => new ContinuedAsNew(e.Result),
        ExecutionCompletedEvent { OrchestrationStatus: DurableTask.Core.OrchestrationStatus.Failed } e => new ExecutionFailed(Failure(e.FailureDetails, e.Result)),
        ExecutionCompletedEvent { OrchestrationStatus: DurableTask.Core.OrchestrationStatus.Terminated } e => new ExecutionTerminated(e.Result),
        ExecutionCompletedEvent e => new ExecutionCompleted(e.Result),
        ExecutionTerminatedEvent e => new ExecutionTerminated(e.Input),
        ExecutionSuspendedEvent e => new ExecutionSuspended(e.Reason),
        ExecutionResumedEvent e => new ExecutionResumed(e.Reason),
        ExecutionRewoundEvent e => new ExecutionRewound(e.Reason, []),
        _ => null,
    };

    private static CoreEvent? OfTask(DurableEvent each) => each switch
    {
        TaskScheduledEvent e => new TaskScheduled(e.EventId, e.Name ?? "", ActivityInput(e.Input)),
        TaskCompletedEvent e => new TaskCompleted(e.TaskScheduledId, e.Result),
        TaskFailedEvent e => new TaskFailed(e.TaskScheduledId, Failure(e.FailureDetails, e.Reason)),
        SubOrchestrationInstanceCreatedEvent e => new SubOrchestrationCreated(e.EventId, e.Name, e.InstanceId, e.Input),
        SubOrchestrationInstanceCompletedEvent e => new SubOrchestrationCompleted(e.TaskScheduledId, e.Result),
        SubOrchestrationInstanceFailedEvent e => new SubOrchestrationFailed(
            e.TaskScheduledId, e.FailureDetails is null ? OrchestrationContextAdapter.Terminated("child") : Failure(e.FailureDetails, e.Reason)),
        _ => null,
    };

    private static CoreEvent? OfTimer(DurableEvent each) => each switch
    {
        TimerCreatedEvent e => new TimerCreated(e.EventId, new DateTimeOffset(DateTime.SpecifyKind(e.FireAt, DateTimeKind.Utc))),
        TimerFiredEvent e => new TimerFired(e.TimerId),
        _ => null,
    };

    private static CoreEvent? OfMessage(DurableEvent each, Dictionary<string, int> calls) => each switch
    {
        EventSentEvent { InstanceId: ['@', ..] } e => EntityRequest(e, calls),
        EventSentEvent e => new EventSent(e.EventId, e.InstanceId, e.Name, e.Input),
        EventRaisedEvent e when calls.Remove(e.Name, out var taskId) => EntityResponse(e, taskId),
        EventRaisedEvent e => new EventRaised(e.Name, e.Input),
        _ => null,
    };

    private static ExecutionStarted Started(ExecutionStartedEvent e)
    {
        var (startAt, input) = DelayedStart.Unwrap(e.Input);
        return new ExecutionStarted(
            e.Name,
            input,
            e.ParentInstance is { } parent ? new ParentInstance(parent.Name ?? "", parent.OrchestrationInstance?.InstanceId ?? "") : null,
            e.ParentInstance?.TaskScheduleId,
            startAt ?? (e.ScheduledStartTime is { } start ? new DateTimeOffset(DateTime.SpecifyKind(start, DateTimeKind.Utc)) : null),
            e.Tags?.Where(DurableClientAdapter.IsTheirs).ToDictionary(StringComparer.Ordinal));
    }

    // Durable Task puts an activity's input into a list of arguments.
    private static string? ActivityInput(string? arguments) =>
        CancellableCalls.Unwrap(RawJson.Read(arguments is ['[', .., ']'] ? arguments[1..^1] : arguments)).Input?.Text;

    private static FailureDetails Failure(DurableFailure? details, string? reason) => details is not null
        ? CodedFailureException.Read(Convert(details))
        : CodedFailureException.Read(reason);

    private static TaskFailureDetails Convert(DurableFailure details) =>
        new(details.ErrorType, details.ErrorMessage, details.StackTrace, details.InnerFailure is { } inner ? Convert(inner) : null, null);

    // Operations travel as events: the request names the operation and an id, under which the answer comes back.
    private static CoreEvent? EntityRequest(EventSentEvent e, Dictionary<string, int> calls)
    {
        if (e.Input is null || JsonElement.Parse(e.Input, JsonLimits.Document) is not { ValueKind: JsonValueKind.Object } request || !request.TryGetProperty("op", out var operation))
        {
            // A lock or its release.
            return null;
        }

        var input = request.TryGetProperty("input", out var found) ? found.GetString() : null;
        if (request.TryGetProperty("signal", out var signal) && signal.ValueKind == JsonValueKind.True)
        {
            return new EntitySignaled(e.EventId, e.InstanceId, operation.GetString()!, input);
        }

        if (request.TryGetProperty("id", out var id))
        {
            calls[id.GetString()!] = e.EventId;
        }

        return new EntityCalled(e.EventId, e.InstanceId, operation.GetString()!, input);
    }

    private static CoreEvent EntityResponse(EventRaisedEvent e, int taskId)
    {
        if (e.Input is null || JsonElement.Parse(e.Input, JsonLimits.Document) is not { ValueKind: JsonValueKind.Object } response)
        {
            return new EntityOperationCompleted(taskId, null);
        }

        var result = response.TryGetProperty("result", out var found) ? found.GetString() : null;
        if (response.TryGetProperty("failureDetails", out var failure) && failure.ValueKind == JsonValueKind.Object)
        {
            string Text(string name) => failure.TryGetProperty(name, out var text) ? text.GetString() ?? "" : "";
            return new EntityOperationFailed(taskId, CodedFailureException.Read(new TaskFailureDetails(Text("ErrorType"), Text("ErrorMessage"), null, null, null)));
        }

        return response.TryGetProperty("exceptionType", out var type) && type.GetString() is { Length: > 0 } name
            ? new EntityOperationFailed(taskId, new FailureDetails(name, result ?? ""))
            : new EntityOperationCompleted(taskId, result);
    }
}
