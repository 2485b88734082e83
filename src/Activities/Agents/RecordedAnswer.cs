using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Polyphony.Activities.Agents;

/// <summary>
/// A model's answer as the ledger keeps it: <c>{"v":1,"text":…,"refusal":…,"toolCalls":[{"id":…,"name":…,"arguments":…}]}</c>.
/// What follows from an answer is computed from this form alone, so that a recorded answer leads to the same result as a fresh one.
/// </summary>
internal sealed record RecordedAnswer(string Text, string? Refusal, IReadOnlyList<RecordedToolCall> ToolCalls)
{
    private const int Version = 1;

    public static RecordedAnswer From(ChatResponse response)
    {
        var contents = response.Messages.SelectMany(message => message.Contents).ToArray();
        return new RecordedAnswer(
            response.Text,
            contents.OfType<ErrorContent>().FirstOrDefault()?.Message,
            [.. contents.OfType<FunctionCallContent>().Select(call => new RecordedToolCall(call.CallId, call.Name, ToolArguments.ToJson(call)))]);
    }

    public static RecordedAnswer Read(string content)
    {
        var json = JsonElement.Parse(content);
        return new RecordedAnswer(
            json.GetProperty("text").GetString()!,
            json.TryGetProperty("refusal", out var refusal) ? refusal.GetString() : null,
            json.TryGetProperty("toolCalls", out var calls)
                ? [.. calls.EnumerateArray().Select(call => new RecordedToolCall(
                    call.GetProperty("id").GetString()!, call.GetProperty("name").GetString()!, call.GetProperty("arguments")))]
                : []);
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
                    writer.WriteEndObject();
                }

                writer.WriteEndArray();
            }

            writer.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}

/// <summary>A tool call of a recorded answer.</summary>
internal sealed record RecordedToolCall(string Id, string Name, JsonElement Arguments);
