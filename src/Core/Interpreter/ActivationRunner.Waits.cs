using System.Text;
using System.Text.Json;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;
using Polyphony.Core.Schemas;
using Polyphony.Core.Workflows;
using Polyphony.Core.Workflows.Parsing;

namespace Polyphony.Core.Interpreter;

/// <content>People, events and times.</content>
internal sealed partial class ActivationRunner
{
    private const int MaxAssigneeLength = 200;

    private async Task<WorkResult> RunHumanAsync(Activation activation, HumanNode human)
    {
        var eventName = EventNames.Answer(activation.Id);
        var state = activation.Wait ?? new WaitState(human.Timeout is { } limit ? Context.CurrentUtcDateTime + limit : null);
        var prompt = activation.Prompt is { } given
            ? new EvaluateResult(given)
            : await calls.EvaluateAsync(new ExpressionSite(ExpressionSiteKind.Prompt), activation.Scope);
        if (prompt.Error is not null)
        {
            return new WorkResult { Error = prompt.Error, Attempts = 1 };
        }

        var (question, whole) = await QuestionAsync(activation, prompt.Value ?? Payload.Null);
        while (true)
        {
            string? assignee = null;
            if (state.Escalated)
            {
                var escalation = await calls.EvaluateAsync(new ExpressionSite(ExpressionSiteKind.Escalation), activation.Scope);
                assignee = escalation.Value?.Json?.ToString() is { } name ? ErrorText.Shorten(name, MaxAssigneeLength) : null;
            }

            observer.OnAttempt(activation);
            observer.OnWaiting(
                activation,
                new PendingWait(activation.Id, "human", eventName, question, state.Deadline, assignee, whole),
                state);
            var (answered, answer) = await WaitAsync(activation, eventName, state.Deadline, human.Schema);
            observer.OnWaited(activation);
            if (answered is null)
            {
                return WorkResult.Stopped;
            }

            if (answered.Value)
            {
                return await AcceptAsync(activation, human, answer!);
            }

            switch (human.OnTimeout.Kind)
            {
                case HumanTimeoutKind.Value:
                    var value = await calls.EvaluateAsync(new ExpressionSite(ExpressionSiteKind.TimeoutValue), activation.Scope);
                    return value.Error is null
                        ? await AcceptAsync(activation, human, value.Value!)
                        : new WorkResult { Error = value.Error, Attempts = 1 };
                case HumanTimeoutKind.Escalate when !state.Escalated:
                    state = new WaitState(human.OnTimeout.EscalationTimeout is { } more ? Context.CurrentUtcDateTime + more : null, Escalated: true);
                    break;
                default:
                    return WorkResult.Failed(ErrorCodes.Timeout, $"Nobody answered \"{activation.Id}\" in time.");
            }
        }
    }

    /// <summary>Takes an answer, and ends the run if it is a rejection.</summary>
    private async Task<WorkResult> AcceptAsync(Activation activation, HumanNode human, Payload answer)
    {
        if (human.RejectWhen is not null)
        {
            var variables = new Dictionary<string, Payload>(StringComparer.Ordinal) { ["answer"] = answer };
            var rejected = await calls.EvaluateAsync(new ExpressionSite(ExpressionSiteKind.RejectWhen), activation.Scope with { Variables = variables });
            if (rejected.Error is not null)
            {
                return new WorkResult { Error = rejected.Error, Attempts = 1 };
            }

            if (rejected.Value?.Json is { ValueKind: JsonValueKind.True })
            {
                stop.Request(StopReason.Rejected);
            }
        }

        return new WorkResult { Output = answer, Attempts = 1 };
    }

    private async Task<WorkResult> RunWaitAsync(Activation activation, WaitNode wait)
    {
        var state = activation.Wait;
        if (state is null)
        {
            DateTimeOffset? deadline = wait.For is { } duration ? Context.CurrentUtcDateTime + duration : wait.Timeout is { } limit ? Context.CurrentUtcDateTime + limit : null;
            if (wait.Until is not null)
            {
                var until = await calls.EvaluateAsync(new ExpressionSite(ExpressionSiteKind.Until), activation.Scope);
                if (until.Error is not null)
                {
                    return new WorkResult { Error = until.Error, Attempts = 1 };
                }

                if (until.Value?.Json is not { ValueKind: JsonValueKind.String } text || !Rfc3339.TryParse(text.GetString(), out var time))
                {
                    return WorkResult.Failed(
                        ErrorCodes.ExpressionError,
                        $"\"{activation.Id}\" waits until {SourceValues.Shorten(until.Value?.Json?.GetRawText() ?? "something too large for a time")}; expected is {Rfc3339.Expected}.");
                }

                deadline = time;
            }

            state = new WaitState(deadline);
        }

        observer.OnAttempt(activation);
        observer.OnWaiting(activation, new PendingWait(activation.Id, wait.Event is null ? "timer" : "event", wait.Event, null, state.Deadline), state);
        var (arrived, payload) = wait.Event is null
            ? (await SleepAsync(state.Deadline!.Value) ? true : (bool?)null, Payload.Null)
            : await WaitAsync(activation, wait.Event, state.Deadline, wait.Schema);
        observer.OnWaited(activation);
        return arrived switch
        {
            null => WorkResult.Stopped,
            true => new WorkResult { Output = payload, Attempts = 1 },
            false => WorkResult.Failed(ErrorCodes.Timeout, $"Event \"{wait.Event}\", for which \"{activation.Id}\" waits, did not come in time."),
        };
    }

    private async Task<bool> SleepAsync(DateTimeOffset until)
    {
        try
        {
            await calls.CreateTimerAsync(until, stop.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Waits for an event with a payload that fits; others are passed over.</summary>
    /// <returns>True with the payload; false when the deadline came first; null when the run is stopping.</returns>
    private async Task<(bool? Arrived, Payload? Value)> WaitAsync(Activation activation, string eventName, DateTimeOffset? deadline, JsonSchema? schema)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
        var timer = deadline is { } time ? calls.CreateTimerAsync(time, ending.Token) : null;
        try
        {
            while (true)
            {
                var wait = calls.WaitForEventAsync(eventName, ending.Token);
                if (timer is not null && await Task.WhenAny(wait, timer) == timer && !wait.IsCompleted)
                {
                    // Throws if the run is stopping: then the timer was cancelled.
                    await timer;
                    return (false, null);
                }

                if (await AcceptedAsync(activation, await wait, schema) is { } payload)
                {
                    return (true, payload);
                }
            }
        }
        catch (OperationCanceledException)
        {
            return (null, null);
        }
        finally
        {
            ending.Cancel();
        }
    }

    /// <summary>Takes the payload of an event; <see langword="null"/> if it does not fit, or is no JSON that could be passed on.</summary>
    private async Task<Payload?> AcceptedAsync(Activation activation, string? text, JsonSchema? schema)
    {
        JsonElement json;
        try
        {
            json = JsonElement.Parse(Encoding.UTF8.GetBytes(text ?? "null"), JsonLimits.Document);
        }
        catch (JsonException)
        {
            return null;
        }

        if (EventPayload.Read(json) is { } reference)
        {
            return schema is null || await FitsAsync(activation, reference, schema) ? reference : null;
        }

        if (StrictJson.FindProblem(json) is not null || schema?.Validate(json).Count > 0)
        {
            return null;
        }

        var payload = Payload.Inline(json);
        return Payload.MayBeInline(payload.Text) ? payload : (await calls.StoreAllAsync([payload]))[0];
    }

    private async Task<bool> FitsAsync(Activation activation, Payload answer, JsonSchema schema)
    {
        var variables = new Dictionary<string, Payload>(StringComparer.Ordinal) { ["answer"] = answer, ["schema"] = Payload.Inline(schema.Json) };
        var fits = await calls.EvaluateAsync(new ExpressionSite(ExpressionSiteKind.AnswerFits), activation.Scope with { Input = null, Nodes = null, Variables = variables });
        return fits.Value?.Json is { ValueKind: JsonValueKind.True };
    }

    /// <summary>Makes what is shown of a question while it waits, and puts a question that is longer into the payload store, where those who ask for it find all of it.</summary>
    private async Task<(string Shown, Payload? Whole)> QuestionAsync(Activation activation, Payload question)
    {
        if (question.Json is { } json && CallScopeValues.TextOf(json) is var text && PendingWait.Shorten(text) == text)
        {
            return (text, null);
        }

        var whole = await calls.StoreAsync(question);
        var variables = new Dictionary<string, Payload>(StringComparer.Ordinal) { ["question"] = question.IsInline ? question : whole };
        var beginning = await calls.EvaluateAsync(
            new ExpressionSite(ExpressionSiteKind.QuestionBeginning), activation.Scope with { Input = null, Nodes = null, Variables = variables });
        return (beginning.Value?.Json is { ValueKind: JsonValueKind.String } shown ? shown.GetString()! : PendingWait.CutMark, whole);
    }
}
