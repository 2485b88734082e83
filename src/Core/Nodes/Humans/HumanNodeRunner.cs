using System.Text.Json;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Nodes.Humans;

/// <summary>Asks a person, and waits for an answer that fits.</summary>
internal sealed class HumanNodeRunner(ActivationContext context, EventWait events) : INodeRunner
{
    private const int MaxAssigneeLength = 200;

    public async Task<WorkResult> RunAsync(Activation activation, WorkLimit limit)
    {
        var human = (HumanNode)activation.Node;
        var eventName = EventNames.Answer(activation.Id);
        var state = activation.Wait ?? new WaitState(human.Timeout is { } timeout ? context.Now + timeout : null);
        var prompt = activation.Prompt is { } given
            ? new EvaluateResult(given)
            : await context.Calls.EvaluateAsync(new ExpressionSite(ExpressionSiteKind.Prompt), activation.Scope);
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
                var escalation = await context.Calls.EvaluateAsync(new ExpressionSite(ExpressionSiteKind.Escalation), activation.Scope);
                assignee = escalation.Value?.Json?.ToString() is { } name ? ErrorText.Shorten(name, MaxAssigneeLength) : null;
            }

            context.Observer.OnAttempt(activation);
            context.Observer.OnWaiting(
                activation,
                new PendingWait(activation.Id, "human", eventName, question, state.Deadline, assignee, whole),
                state);
            var (answered, answer) = await events.WaitAsync(activation, eventName, state.Deadline, human.Schema);
            context.Observer.OnWaited(activation);
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
                    var value = await context.Calls.EvaluateAsync(new ExpressionSite(ExpressionSiteKind.TimeoutValue), activation.Scope);
                    return value.Error is null
                        ? await AcceptAsync(activation, human, value.Value!)
                        : new WorkResult { Error = value.Error, Attempts = 1 };
                case HumanTimeoutKind.Escalate when !state.Escalated:
                    state = new WaitState(human.OnTimeout.EscalationTimeout is { } more ? context.Now + more : null, Escalated: true);
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
            var rejected = await context.Calls.EvaluateAsync(new ExpressionSite(ExpressionSiteKind.RejectWhen), activation.Scope with { Variables = variables });
            if (rejected.Error is not null)
            {
                return new WorkResult { Error = rejected.Error, Attempts = 1 };
            }

            if (rejected.Value?.Json is { ValueKind: JsonValueKind.True })
            {
                context.Stop.Request(StopReason.Rejected);
            }
        }

        return new WorkResult { Output = answer, Attempts = 1 };
    }

    /// <summary>Makes what is shown of a question while it waits, and puts a question that is longer into the payload store, where those who ask for it find all of it.</summary>
    private async Task<(string Shown, Payload? Whole)> QuestionAsync(Activation activation, Payload question)
    {
        if (question.Json is { } json && CallScopeValues.TextOf(json) is var text && PendingWait.Shorten(text) == text)
        {
            return (text, null);
        }

        var whole = await context.Calls.StoreAsync(question);
        var variables = new Dictionary<string, Payload>(StringComparer.Ordinal) { ["question"] = question.IsInline ? question : whole };
        var beginning = await context.Calls.EvaluateAsync(
            new ExpressionSite(ExpressionSiteKind.QuestionBeginning), activation.Scope with { Input = null, Nodes = null, Variables = variables });
        return (beginning.Value?.Json is { ValueKind: JsonValueKind.String } shown ? shown.GetString()! : PendingWait.CutMark, whole);
    }
}
