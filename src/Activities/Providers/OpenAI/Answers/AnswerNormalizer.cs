using System.Globalization;
using System.Text;
using System.Text.Json;
using Polyphony.Activities.Errors;
using Polyphony.Core.Json;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Providers.OpenAI.Answers;

/// <summary>
/// Makes of what a server has sent as a success a chat completion that the SDK can parse. The SDK is stricter than servers are, and what it can't parse has been paid for.
/// </summary>
/// <remarks>
/// The completion is written again from what is understood, so that no odd member reaches the SDK: in order, put the text into UTF-8 and replace halves of
/// characters; put a stream together that nobody asked for; find the completion; read its message; say what is wrong if there is nothing to continue with.
/// </remarks>
internal static class AnswerNormalizer
{
    private static readonly string[] Envelopes = ["response", "result", "data", "body", "completion"];

    /// <summary>Normalises the body of a successful response.</summary>
    /// <param name="body">The body.</param>
    /// <param name="header">Gets a header by its name.</param>
    /// <returns>A chat completion in UTF-8 JSON, with an <see cref="AnswerSupplement"/>.</returns>
    /// <exception cref="ProviderException">There is an error in it, and no answer.</exception>
    /// <exception cref="ModelException">There is no completion in it; the error says what there is in its place.</exception>
    public static byte[] Normalize(byte[] body, Func<string, string?> header)
    {
        var json = BodyText.ToUtf8(body, header("content-type"), out var replaced);
        replaced += Surrogates.ReplaceEscaped(json);
        var root = Parse(json);
        var completion = Find(root);
        var choices = completion.Member("choices").Items().Where(choice => choice.ValueKind == JsonValueKind.Object).ToArray();
        var choice = default(JsonElement);
        var message = new AnswerMessage();
        foreach (var candidate in choices)
        {
            var halves = 0;
            var read = AnswerMessage.Read(candidate, ref halves);
            if (read.IsAnswer || choice.ValueKind == JsonValueKind.Undefined)
            {
                (choice, message) = (candidate, read);
                replaced += halves;
            }

            if (read.IsAnswer)
            {
                break;
            }
        }

        var usage = TokenCounts.Read(completion);
        if (!message.IsAnswer && (AnswerErrors.Find(completion, choice, header) ?? AnswerErrors.Find(root, choice, header)) is { } error)
        {
            throw new ProviderException(error);
        }

        if (choice.ValueKind == JsonValueKind.Undefined && usage is null)
        {
            throw Unreadable(completion.ValueKind != JsonValueKind.Object
                ? $"it is {Describe(completion)}, and a chat completion was expected"
                : completion.TryGetProperty("choices", out _) ? "it has no choices" : $"it has no \"choices\"; its members are {Names(completion)}");
        }

        return Write(completion, choice, message, new AnswerSupplement
        {
            RequestId = JsonReading.OneLine(RequestIds.Find(header)),
            Filtered = ContentFilterAnnotations.OfCompletion(completion),
            Replaced = replaced,
            Usage = usage,
            Message = message.Extra,
            Calls = CallExtras(message.ToolCalls),
        });
    }

    /// <summary>Gets the error of an answer that can't be read.</summary>
    public static ModelException Unreadable(string why, Exception? inner = null) => new(
        new CallError(ErrorCodes.ProviderInvalidAnswer, $"The provider's answer could not be read: {why}.", ErrorKind.Transient), inner);

    private static byte[] Write(JsonElement completion, JsonElement choice, AnswerMessage message, AnswerSupplement supplement)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("id", JsonReading.OneLine(completion.Text("id")) ?? supplement.RequestId ?? "");
            writer.WriteString("object", "chat.completion");
            writer.WriteNumber("created", Created(completion));
            writer.WriteString("model", JsonReading.OneLine(completion.Text("model")) ?? "");
            writer.WriteStartArray("choices");
            writer.WriteStartObject();
            writer.WriteNumber("index", 0);
            writer.WriteString("finish_reason", FinishReasons.Normalize(choice.Text("finish_reason", "finishReason", "stop_reason"), message.ToolCalls.Count > 0));
            writer.WriteNull("logprobs");
            WriteMessage(writer, message);
            writer.WriteEndObject();
            writer.WriteEndArray();
            supplement.Write(writer);
            writer.WriteEndObject();
        }

        return buffer.ToArray();
    }

    private static void WriteMessage(Utf8JsonWriter writer, AnswerMessage message)
    {
        writer.WriteStartObject("message");
        writer.WriteString("role", "assistant");
        writer.WriteString("content", message.Text);
        writer.WriteString("refusal", message.Refusal);
        if (message.Reasoning is not null)
        {
            writer.WriteString("reasoning_content", message.Reasoning);
        }

        if (message.ToolCalls.Count > 0)
        {
            writer.WriteStartArray("tool_calls");
            foreach (var call in message.ToolCalls)
            {
                writer.WriteStartObject();
                writer.WriteString("id", call.Id);
                writer.WriteString("type", "function");
                writer.WriteStartObject("function");
                writer.WriteString("name", call.Name);
                writer.WriteString("arguments", call.Arguments);
                writer.WriteEndObject();
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }

    private static JsonElement CallExtras(IReadOnlyList<AnswerToolCall> calls)
    {
        if (calls.All(call => call.Extra.ValueKind == JsonValueKind.Undefined))
        {
            return default;
        }

        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var call in calls.Where(call => call.Extra.ValueKind != JsonValueKind.Undefined))
            {
                writer.WritePropertyName(call.Id);
                call.Extra.WriteTo(writer);
            }

            writer.WriteEndObject();
        }

        return JsonElement.Parse(buffer.GetBuffer().AsSpan(0, (int)buffer.Length), JsonLimits.Document);
    }

    private static JsonElement Parse(byte[] json)
    {
        var start = Encoding.UTF8.GetString(json, 0, Math.Min(json.Length, 1000)).TrimStart();
        if (start.Length == 0)
        {
            throw Unreadable(json.Length == 0 ? "the body is empty" : "the body is blank");
        }

        if (EventStream.IsOne(start))
        {
            return EventStream.Assemble(json);
        }

        try
        {
            return JsonElement.Parse(json, JsonLimits.Document);
        }
        catch (JsonException exception)
        {
            return EventStream.TryAssembleLines(json, out var assembled)
                ? assembled
                : throw Unreadable(
                    start.StartsWith('<') ? $"it is a page, and not JSON: \"{JsonReading.OneLine(start)}\". Check the endpoint: it usually ends in /v1"
                        : $"it is not JSON: \"{JsonReading.OneLine(start)}\" ({exception.Message.TrimEnd('.')})",
                    exception);
        }
    }

    // Some gateways put the completion into an envelope or a list.
    private static JsonElement Find(JsonElement root)
    {
        var completion = root is { ValueKind: JsonValueKind.Array } && root.GetArrayLength() == 1 ? root[0] : root;
        if (completion.Member("choices") is null)
        {
            foreach (var name in Envelopes)
            {
                if (completion.Member(name) is { } inner && inner.Member("choices") is not null)
                {
                    return inner;
                }
            }
        }

        return completion;
    }

    private static long Created(JsonElement completion)
    {
        const long LastSecond = 253402300799;
        var created = completion.Count("created") ?? (
            DateTimeOffset.TryParse(completion.Text("created"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date) ? date.ToUnixTimeSeconds() : 0);

        // Some give milliseconds.
        return created is >= 0 and <= LastSecond and < 100_000_000_000 ? created : created / 1000 is > 0 and <= LastSecond and var seconds ? seconds : 0;
    }

    private static string Describe(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Array => $"an array of {json.GetArrayLength()}",
        JsonValueKind.String => "a string",
        var kind => kind.ToString().ToLowerInvariant(),
    };

    private static string Names(JsonElement json)
    {
        const int Most = 10;
        var names = json.EnumerateObject().Select(member => $"\"{JsonReading.OneLine(member.Name)}\"").Take(Most).ToArray();
        return names.Length == 0 ? "none" : string.Join(", ", names);
    }
}
