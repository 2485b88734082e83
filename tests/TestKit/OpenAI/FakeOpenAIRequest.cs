using System.Text.Json;

namespace Polyphony.TestKit.OpenAI;

/// <summary>A chat completion request as it came over the wire.</summary>
/// <param name="Number">Which, from 1.</param>
/// <param name="Body">The body.</param>
/// <param name="Headers">The headers.</param>
public sealed record FakeOpenAIRequest(int Number, JsonElement Body, IReadOnlyDictionary<string, string> Headers)
{
    /// <summary>Gets the path with the query, such as <c>/v1/chat/completions</c>.</summary>
    public string Target { get; init; } = "";

    public string Model => Body.GetProperty("model").GetString()!;

    public IReadOnlyList<JsonElement> Messages => [.. Body.GetProperty("messages").EnumerateArray()];

    /// <summary>Gets the text of the last message of a user.</summary>
    public string Prompt => Text(Messages.LastOrDefault(message => message.GetProperty("role").ValueEquals("user")));

    /// <summary>Gets the text of the first message of a user: the prompt, whatever was said since, when no earlier messages are shown.</summary>
    public string FirstPrompt => Text(Messages.FirstOrDefault(message => message.GetProperty("role").ValueEquals("user")));

    /// <summary>Gets which call of its conversation it is, from 1: how many turns of the model it holds, and this one.</summary>
    public int Turn => 1 + Messages.Count(message => message.GetProperty("role").ValueEquals("assistant"));

    public static string Text(JsonElement message)
    {
        if (message.ValueKind != JsonValueKind.Object || !message.TryGetProperty("content", out var content))
        {
            return "";
        }

        return content.ValueKind == JsonValueKind.Array
            ? string.Concat(content.EnumerateArray().Select(part => part.TryGetProperty("text", out var text) ? text.GetString() : null))
            : content.GetString() ?? "";
    }
}
