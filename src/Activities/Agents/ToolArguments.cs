using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Polyphony.Core.Json;

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

        return JsonElement.Parse(buffer.WrittenSpan, JsonLimits.Document);
    }

    /// <summary>Gets the arguments for a server: JSON text of an object always, because servers that take it apart fail on anything else.</summary>
    public static string ToRequest(FunctionCallContent call)
    {
        var json = ToJson(call);
        return json.ValueKind == JsonValueKind.Object
            ? json.GetRawText()
            : new JsonObject { ["invalid_arguments"] = CallJson.ToText(json) }.ToJsonString();
    }

    /// <summary>Gets the members of an object as arguments; <see langword="null"/> if it is not an object. If a name occurs twice, the last value counts.</summary>
    public static Dictionary<string, object?>? FromJson(JsonElement arguments)
    {
        if (arguments.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        var members = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (var member in arguments.EnumerateObject())
        {
            members[member.Name] = member.Value;
        }

        return members;
    }

    /// <summary>Gets a tool call as it stands in a conversation.</summary>
    public static FunctionCallContent ToCall(string id, string name, JsonElement arguments) => new(id, name, FromJson(arguments))
    {
        RawRepresentation = arguments.ValueKind == JsonValueKind.Object ? null : CallJson.ToText(arguments),
    };
}
