using System.Diagnostics.CodeAnalysis;
using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Polyphony.Core.Json;

namespace Polyphony.Activities.Providers.OpenAI.Answers;

/// <summary>Puts the chunks of a streamed completion together: some gateways stream whether or not they were asked to.</summary>
internal static class EventStream
{
    private static readonly string[] Fields = ["data:", "event:", "id:", "retry:", ":"];

    /// <summary>Whether a body is a stream of server-sent events, by its start.</summary>
    public static bool IsOne(string start) => Array.Exists(Fields, field => start.StartsWith(field, StringComparison.Ordinal));

    /// <summary>Makes a completion of server-sent events.</summary>
    /// <param name="body">The whole stream.</param>
    public static JsonElement Assemble(byte[] body)
    {
        var chunks = new ChunkAssembler();
        string? other = null;

        // The last event counts as well where the empty line that ends it is missing.
        using var stream = new MemoryStream([.. body, .. "\n\n"u8], writable: false);
        foreach (var item in SseParser.Create(stream).Enumerate())
        {
            var data = item.Data.Trim();
            if (data == "[DONE]")
            {
                chunks.End();
            }
            else if (data.Length > 0 && !chunks.TryAdd(data))
            {
                // A sign of life, or words for people. Half a chunk is a piece that is missing.
                other ??= data;
                chunks.IsBroken |= data[0] == '{';
            }
        }

        return chunks.ToCompletion() ?? throw AnswerNormalizer.Unreadable(
            other is null ? "it is a stream of events without an answer" : $"it is a stream of events, and one of them is not JSON: \"{JsonReading.OneLine(other)}\"");
    }

    /// <summary>Makes a completion of lines of JSON, one chunk each.</summary>
    /// <param name="body">The whole body.</param>
    /// <param name="completion">The completion.</param>
    /// <returns>Whether the body is of that form.</returns>
    public static bool TryAssembleLines(byte[] body, [NotNullWhen(true)] out JsonElement completion)
    {
        completion = default;
        var chunks = new ChunkAssembler();
        foreach (var line in Encoding.UTF8.GetString(body).Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (!chunks.TryAdd(line))
            {
                // Only the last may be half of one.
                if (!chunks.HasPieces || line[0] != '{' || chunks.IsBroken)
                {
                    return false;
                }

                chunks.IsBroken = true;
            }
            else if (chunks.IsBroken)
            {
                return false;
            }
        }

        return chunks.ToCompletion() is { } whole && (completion = whole).ValueKind == JsonValueKind.Object;
    }
}

/// <summary>Collects the chunks of one streamed completion.</summary>
internal sealed class ChunkAssembler
{
    // What is said in pieces; of all else the last counts.
    private static readonly string[] Pieces = ["content", "text", "refusal", "reasoning_content", "reasoning", "reasoning_text", "thinking", "arguments", "thought_signature"];

    private readonly JsonObject _completion = [];
    private readonly JsonObject _choice = [];
    private readonly JsonObject _message = [];
    private readonly List<JsonObject> _calls = [];
    private readonly Dictionary<(JsonObject, string), StringBuilder> _texts = [];
    private bool _isEnded;
    private bool _hasChunks;

    /// <summary>Gets or sets a value indicating whether a chunk could not be read, so that what it said is missing.</summary>
    public bool IsBroken { get; set; }

    /// <summary>Gets a value indicating whether some of an answer has come.</summary>
    public bool HasPieces => _choice.Count > 0 || _message.Count > 0 || _texts.Count > 0 || _calls.Count > 0;

    /// <summary>Says that the stream was ended in order.</summary>
    public void End() => _isEnded = true;

    /// <summary>Adds a chunk.</summary>
    /// <param name="json">The chunk.</param>
    /// <returns>Whether it is a JSON object.</returns>
    public bool TryAdd(string json)
    {
        JsonElement chunk;
        try
        {
            chunk = JsonElement.Parse(json, JsonLimits.Document);
        }
        catch (JsonException)
        {
            return false;
        }

        if (chunk.ValueKind != JsonValueKind.Object)
        {
            return false;
        }

        _hasChunks = true;
        Merge(_completion, chunk, "choices");
        if (chunk.Member("choices").Items().FirstOrDefault() is { ValueKind: JsonValueKind.Object } choice)
        {
            Merge(_choice, choice, "delta", "message");
            if (choice.Member("message", "delta") is { ValueKind: JsonValueKind.Object } delta)
            {
                Merge(_message, delta, "tool_calls", "function_call");
                if (delta.Member("function_call") is { ValueKind: JsonValueKind.Object } function)
                {
                    Merge(Child(_message, "function_call"), function);
                }

                foreach (var call in delta.Member("tool_calls").Items().Where(call => call.ValueKind == JsonValueKind.Object))
                {
                    AddCall(call);
                }
            }
        }

        return true;
    }

    /// <summary>Gets the completion; <see langword="null"/> if there were no chunks.</summary>
    public JsonElement? ToCompletion()
    {
        if (!_hasChunks)
        {
            return null;
        }

        foreach (var ((target, name), text) in _texts)
        {
            target[name] = text.ToString();
        }

        if (_calls.Count > 0)
        {
            _message["tool_calls"] = new JsonArray([.. _calls]);
        }

        if (_choice.Count > 0 || _message.Count > 0)
        {
            if (IsBroken || (!_isEnded && _choice["finish_reason"] is null))
            {
                // It broke off: what there is, is cut.
                _choice["finish_reason"] = FinishReasons.Length;
            }

            _choice["message"] = _message;
            _completion["choices"] = new JsonArray(_choice);
        }

        return JsonElement.Parse(_completion.ToJsonString(JsonReading.DeepWriting), JsonLimits.Document);
    }

    private static JsonObject Child(JsonObject parent, string name)
    {
        if (parent[name] is not JsonObject child)
        {
            parent[name] = child = [];
        }

        return child;
    }

    // Most number the calls. Others give a new id with a new one, and none with what belongs to the one before.
    private void AddCall(JsonElement chunk)
    {
        var index = chunk.Count("index");
        var id = chunk.Text("id") is { Length: > 0 } text ? text : null;
        var call = index is not null
            ? _calls.Find(other => other["index"] is JsonValue value && value.TryGetValue<long>(out var number) && number == index)
            : id is null ? _calls.LastOrDefault() : _calls.Find(other => other["id"] is JsonValue value && value.TryGetValue<string>(out var other_) && other_ == id);
        if (call is null)
        {
            _calls.Add(call = []);
            if (index is { } number)
            {
                call["index"] = number;
            }
        }

        Merge(call, chunk, "function", "index");
        if (chunk.Member("function") is { ValueKind: JsonValueKind.Object } function)
        {
            Merge(Child(call, "function"), function);
        }
    }

    private void Merge(JsonObject target, JsonElement source, params ReadOnlySpan<string> except)
    {
        foreach (var member in source.EnumerateObject())
        {
            if (member.Value.ValueKind == JsonValueKind.Null || except.Contains(member.Name))
            {
                continue;
            }

            if (member.Value.ValueKind == JsonValueKind.String && Pieces.Contains(member.Name))
            {
                if (!_texts.TryGetValue((target, member.Name), out var text))
                {
                    _texts[(target, member.Name)] = text = new StringBuilder();
                }

                text.Append(member.Value.GetString());
            }
            else if (member.Value.ValueKind == JsonValueKind.Array && target[member.Name] is JsonArray list)
            {
                foreach (var item in member.Value.EnumerateArray())
                {
                    list.Add(JsonNode.Parse(item.GetRawText(), null, JsonLimits.Document));
                }
            }
            else if (member.Value is not { ValueKind: JsonValueKind.String } || member.Value.GetString()!.Length > 0 || target[member.Name] is null)
            {
                target[member.Name] = JsonNode.Parse(member.Value.GetRawText(), null, JsonLimits.Document);
            }
        }
    }
}
