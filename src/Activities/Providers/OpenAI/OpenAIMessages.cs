using System.ClientModel.Primitives;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Agents;
using Polyphony.Activities.Providers.OpenAI.Answers;

namespace Polyphony.Activities.Providers.OpenAI;

/// <summary>Prepares messages for the library's client: what it would drop or change is given to it in the SDK's own form.</summary>
internal static class OpenAIMessages
{
    private const int LongestName = 64;

    // It refuses the reasoning that it gives.
    private const string TakesNothingBack = ".groq.com";

    /// <summary>Prepares the messages of a request.</summary>
    /// <param name="messages">The conversation.</param>
    /// <param name="options">The options of the request.</param>
    /// <param name="server">The server's address.</param>
    public static IEnumerable<ChatMessage> ToRequest(IEnumerable<ChatMessage> messages, ChatOptions? options, Uri? server)
    {
        var takesBack = server?.Host.EndsWith(TakesNothingBack, StringComparison.OrdinalIgnoreCase) != true;
        var tools = options?.Tools?.Select(tool => tool.Name).ToHashSet(StringComparer.Ordinal) ?? [];
        foreach (var message in messages)
        {
            yield return message.Role == ChatRole.Assistant && message.Contents.Any(content => content is FunctionCallContent)
                ? new ChatMessage(message.Role, message.Contents) { RawRepresentation = Turn(message, tools, takesBack) }
                : message.AuthorName is { } author ? Named(message, author) : message;
        }
    }

    // An assistant's turn with tool calls, and with what its server had put beside them.
    private static global::OpenAI.Chat.ChatMessage Turn(ChatMessage message, HashSet<string> tools, bool takesBack)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("role", "assistant");
            if (message.Text is { Length: > 0 } text)
            {
                writer.WriteString("content", text);
            }

            writer.WriteStartArray("tool_calls");
            foreach (var call in message.Contents.OfType<FunctionCallContent>())
            {
                var extra = Extra(call.AdditionalProperties);
                writer.WriteStartObject();
                writer.WriteString("id", call.CallId);
                writer.WriteString("type", "function");
                writer.WriteStartObject("function");

                // The name of a tool that does not exist may be anything, and servers refuse what could not be a name.
                writer.WriteString("name", tools.Contains(call.Name) ? call.Name : Name(call.Name));
                writer.WriteString("arguments", ToolArguments.ToRequest(call));
                WriteMembers(writer, extra.Member("function") ?? default, null);
                writer.WriteEndObject();
                WriteMembers(writer, extra, "function");
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            if (takesBack)
            {
                WriteMembers(writer, Extra(message.AdditionalProperties), null);
            }

            writer.WriteEndObject();
        }

        return ModelReaderWriter.Read<global::OpenAI.Chat.ChatMessage>(BinaryData.FromBytes(buffer.ToArray()))!;
    }

    private static void WriteMembers(Utf8JsonWriter writer, JsonElement json, string? except)
    {
        if (json.ValueKind == JsonValueKind.Object)
        {
            foreach (var member in json.EnumerateObject().Where(member => member.Name != except))
            {
                member.WriteTo(writer);
            }
        }
    }

    private static JsonElement Extra(AdditionalPropertiesDictionary? properties) =>
        properties?.GetValueOrDefault(AnswerProperties.Extra) is JsonElement { ValueKind: JsonValueKind.Object } extra ? extra : default;

    private static ChatMessage Named(ChatMessage message, string author)
    {
        var named = message.Clone();
        named.AuthorName = Name(author);
        return named;
    }

    // The protocol takes letters, digits, _ and - only; the library drops what is not one of the first three.
    private static string Name(string author)
    {
        var name = new StringBuilder();
        foreach (var character in author)
        {
            name.Append(char.IsAsciiLetterOrDigit(character) ? character : '_');
        }

        return name.Length <= LongestName ? name.ToString() : name.ToString(0, LongestName);
    }
}
