using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Polyphony.Core.Durable.History;
using Polyphony.Core.Json;

namespace Polyphony.Http.Instances;

/// <summary>The history of an instance, oldest first.</summary>
/// <param name="InstanceId">The instance's id.</param>
/// <param name="Events">The events: <c>sequence</c>, <c>type</c>, <c>timestamp</c> and what the type adds.</param>
internal sealed record InstanceHistory(string InstanceId, IReadOnlyList<JsonObject> Events)
{
    private static readonly string[] PayloadNames = ["input", "output", "result", "payload"];

    /// <summary>Makes the document of an event.</summary>
    /// <param name="historyEvent">The event.</param>
    /// <param name="payloads">Whether inputs and outputs are kept.</param>
    /// <returns>The document. Stack traces stay inside.</returns>
    public static JsonObject Describe(HistoryEvent historyEvent, bool payloads)
    {
        var json = JsonSerializer.SerializeToNode(historyEvent, CoreJsonContext.Default.HistoryEvent)!.AsObject();
        var document = new JsonObject { ["sequence"] = historyEvent.Sequence };
        foreach (var (name, value) in json.ToArray())
        {
            json.Remove(name);
            if (PayloadNames.Contains(name, StringComparer.Ordinal))
            {
                if (payloads)
                {
                    document[name] = Inline(value);
                }
            }
            else
            {
                document[name] = value;
            }
        }

        for (var failure = document["failureDetails"]; failure is JsonObject details; failure = details["innerFailure"])
        {
            details.Remove("stackTrace");
        }

        return document;
    }

    // History keeps payloads as JSON texts; readers get the JSON itself. What is none, as a C# workflow may write, or what no document can hold is shown as the text that it is.
    private static JsonNode? Inline(JsonNode? value)
    {
        if (value is JsonValue text && text.TryGetValue<string>(out var json))
        {
            try
            {
                var bytes = Encoding.UTF8.GetBytes(json);
                return StrictJson.FindProblem(bytes, JsonLimits.MaxDepth / 2) is null ? JsonNode.Parse(bytes, null, JsonLimits.Document) : json;
            }
            catch (JsonException)
            {
                return json;
            }
        }

        return value?.DeepClone();
    }
}
