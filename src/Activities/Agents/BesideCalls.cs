using System.Buffers;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Providers;
using Polyphony.Core.Json;

namespace Polyphony.Activities.Agents;

/// <summary>
/// What a model's server puts beside tool calls and wants back with them: <c>{"text":…,"extra":{…},"calls":{ID:{…}}}</c>. It travels by the history, as
/// <see cref="Core.Runs.AgentCallResult.Beside"/>.
/// </summary>
internal static class BesideCalls
{
    /// <summary>Takes it out of an answer.</summary>
    /// <param name="answer">The answer.</param>
    /// <returns>An object; <see langword="null"/> if there is nothing beside the calls.</returns>
    public static JsonElement? Of(RecordedAnswer answer)
    {
        var calls = answer.ToolCalls.Where(call => call.Extra.ValueKind == JsonValueKind.Object).ToArray();
        if (answer.Text.Length == 0 && answer.Extra.ValueKind != JsonValueKind.Object && calls.Length == 0)
        {
            return null;
        }

        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("text", answer.Text);
            if (answer.Extra.ValueKind == JsonValueKind.Object)
            {
                writer.WritePropertyName("extra");
                answer.Extra.WriteTo(writer);
            }

            writer.WriteStartObject("calls");
            foreach (var call in calls)
            {
                writer.WritePropertyName(call.Id);
                call.Extra.WriteTo(writer);
            }

            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return JsonElement.Parse(buffer.WrittenSpan, JsonLimits.Document);
    }

    /// <summary>Makes the message of the model that asked for tools.</summary>
    /// <param name="calls">The calls.</param>
    /// <param name="beside">What stood beside them, if anything did.</param>
    public static ChatMessage ToMessage(IEnumerable<FunctionCallContent> calls, JsonElement? beside)
    {
        var message = new ChatMessage(ChatRole.Assistant, []);
        if (beside is { } json)
        {
            if (json.GetProperty("text").GetString() is { Length: > 0 } text)
            {
                message.Contents.Add(new TextContent(text));
            }

            if (json.TryGetProperty("extra", out var extra))
            {
                message.AdditionalProperties = new() { [AnswerProperties.Extra] = extra };
            }
        }

        foreach (var call in calls)
        {
            if (beside is { } all && all.GetProperty("calls").TryGetProperty(call.CallId, out var extra))
            {
                call.AdditionalProperties = new() { [AnswerProperties.Extra] = extra };
            }

            message.Contents.Add(call);
        }

        return message;
    }
}
