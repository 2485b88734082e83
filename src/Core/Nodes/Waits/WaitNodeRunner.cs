using System.Text.Json;
using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Parsing;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Nodes.Waits;

/// <summary>Waits: for a duration, until a time, or for an event.</summary>
internal sealed class WaitNodeRunner(ActivationContext context, EventWait events) : INodeRunner
{
    public async Task<WorkResult> RunAsync(Activation activation, WorkLimit limit)
    {
        var wait = (WaitNode)activation.Node;
        var state = activation.Wait;
        if (state is null)
        {
            DateTimeOffset? deadline = wait.For is { } duration ? context.Now + duration : wait.Timeout is { } timeout ? context.Now + timeout : null;
            if (wait.Until is not null)
            {
                var until = await context.Calls.EvaluateAsync(new ExpressionSite(ExpressionSiteKind.Until), activation.Scope);
                if (until.Error is not null)
                {
                    return new WorkResult { Error = until.Error, Attempts = 1 };
                }

                if (until.Value?.Json is not { ValueKind: JsonValueKind.String } text || !Rfc3339.TryParse(text.GetString(), out var time))
                {
                    return WorkResult.Failed(
                        ErrorCodes.ExpressionError,
                        $"\"{activation.Id}\" waits until {SourceValues.Shorten(until.Value?.Json?.GetRawText() ?? "something too large for a time")}; expected {Rfc3339.Expected}.");
                }

                deadline = time;
            }

            state = new WaitState(deadline);
        }

        context.Observer.OnAttempt(activation);
        context.Observer.OnWaiting(activation, new PendingWait(activation.Id, wait.Event is null ? "timer" : "event", wait.Event, null, state.Deadline), state);
        var (arrived, payload) = wait.Event is null
            ? (await SleepAsync(state.Deadline!.Value) ? true : (bool?)null, Payload.Null)
            : await events.WaitAsync(activation, wait.Event, state.Deadline, wait.Schema);
        context.Observer.OnWaited(activation);
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
            await context.Calls.CreateTimerAsync(until, context.Stop.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
