using System.Buffers;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Polyphony.Activities.Agents;

/// <summary>Arguments of tool calls, as the model's client gives them and as JSON.</summary>
internal static class ToolArguments
{
    /// <summary>
    /// Gets the arguments as JSON: an object, or the text as the model wrote it when that was no object. The tool call then fails
    /// with a message that the model can read and put right.
    /// </summary>
    public static JsonElement ToJson(FunctionCallContent call)
    {
        if (call.Arguments is null)
        {
            return call.RawRepresentation is string raw ? CallJson.Text(raw) : JsonElement.Parse("{}"u8);
        }

        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in call.Arguments)
            {
                writer.WritePropertyName(name);
                JsonSerializer.SerializeToElement(value, AIJsonUtilities.DefaultOptions).WriteTo(writer);
            }

            writer.WriteEndObject();
        }

        return JsonElement.Parse(buffer.WrittenSpan);
    }

    /// <summary>Gets the members of an object as arguments; <see langword="null"/> if it is no object.</summary>
    public static Dictionary<string, object?>? FromJson(JsonElement arguments) => arguments.ValueKind == JsonValueKind.Object
        ? arguments.EnumerateObject().ToDictionary(member => member.Name, member => (object?)member.Value, StringComparer.Ordinal)
        : null;
}
