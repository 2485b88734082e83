using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Polyphony.Core.Json;

namespace Polyphony.Activities.Providers.OpenAI.Answers;

/// <summary>The message of a completion, read from whatever form the server gave it.</summary>
internal sealed record AnswerMessage
{
    // Read here, or not for sending back: they belong to the answer, and some are large.
    private static readonly HashSet<string> NotSentBack = new(StringComparer.Ordinal)
    {
        "role", "name", "content", "text", "refusal", "tool_calls", "function_call", "index", "annotations", "audio", "images", "logprobs", "parsed", "context", "citations",
        "search_results", "executed_tools", "content_filter_results", "finish_reason", "stop_reason", "token_ids",
    };

    /// <summary>The deepest of them that goes back: it stands some levels down in what keeps it.</summary>
    private const int MaxExtraDepth = JsonLimits.MaxValueDepth - 8;

    private static readonly string[] ReasoningMembers = ["reasoning_content", "reasoning", "reasoning_text", "thinking"];

    /// <summary>Gets the text; <see langword="null"/> if there is none.</summary>
    public string? Text { get; init; }

    /// <summary>Gets what the model thought before it answered, where the server shows it.</summary>
    public string? Reasoning { get; init; }

    /// <summary>Gets the words of a refusal.</summary>
    public string? Refusal { get; init; }

    /// <summary>Gets the tool calls.</summary>
    public IReadOnlyList<AnswerToolCall> ToolCalls { get; init; } = [];

    /// <summary>Gets the server's own members; an object or undefined.</summary>
    public JsonElement Extra { get; init; }

    /// <summary>Gets a value indicating whether there is something to continue with.</summary>
    public bool IsAnswer => !string.IsNullOrWhiteSpace(Text) || Refusal is not null || ToolCalls.Count > 0;

    /// <summary>Reads the message of a choice.</summary>
    /// <param name="choice">The choice.</param>
    /// <param name="replaced">Counts halves of characters that were replaced in arguments.</param>
    public static AnswerMessage Read(JsonElement choice, ref int replaced)
    {
        // A single chunk of a stream has a delta; the older protocol has the text in the choice.
        var message = choice.Member("message", "delta") ?? choice;
        var text = new StringBuilder();
        var thoughts = new StringBuilder();
        string? refusal = null;
        if (message.ValueKind == JsonValueKind.String)
        {
            text.Append(message.GetString());
        }
        else if (message.Member("content", "text") is { } content)
        {
            ReadContent(content, text, thoughts, ref refusal);
        }

        return new AnswerMessage
        {
            Text = text.Length > 0 ? text.ToString() : null,
            Reasoning = ReasoningMembers.Select(name => message.Member(name)).FirstOrDefault(value => value is { ValueKind: JsonValueKind.String })?.GetString() is { Length: > 0 } reasoning
                ? reasoning
                : thoughts.Length > 0 ? thoughts.ToString() : null,
            Refusal = message.Member("refusal") is { ValueKind: JsonValueKind.String } refused && !string.IsNullOrWhiteSpace(refused.GetString()) ? refused.GetString() : refusal,
            ToolCalls = AnswerToolCall.ReadAll(message, ref replaced),
            Extra = message.ValueKind == JsonValueKind.Object && choice.Member("message", "delta") is not null ? Others(message, NotSentBack) : default,
        };
    }

    /// <summary>Gets the members of an object that are neither known, nor empty, nor nested beyond reason, as an object; undefined if there are none.</summary>
    public static JsonElement Others(JsonElement json, HashSet<string> known)
    {
        var others = json.EnumerateObject()
            .Where(member => !known.Contains(member.Name) && !IsEmpty(member.Value) && JsonLimits.DepthOf(JsonMarshal.GetRawUtf8Value(member.Value)) <= MaxExtraDepth)
            .DistinctBy(member => member.Name)
            .ToArray();
        if (others.Length == 0)
        {
            return default;
        }

        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var member in others)
            {
                writer.WritePropertyName(member.Name);
                json.GetProperty(member.Name).WriteTo(writer);
            }

            writer.WriteEndObject();
        }

        return JsonElement.Parse(buffer.GetBuffer().AsSpan(0, (int)buffer.Length), JsonLimits.Document);
    }

    private static bool IsEmpty(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => true,
        JsonValueKind.String => value.GetString()!.Length == 0,
        JsonValueKind.Array => value.GetArrayLength() == 0,
        JsonValueKind.Object => value.GetPropertyCount() == 0,
        _ => false,
    };

    private static void ReadContent(JsonElement content, StringBuilder text, StringBuilder thoughts, ref string? refusal)
    {
        switch (content.ValueKind)
        {
            case JsonValueKind.String:
                text.Append(content.GetString());
                break;
            case JsonValueKind.Array:
                foreach (var part in content.EnumerateArray())
                {
                    ReadContent(part, text, thoughts, ref refusal);
                }

                break;
            case JsonValueKind.Object when content.Member("thinking", "reasoning") is { } thinking:
                ReadContent(thinking, thoughts, thoughts, ref refusal);
                break;
            case JsonValueKind.Object when content.Member("text", "content") is { } part:
                var isThought = content.Text("type") is "thinking" or "reasoning" or "reasoning_text";
                ReadContent(part, isThought ? thoughts : text, thoughts, ref refusal);
                break;
            case JsonValueKind.Object when content.Text("refusal") is { Length: > 0 } refused:
                refusal = refused;
                break;
            case JsonValueKind.Object when content.Member("type") is null:
                // Structured output that the server has parsed already.
                text.Append(content.GetRawText());
                break;
            case JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False:
                text.Append(content.GetRawText());
                break;
        }
    }
}
