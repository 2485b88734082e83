using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Providers;
using Polyphony.Core.Json;

namespace Polyphony.Activities.Agents;

/// <summary>
/// A model's answer as the ledger keeps it: <c>{"v":1,"text":…,"refusal":…,"thought":true,"replaced":1,"extra":{…},"toolCalls":[{"id":…,"name":…,"arguments":…,"extra":{…}}]}</c>.
/// What follows from an answer is computed from this form alone, so that a recorded answer leads to the same result as a fresh one.
/// </summary>
internal sealed record RecordedAnswer(string Text, string? Refusal, IReadOnlyList<RecordedToolCall> ToolCalls)
{
    private const int Version = 1;

    /// <summary>Gets a value indicating whether the answer holds thoughts of the model, which are no answer by themselves.</summary>
    public bool HasThoughts { get; init; }

    /// <summary>Gets how many halves of characters in it were replaced by U+FFFD.</summary>
    public int Replaced { get; init; }

    /// <summary>Gets the server's own members of a message with tool calls, to be sent back with it; an object or undefined.</summary>
    public JsonElement Extra { get; init; }

    public static RecordedAnswer From(ChatResponse response)
    {
        var contents = response.Messages.SelectMany(message => message.Contents).ToArray();
        RecordedToolCall[] calls =
        [
            .. contents.OfType<FunctionCallContent>().Select(call => new RecordedToolCall(call.CallId, call.Name, ToolArguments.ToJson(call)) { Extra = ExtraOf(call.AdditionalProperties) }),
        ];
        return new RecordedAnswer(response.Text, contents.OfType<ErrorContent>().FirstOrDefault()?.Message, calls)
        {
            HasThoughts = contents.OfType<TextReasoningContent>().Any(thoughts => !string.IsNullOrWhiteSpace(thoughts.Text)),
            Replaced = response.AdditionalProperties?.GetValueOrDefault(AnswerProperties.Replaced) as int? ?? 0,

            // Nothing goes back to the model with an answer that ends the conversation.
            Extra = calls.Length > 0 ? ExtraOf(response.Messages[^1].AdditionalProperties) : default,
        };
    }

    /// <summary>Reads a record.</summary>
    /// <exception cref="JsonException">It is of another form.</exception>
    /// <exception cref="InvalidOperationException">It is of another form.</exception>
    /// <exception cref="KeyNotFoundException">It is of another form.</exception>
    public static RecordedAnswer Read(string content)
    {
        var json = JsonElement.Parse(content, JsonLimits.Document);
        return new RecordedAnswer(
            json.GetProperty("text").GetString()!,
            json.TryGetProperty("refusal", out var refusal) ? refusal.GetString() : null,
            json.TryGetProperty("toolCalls", out var calls)
                ? [.. calls.EnumerateArray().Select(call => new RecordedToolCall(
                    call.GetProperty("id").GetString()!, call.GetProperty("name").GetString()!, call.GetProperty("arguments")) { Extra = ExtraOf(call) })]
                : [])
        {
            Replaced = json.TryGetProperty("replaced", out var replaced) ? replaced.GetInt32() : 0,
            HasThoughts = json.TryGetProperty("thought", out var thought) && thought.GetBoolean(),
            Extra = ExtraOf(json),
        };
    }

    public string Write()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartObject();
            writer.WriteNumber("v", Version);
            writer.WriteString("text", Text);
            if (Refusal is not null)
            {
                writer.WriteString("refusal", Refusal);
            }

            if (HasThoughts)
            {
                writer.WriteBoolean("thought", true);
            }

            if (Replaced > 0)
            {
                writer.WriteNumber("replaced", Replaced);
            }

            WriteExtra(writer, Extra);
            if (ToolCalls.Count > 0)
            {
                writer.WriteStartArray("toolCalls");
                foreach (var call in ToolCalls)
                {
                    writer.WriteStartObject();
                    writer.WriteString("id", call.Id);
                    writer.WriteString("name", call.Name);
                    writer.WritePropertyName("arguments");
                    call.Arguments.WriteTo(writer);
                    WriteExtra(writer, call.Extra);
                    writer.WriteEndObject();
                }

                writer.WriteEndArray();
            }

            writer.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void WriteExtra(Utf8JsonWriter writer, JsonElement extra)
    {
        if (extra.ValueKind == JsonValueKind.Object)
        {
            writer.WritePropertyName("extra");
            extra.WriteTo(writer);
        }
    }

    private static JsonElement ExtraOf(JsonElement json) => json.TryGetProperty("extra", out var extra) ? extra : default;

    private static JsonElement ExtraOf(AdditionalPropertiesDictionary? properties) => properties?.GetValueOrDefault(AnswerProperties.Extra) is JsonElement extra ? extra : default;
}

/// <summary>A tool call of a recorded answer.</summary>
internal sealed record RecordedToolCall(string Id, string Name, JsonElement Arguments)
{
    /// <summary>Gets the server's own members, to be sent back with the call; an object or undefined.</summary>
    public JsonElement Extra { get; init; }
}
