using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Polyphony.Core.Durable.History;
using Polyphony.Core.Json;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Client;

/// <summary>
/// Tells the history of a run in its own terms. What evaluates expressions or packs values is left out, and an activity is told when it ends. Reads each event once.
/// </summary>
internal sealed class RunTimeline
{
    private const string AnswerPrefix = "answer:";

    private readonly List<RunStep> _steps = [];

    // What was asked for, also if it has ended: after a rewind it may end again. Numbers begin anew with each generation.
    private readonly Dictionary<int, HistoryEvent> _asked = [];
    private WorkflowError? _error;
    private bool _isLaterGeneration;

    private RunTimeline()
    {
    }

    /// <summary>Tells a history.</summary>
    /// <param name="history">The events, oldest first, from the first.</param>
    /// <returns>The steps, oldest first.</returns>
    public static IReadOnlyList<RunStep> Of(IEnumerable<HistoryEvent> history)
    {
        var timeline = new RunTimeline();
        foreach (var each in history)
        {
            timeline.Add(each);
        }

        return timeline._steps;
    }

    private void Add(HistoryEvent each)
    {
        switch (each)
        {
            case ExecutionStarted started:
                Begin(started);
                break;
            case ContinuedAsNew:
                _isLaterGeneration = true;
                break;
            case TaskScheduled task:
                _asked[task.TaskId] = task;
                break;
            case SubOrchestrationCreated child:
                _asked[child.TaskId] = child;
                _steps.Add(OfChild(child, child, RunStepKinds.ChildStarted));
                break;
            case TaskCompleted done when Find(done.TaskId) is TaskScheduled task:
                EndTask(task, done);
                break;
            case TaskFailed failed when Find(failed.TaskId) is TaskScheduled { Name: TaskNames.Fail } task:
                // How a run fails: the end of the run follows.
                _error = Read(task.Input, CoreJsonContext.Default.FailCall)?.Error;
                break;
            case TaskFailed failed when Find(failed.TaskId) is TaskScheduled task:
                _steps.Add(At(failed, RunStepKinds.ActivityFailed) with { Name = task.Name, Code = failed.FailureDetails.ErrorType, Message = failed.FailureDetails.ErrorMessage, Seconds = Between(task, failed) });
                break;
            case TaskCancelled cancelled when Find(cancelled.TaskId) is TaskScheduled task:
                Cancel(task, cancelled);
                break;
            case SubOrchestrationCompleted done when Find(done.TaskId) is SubOrchestrationCreated child:
                EndChild(child, done);
                break;
            case SubOrchestrationFailed failed when Find(failed.TaskId) is SubOrchestrationCreated child:
                _steps.Add(OfChild(child, failed, RunStepKinds.ChildEnded) with { Code = failed.FailureDetails.ErrorType, Message = failed.FailureDetails.ErrorMessage, Seconds = Between(child, failed) });
                break;
            case EventRaised raised when !raised.Name.StartsWith(EventNames.OwnPrefix, StringComparison.Ordinal):
                _steps.Add(raised.Name.StartsWith(AnswerPrefix, StringComparison.Ordinal)
                    ? At(raised, RunStepKinds.Answered) with { Activation = raised.Name[AnswerPrefix.Length..] }
                    : At(raised, RunStepKinds.EventReceived) with { Name = raised.Name });
                break;
            default:
                AddManaged(each);
                break;
        }
    }

    /// <summary>What is done to a run from outside, and its end.</summary>
    private void AddManaged(HistoryEvent each)
    {
        var step = each switch
        {
            ExecutionSuspended suspended => At(each, RunStepKinds.Suspended) with { Reason = suspended.Reason, Code = suspended.FailureDetails?.ErrorType, Message = suspended.FailureDetails?.ErrorMessage },
            ExecutionResumed resumed => At(each, RunStepKinds.Resumed) with { Reason = resumed.Reason },
            ExecutionRewound rewound => At(each, RunStepKinds.Rewound) with { Reason = rewound.Reason },
            ExecutionTerminated => At(each, RunStepKinds.Terminated),
            ExecutionFailed failed => At(each, RunStepKinds.Ended) with
            {
                StopReason = StopReasons.Name(StopReason.Failed),
                Activation = _error?.Activation,
                Code = _error?.Code ?? failed.FailureDetails.ErrorType,
                Message = _error?.Message ?? failed.FailureDetails.ErrorMessage,
            },
            ExecutionCompleted completed => OfResult(At(each, RunStepKinds.Ended), completed.Output),
            _ => null,
        };
        if (step is not null)
        {
            _steps.Add(step);
        }
    }

    private void Begin(ExecutionStarted started)
    {
        _asked.Clear();
        if (!_isLaterGeneration)
        {
            _steps.Add(At(started, RunStepKinds.Started) with { Workflow = Read(started.Input, CoreJsonContext.Default.WorkflowInput)?.Workflow, Until = started.StartAt });
        }
    }

    private HistoryEvent? Find(int taskId) => _asked.GetValueOrDefault(taskId);

    private void EndTask(TaskScheduled task, TaskCompleted done)
    {
        switch (task.Name)
        {
            case TaskNames.Agent:
                AddCall(task, done, Read(task.Input, CoreJsonContext.Default.AgentCall), Read(done.Result, CoreJsonContext.Default.AgentCallResult));
                break;
            case TaskNames.Tool:
                AddCall(task, done, Read(task.Input, CoreJsonContext.Default.ToolCall), Read(done.Result, CoreJsonContext.Default.ToolCallResult));
                break;
            case TaskNames.AgentBatch:
                AddBatch(Read(task.Input, CoreJsonContext.Default.AgentCallArray), Read(done.Result, CoreJsonContext.Default.AgentCallResultArray), (call, result) => AddCall(task, done, call, result));
                break;
            case TaskNames.ToolBatch:
                AddBatch(Read(task.Input, CoreJsonContext.Default.ToolCallArray), Read(done.Result, CoreJsonContext.Default.ToolCallResultArray), (call, result) => AddCall(task, done, call, result));
                break;
            case TaskNames.Publish:
                _steps.Add(At(done, RunStepKinds.Published) with { Name = Read(task.Input, CoreJsonContext.Default.PublishCall)?.Topic });
                break;
        }
    }

    private static void AddBatch<TCall, TResult>(TCall[]? calls, TResult[]? results, Action<TCall, TResult> add)
    {
        for (var i = 0; i < Math.Min(calls?.Length ?? 0, results?.Length ?? 0); i++)
        {
            add(calls![i], results![i]);
        }
    }

    private void AddCall(TaskScheduled task, TaskCompleted done, AgentCall? call, AgentCallResult? result)
    {
        var step = At(done, result?.Wait is null ? RunStepKinds.ModelCall : RunStepKinds.Throttled) with
        {
            Activation = call?.Scope.Activation,
            Agent = call?.Agent,
            Provider = result?.Provider,
            Model = result?.ResponseModel ?? call?.Model,
            Attempt = call?.Attempt,
        };
        _steps.Add(result?.Wait is { } wait
            ? step with { Until = wait.Until, Reason = wait.Reason, Message = wait.Message }
            : step with
            {
                Seconds = Between(task, done),
                Usage = result?.Usage,
                Tools = result?.ToolCalls?.Select(each => each.Tool).ToList(),
                IsReused = result?.FromLedger == true,
                Code = result?.Error?.Code,
                Message = result?.Error?.Message,
            });
    }

    private void AddCall(TaskScheduled task, TaskCompleted done, ToolCall? call, ToolCallResult? result) => _steps.Add(
        At(done, result?.Question is null ? RunStepKinds.ToolCall : RunStepKinds.ToolQuestion) with
        {
            Activation = call?.Scope.Activation,
            Agent = call?.Agent,
            Tool = call?.Tool,
            Attempt = call?.Attempt,
            Seconds = Between(task, done),
            Code = result?.Error?.Code,
            Message = result?.Error?.Message,
        });

    private void Cancel(TaskScheduled task, TaskCancelled cancelled)
    {
        if (task.Name == TaskNames.Agent && Read(task.Input, CoreJsonContext.Default.AgentCall) is { } call)
        {
            _steps.Add(At(cancelled, RunStepKinds.ModelCall) with
            {
                Activation = call.Scope.Activation,
                Agent = call.Agent,
                Model = call.Model,
                Attempt = call.Attempt,
                Seconds = Between(task, cancelled),
                Code = ErrorCodes.Cancelled,
            });
        }
    }

    private void EndChild(SubOrchestrationCreated child, SubOrchestrationCompleted done)
    {
        var step = OfChild(child, done, RunStepKinds.ChildEnded) with { Seconds = Between(child, done) };
        _steps.Add(child.Name == TaskNames.WorkflowOrchestration ? OfResult(step, done.Result) : step);
    }

    private static RunStep OfChild(SubOrchestrationCreated child, HistoryEvent each, string kind)
    {
        var items = child.Name == TaskNames.ItemsOrchestration ? Read(child.Input, CoreJsonContext.Default.ItemsInput) : null;
        return At(each, kind) with
        {
            InstanceId = child.InstanceId,
            Activation = items?.Scope.Node,
            Workflow = child.Name == TaskNames.WorkflowOrchestration ? Read(child.Input, CoreJsonContext.Default.WorkflowInput)?.Workflow : null,
        };
    }

    private static RunStep OfResult(RunStep step, string? json) => Read(json, CoreJsonContext.Default.WorkflowResult) is not { } result
        ? step
        : step with { StopReason = StopReasons.Name(result.StopReason), Usage = result.Usage, Activation = step.Activation ?? result.Error?.Activation, Code = result.Error?.Code, Message = result.Error?.Message };

    private static RunStep At(HistoryEvent each, string kind) => new(each.Sequence, each.Timestamp, kind);

    private static double Between(HistoryEvent from, HistoryEvent to) => Math.Max(0, (to.Timestamp - from.Timestamp).TotalSeconds);

    // What a workflow in C# calls has inputs and results of its own: no reason to show nothing of the rest.
    private static T? Read<T>(string? json, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return json is null ? null : JsonSerializer.Deserialize(json, type);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
