using System.Text;
using System.Text.Json;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Core.Runs;

/// <summary>Waits for events from outside.</summary>
internal sealed class EventWait(ActivationContext context)
{
    /// <summary>Waits for an event with a payload that fits; others are passed over.</summary>
    /// <returns>True with the payload; false when the deadline came first; null when the run is stopping.</returns>
    public Task<(bool? Arrived, Payload? Value)> WaitAsync(Activation activation, string eventName, DateTimeOffset? deadline, JsonSchema? schema) =>
        WaitAsync(eventName, deadline, text => AcceptedAsync(activation, text, schema), context.Stop.Token);

    /// <summary>Waits for an event with a payload that fits a schema in the payload store; others are passed over.</summary>
    /// <returns>True with the payload; false when the deadline came first; null when the run or the activation is ending.</returns>
    public Task<(bool? Arrived, Payload? Value)> WaitAsync(Activation activation, string eventName, DateTimeOffset? deadline, Payload schema, CancellationToken cancellationToken) =>
        WaitAsync(
            eventName,
            deadline,
            async text => await AcceptedAsync(activation, text, null) is { } answer && await FitsAsync(activation, answer, schema) ? answer : null,
            cancellationToken);

    private async Task<(bool? Arrived, Payload? Value)> WaitAsync(string eventName, DateTimeOffset? deadline, Func<string?, Task<Payload?>> accept, CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var timer = deadline is { } time ? context.Calls.CreateTimerAsync(time, ending.Token) : null;
        try
        {
            while (true)
            {
                var wait = context.Calls.WaitForEventAsync(eventName, ending.Token);
                if (timer is not null && await Task.WhenAny(wait, timer) == timer && !wait.IsCompleted)
                {
                    // Throws if the run is stopping: then the timer was cancelled.
                    await timer;
                    return (false, null);
                }

                if (await accept(await wait) is { } payload)
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

    /// <summary>Takes the payload of an event; <see langword="null"/> if it does not fit, or is not JSON that could be passed on.</summary>
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
            return schema is null || await FitsAsync(activation, reference, Payload.Inline(schema.Json)) ? reference : null;
        }

        if (StrictJson.FindProblem(json) is not null || schema?.Validate(json).Count > 0)
        {
            return null;
        }

        var payload = Payload.Inline(json);
        return Payload.MayBeInline(payload.Text) ? payload : (await context.Calls.StoreAllAsync([payload]))[0];
    }

    private async Task<bool> FitsAsync(Activation activation, Payload answer, Payload schema)
    {
        var variables = new Dictionary<string, Payload>(StringComparer.Ordinal) { ["answer"] = answer, ["schema"] = schema };
        var fits = await context.Calls.EvaluateAsync(new ExpressionSite(ExpressionSiteKind.AnswerFits), activation.Scope with { Input = null, Nodes = null, State = null, Variables = variables });
        return fits.Value?.Json is { ValueKind: JsonValueKind.True };
    }
}
