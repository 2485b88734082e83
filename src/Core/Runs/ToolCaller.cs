using System.Text.Json;
using Polyphony.Core.Definitions;
using Polyphony.Core.Nodes.SubWorkflows;
using Polyphony.Core.Payloads;

namespace Polyphony.Core.Runs;

/// <summary>
/// Makes a tool call: again by the retry policy where that does no harm, and with the answers of people where it has to be approved or may have happened. Every try is an activity of its
/// own; waiting for a person holds nothing but memory.
/// </summary>
/// <param name="context">What activations share.</param>
/// <param name="delays">The delays between attempts.</param>
/// <param name="events">The waits for answers.</param>
/// <param name="workflows">Runs the workflows that are called as tools.</param>
internal sealed class ToolCaller(ActivationContext context, RetryDelays delays, EventWait events, SubWorkflowRunner workflows)
{
    private static readonly Payload Approved = Answer(ToolDecisions.Approve, null);
    private static readonly Payload TimedOut = Answer(ToolDecisions.Refuse, "timed out");

    /// <summary>Makes a call to its end.</summary>
    /// <param name="activation">The activation.</param>
    /// <param name="call">The call.</param>
    /// <param name="policy">The retry policy; <see langword="null"/> for the default one.</param>
    /// <param name="limit">How long it goes on.</param>
    /// <param name="send">Calls the activity.</param>
    public async Task<ToolCallEnd> CallAsync(Activation activation, ToolCall call, RetryDefinition? policy, WorkLimit limit, Func<ToolCall, Task<ToolCallResult>> send)
    {
        activation.Slot?.Enter();
        try
        {
            return await RunAsync(activation, call, policy, limit, send);
        }
        finally
        {
            activation.Slot?.Leave();
        }
    }

    private async Task<ToolCallEnd> RunAsync(Activation activation, ToolCall call, RetryDefinition? policy, WorkLimit limit, Func<ToolCall, Task<ToolCallResult>> send)
    {
        var retry = policy ?? RetryDelays.Default;
        while (true)
        {
            var result = await send(call);
            if (result.Question is { } question)
            {
                var answered = await AskAsync(activation, call, question, limit);
                if (answered.Next is null)
                {
                    return new ToolCallEnd(answered.End!) { IsFatal = !answered.End!.IsCancelled };
                }

                call = answered.Next;
                continue;
            }

            if (result.Given is { } given)
            {
                return await RunWorkflowAsync(activation, call, given, limit, send);
            }

            if (result.Error is not { } error || !RetryDelays.MayRetry(error, call.Attempt, retry, policy is not null) || !await delays.WaitAsync(activation, retry, call.Attempt, error, limit.Ending))
            {
                return new ToolCallEnd(result) { IsFatal = result.Error?.Code == ErrorCodes.ToolInDoubt };
            }

            call = call with { Attempt = call.Attempt + 1, Verdict = null, VerdictBegun = 0 };
        }
    }

    /// <summary>Makes a call of a workflow: the child runs, and what it gives is recorded as what the call has returned.</summary>
    private async Task<ToolCallEnd> RunWorkflowAsync(Activation activation, ToolCall call, Payload given, WorkLimit limit, Func<ToolCall, Task<ToolCallResult>> send)
    {
        var tool = (WorkflowToolDefinition)context.Plan.Definition.Tools[call.Tool];
        var work = await workflows.RunAsync(activation, new SubWorkflowRun(tool.Workflow, tool.Limits, given) { Call = call }, limit);
        var result = work.IsStopped ? new ToolCallResult(null, CallError.Cancelled)
            : work.Error is { } error ? new ToolCallResult(null, error)
            : await send(call with { Made = work.Output ?? Payload.Null });
        return new ToolCallEnd(result) { Usage = work.Usage };
    }

    /// <summary>Asks a person about a call.</summary>
    /// <returns>The call with the answer, or how it ended without one.</returns>
    private async Task<(ToolCall? Next, ToolCallResult? End)> AskAsync(Activation activation, ToolCall call, ToolQuestion question, WorkLimit limit)
    {
        if (context.IsEnding(limit))
        {
            return (null, new ToolCallResult(null, CallError.Cancelled));
        }

        // One name for each question of an instance, so that an answer that comes late answers no other.
        var id = question.Kind == ToolQuestionKind.Doubt ? $"{call.QuestionId}.doubt{question.Begun}" : call.QuestionId;
        var asking = activation with { Scope = activation.Scope with { Activation = id } };
        DateTimeOffset? deadline = question.TimeoutMs is { } milliseconds ? context.Now.AddMilliseconds(milliseconds) : null;
        var wait = new PendingWait(id, "human", EventNames.Answer(id), question.Prompt, deadline, null, question.Whole) { Tool = question.Kind == ToolQuestionKind.Ask ? null : call.Tool, Details = question.Details };
        context.Observer.OnAsking(activation);
        context.Observer.OnWaiting(asking, wait, new WaitState(deadline));
        activation.Slot?.BeginWait();
        var form = question.Details with { Pointer = ToolQuestionDetails.FormPointer };
        var (arrived, answer) = await events.WaitAsync(asking, wait.EventName!, deadline, form, limit.Ending);
        context.Observer.OnWaited(asking);
        context.Observer.OnAsked(activation);
        if (arrived is null)
        {
            activation.Slot?.AbandonWait();
            return (null, new ToolCallResult(null, CallError.Cancelled));
        }

        if (activation.Slot is { } slot)
        {
            await slot.EndWaitAsync();
        }

        if (context.IsEnding(limit))
        {
            return (null, new ToolCallResult(null, CallError.Cancelled));
        }

        return Answered(call, question, id, arrived.Value ? answer : null);
    }

    /// <summary>Goes on with an answer; <see langword="null"/>: nobody has answered in time.</summary>
    private static (ToolCall? Next, ToolCallResult? End) Answered(ToolCall call, ToolQuestion question, string id, Payload? answer) => (answer, question.Kind) switch
    {
        ({ }, ToolQuestionKind.Approval) => (call with { Approval = answer }, null),
        ({ }, ToolQuestionKind.Ask) => (call with { Answer = answer }, null),
        ({ }, _) => (call with { Verdict = answer, VerdictBegun = question.Begun }, null),
        _ when question.OnTimeout == ApprovalTimeoutPolicy.Fail => (null, new ToolCallResult(
            null, new CallError(ErrorCodes.Timeout, $"Nobody {(question.Kind == ToolQuestionKind.Ask ? "answered" : "approved the call of")} tool \"{call.Tool}\" (\"{id}\") in time.", ErrorKind.Terminal))),
        (_, ToolQuestionKind.Ask) => (call with { IsUnanswered = true }, null),
        _ => (call with { Approval = question.OnTimeout == ApprovalTimeoutPolicy.Approve ? Approved : TimedOut }, null),
    };

    private static Payload Answer(string decision, string? reason)
    {
        var text = reason is null ? $$"""{"{{ToolDecisions.Decision}}":"{{decision}}"}""" : $$"""{"{{ToolDecisions.Decision}}":"{{decision}}","{{ToolDecisions.Reason}}":"{{reason}}"}""";
        return Payload.Inline(JsonElement.Parse(System.Text.Encoding.UTF8.GetBytes(text), Json.JsonLimits.Document));
    }
}

/// <summary>How a tool call ended.</summary>
/// <param name="Result">What it came to.</param>
internal sealed record ToolCallEnd(ToolCallResult Result)
{
    /// <summary>Gets a value indicating whether its error is one of the node, and none that a model could make something of.</summary>
    public bool IsFatal { get; init; }

    /// <summary>Gets what the workflow has used that the call ran.</summary>
    public Usage Usage { get; init; } = Usage.None;
}
