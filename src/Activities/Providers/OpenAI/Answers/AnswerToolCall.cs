using System.Security.Cryptography;
using System.Text.Json;
using Polyphony.Core.Json;

namespace Polyphony.Activities.Providers.OpenAI.Answers;

/// <summary>A tool call of a completion.</summary>
/// <param name="Id">The id; one of our own if the server gave none, or gave it twice.</param>
/// <param name="Name">The tool.</param>
/// <param name="Arguments">The arguments: JSON text of an object, or what the model wrote in its place.</param>
/// <param name="Extra">The server's own members, to be sent back with the call: an object or undefined. Those of the function stand in its member <c>function</c>.</param>
internal sealed record AnswerToolCall(string Id, string Name, string Arguments, JsonElement Extra)
{
    /// <summary>What stands for the name of a call that has none. No tool is called so, and the model is told.</summary>
    public const string NoName = "(no name)";

    private const string None = "{}";

    // Mistral takes ids of this form only, and nobody minds it.
    private const int IdLength = 9;
    private const string IdCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    private static readonly string[] ArgumentMembers = ["arguments", "parameters", "input"];
    private static readonly HashSet<string> OfACall = new(StringComparer.Ordinal) { "id", "type", "index", "function", "custom", "name", "arguments", "parameters", "input" };
    private static readonly HashSet<string> OfAFunction = new(StringComparer.Ordinal) { "name", "arguments", "parameters", "input" };

    /// <summary>Reads the tool calls of a message, and the deprecated <c>function_call</c>.</summary>
    /// <param name="message">The message.</param>
    /// <param name="replaced">Counts halves of characters that were replaced in arguments.</param>
    public static IReadOnlyList<AnswerToolCall> ReadAll(JsonElement message, ref int replaced)
    {
        var calls = message.Member("tool_calls");
        List<AnswerToolCall> read = [];
        foreach (var call in calls is { ValueKind: JsonValueKind.Object } single ? [single] : calls.Items())
        {
            if (call.ValueKind == JsonValueKind.Object)
            {
                read.Add(Read(call, call.Member("function", "custom") ?? call, read, ref replaced));
            }
        }

        if (read.Count == 0 && message.Member("function_call") is { ValueKind: JsonValueKind.Object } function && function.GetPropertyCount() > 0)
        {
            read.Add(Read(default, function, read, ref replaced));
        }

        return read;
    }

    private static AnswerToolCall Read(JsonElement call, JsonElement function, List<AnswerToolCall> before, ref int replaced)
    {
        var id = JsonReading.OneLine(call.Text("id"));
        if (id is null || before.Any(other => other.Id == id))
        {
            id = RandomNumberGenerator.GetString(IdCharacters, IdLength);
        }

        var name = JsonReading.OneLine(function.Text("name") ?? call.Text("name")) ?? NoName;
        return new AnswerToolCall(id, name, ReadArguments(function.Member(ArgumentMembers) ?? call.Member(ArgumentMembers), ref replaced), ExtraOf(call, function));
    }

    private static string ReadArguments(JsonElement? arguments, ref int replaced)
    {
        if (arguments is not { } given)
        {
            return None;
        }

        var text = given.ValueKind == JsonValueKind.String ? given.GetString()! : given.GetRawText();
        var json = Surrogates.ReplaceEscaped(text, out var count);
        replaced += count;
        return Parse(json) switch
        {
            { ValueKind: JsonValueKind.Object } members => Once(members, json),
            { ValueKind: JsonValueKind.Null } => None,

            // Written as JSON once too often.
            { ValueKind: JsonValueKind.String } quoted when Parse(quoted.GetString()!) is { ValueKind: JsonValueKind.Object } members => Once(members, members.GetRawText()),
            null when string.IsNullOrWhiteSpace(json) => None,
            _ => json,
        };
    }

    // Of a key that is written twice the last counts, as everywhere in JSON.
    private static string Once(JsonElement members, string json)
    {
        try
        {
            JsonDocument.Parse(json, JsonLimits.Document with { AllowDuplicateProperties = false }).Dispose();
            return json;
        }
        catch (JsonException)
        {
            using var buffer = new MemoryStream();
            using (var writer = new Utf8JsonWriter(buffer))
            {
                WriteOnce(writer, members);
            }

            return System.Text.Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
        }
    }

    private static void WriteOnce(Utf8JsonWriter writer, JsonElement json)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var member in json.EnumerateObject().GroupBy(member => member.Name, StringComparer.Ordinal).Select(group => group.Last()))
                {
                    writer.WritePropertyName(member.Name);
                    WriteOnce(writer, member.Value);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in json.EnumerateArray())
                {
                    WriteOnce(writer, item);
                }

                writer.WriteEndArray();
                break;
            default:
                json.WriteTo(writer);
                break;
        }
    }

    private static JsonElement? Parse(string text)
    {
        try
        {
            return JsonElement.Parse(text, JsonLimits.Document);
        }
        catch (Exception exception) when (exception is JsonException or ArgumentException)
        {
            return null;
        }
    }

    private static JsonElement ExtraOf(JsonElement call, JsonElement function)
    {
        var ofCall = call.ValueKind == JsonValueKind.Object ? AnswerMessage.Others(call, OfACall) : default;
        var isNested = call.Member("function", "custom") is not null;
        var ofFunction = isNested && function.ValueKind == JsonValueKind.Object ? AnswerMessage.Others(function, OfAFunction) : default;
        if (ofFunction.ValueKind == JsonValueKind.Undefined)
        {
            return ofCall;
        }

        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            if (ofCall.ValueKind == JsonValueKind.Object)
            {
                foreach (var member in ofCall.EnumerateObject())
                {
                    member.WriteTo(writer);
                }
            }

            writer.WritePropertyName("function");
            ofFunction.WriteTo(writer);
            writer.WriteEndObject();
        }

        return JsonElement.Parse(buffer.GetBuffer().AsSpan(0, (int)buffer.Length), JsonLimits.Document);
    }
}
