using System.Text.Json;
using Polyphony.Core.Durable;

namespace Polyphony.DurableFunctions.Durable;

/// <summary>The orchestration that sends an event for an entity.</summary>
internal static class EventSender
{
    public const string Name = "polyphony-send-event";

    public static RawJson Input(string instanceId, string eventName, string? payload) =>
        new(JsonSerializer.Serialize([instanceId, eventName, payload], FunctionsJsonContext.Default.StringArray));

    public static Task<string?> RunAsync(OrchestrationContext context, string? input)
    {
        var sent = JsonSerializer.Deserialize(input!, FunctionsJsonContext.Default.StringArray)!;
        context.SendEvent(sent[0]!, sent[1]!, sent[2]);
        return Task.FromResult<string?>(null);
    }
}
