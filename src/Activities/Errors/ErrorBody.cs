using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Polyphony.Activities.Providers.OpenAI.Answers;

namespace Polyphony.Activities.Errors;

/// <summary>
/// What the body of a refusal says, whatever its shape: OpenAI's object, a <c>detail</c> of FastAPI, a message at the top, a list around it, JSON quoted in a text, a list of
/// errors, an event, a page, XML, plain text.
/// </summary>
/// <remarks>
/// Nothing here trusts the body. Depth, size and number of members are bounded, and members that hold the request (<c>input</c>, <c>messages</c>) are not looked into.
/// </remarks>
internal sealed partial class ErrorBody
{
    // More than that is not an error but an echo.
    private const int MostBytes = 1024 * 1024;
    private const int MostText = 8 * 1024;
    private const int MostMembers = 2000;
    private const int MostItems = 5;
    private const int MostEvents = 100;
    private const int Deepest = 12;

    private static readonly JsonDocumentOptions Lenient = new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip, MaxDepth = 64 };

    private static readonly string[] Carriers = ["error", "errors", "fault"];
    private static readonly string[] Messages = ["message", "msg", "error_message", "errormessage", "error_description", "faultstring", "title", "description", "reason"];
    private static readonly string[] Details = ["detail", "details", "innererror", "inner_error"];
    private static readonly string[] NameMembers = ["code", "type", "status", "reason", "errorcode", "error_code", "kind", "param"];
    // RFC 9457: the title says all.
    private const string NoType = "about:blank";

    private static readonly string[] Echoes = ["input", "messages", "prompt", "flagged_input", "request", "ctx"];

    private readonly List<(string Member, string Value)> _names = [];
    private int _members;

    private ErrorBody()
    {
    }

    /// <summary>Gets the server's words; <see langword="null"/> if it said nothing.</summary>
    public string? Message { get; private set; }

    /// <summary>Gets the wait that a member names, such as <c>retryDelay</c>.</summary>
    public TimeSpan? Wait { get; private set; }

    /// <summary>Gets what a content filter found.</summary>
    public string? Filtered { get; private set; }

    /// <summary>Gets every code, type, status and reason, the outermost first.</summary>
    public IEnumerable<string> Names => _names.Select(name => name.Value);

    /// <summary>Gets the name that says most: a code that is not just the HTTP status, or else a type.</summary>
    /// <param name="status">The HTTP status.</param>
    public string? Code(int status)
    {
        var text = status.ToString(System.Globalization.CultureInfo.InvariantCulture);
        var telling = _names.Where(name => name.Value != text && name.Value.Length <= 64).ToArray();
        return telling.FirstOrDefault(name => name.Member.EndsWith("code", StringComparison.Ordinal)).Value ?? telling.FirstOrDefault(name => name.Member is "type" or "status").Value;
    }

    /// <summary>Reads a body.</summary>
    /// <param name="body">The bytes; they need not be whole.</param>
    public static ErrorBody Read(ReadOnlySpan<byte> body)
    {
        var read = new ErrorBody();
        var text = Encoding.UTF8.GetString(body.Length > MostBytes ? body[..MostBytes] : body).Trim('\uFEFF', ' ', '\t', '\r', '\n', '\0');
        read.Message = NullIfEmpty(read.OfText(Event(text), 0));
        return read;
    }

    /// <summary>Gets a scalar as text.</summary>
    public static string? Scalar(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Number => value.GetRawText(),
        _ => null,
    };

    // Of a stream of events, the one that is called an error or holds one, or else the first.
    private static string Event(string text)
    {
        if (!EventStream.IsOne(text))
        {
            return text;
        }

        using var stream = new MemoryStream(Encoding.UTF8.GetBytes($"{text}\n\n"), writable: false);
        var events = SseParser.Create(stream).Enumerate().Where(item => !string.IsNullOrWhiteSpace(item.Data)).Take(MostEvents).ToArray();
        var error = Array.Find(events, item => item.EventType == "error" || item.Data.Contains("\"error\"", StringComparison.Ordinal));
        return (error.Data ?? (events.Length > 0 ? events[0].Data : text)).Trim();
    }

    private string? OfText(string text, int depth)
    {
        if (text.Length == 0 || depth > Deepest)
        {
            return text;
        }

        if (text == "null")
        {
            return null;
        }

        if (Markup.Is(text))
        {
            return OfMarkup(text);
        }

        return OfJson(text, depth, out var said) ? said : OfBroken(text);
    }

    private string? OfMarkup(string text)
    {
        var (message, code) = Markup.Read(text);
        if (code is not null)
        {
            _names.Add(("code", ProviderText.Clean(code)));
        }

        return message;
    }

    // JSON, quoted by a gateway in words of its own or not.
    private bool OfJson(string text, int depth, out string? said)
    {
        var start = text.IndexOfAny(['{', '[']) is var brace && text[0] == '"' ? 0 : brace;
        var most = text[0] is '{' or '[' ? 1 : MostItems;
        for (var tries = 0; start >= 0 && start < MostText && tries < most; tries++)
        {
            if (Parse(text.AsSpan(start), out var json, out var length))
            {
                using (json)
                {
                    said = Quoted(text, start, length, json.RootElement, depth);
                    return true;
                }
            }

            start = text.IndexOf('{', start + 1);
        }

        said = null;
        return false;
    }

    // The words of what almost is JSON, or else the text itself.
    private static string? OfBroken(string text)
    {
        var begin = text.Length > MostText ? text[..MostText] : text;
        if (text[0] is '{' or '[' && Half().Match(begin) is { Success: true } half)
        {
            return Parse($"\"{half.Groups["text"].Value}\"", out var words, out _) ? Scalar(words.RootElement) : half.Groups["text"].Value;
        }

        return Python().Match(begin) is { Success: true } match
            ? Join(text[..text.IndexOf('{', StringComparison.Ordinal)], match.Groups["text"].Value)
            : begin;
    }

    private string? Quoted(string text, int start, int length, JsonElement json, int depth)
    {
        var isWhole = start == 0 && string.IsNullOrWhiteSpace(text[length..]);
        if (!isWhole && json.ValueKind != JsonValueKind.Object)
        {
            return text;
        }

        Gather(json, 0);
        var said = Say(json, depth + 1);
        if (isWhole)
        {
            // An object without any word that is known is shown unchanged.
            return said ?? (IsEmpty(json) ? null : json.GetRawText());
        }

        return said is null ? text : Join(text[..start], said);
    }

    private static bool IsEmpty(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => !json.EnumerateObject().Any(),
        JsonValueKind.Array => json.GetArrayLength() == 0,
        JsonValueKind.Null => true,
        _ => false,
    };

    private static bool Parse(ReadOnlySpan<char> text, out JsonDocument json, out int length)
    {
        json = null!;
        length = 0;
        try
        {
            var bytes = new byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
            var count = Encoding.UTF8.GetBytes(text, bytes);
            Surrogates.ReplaceEscaped(bytes.AsSpan(0, count));
            var reader = new Utf8JsonReader(
                bytes.AsSpan(0, count), new JsonReaderOptions { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip, MaxDepth = Lenient.MaxDepth });
            json = JsonDocument.ParseValue(ref reader);
            length = Encoding.UTF8.GetCharCount(bytes.AsSpan(0, (int)reader.BytesConsumed));
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>Puts the words of an error together: the innermost error, what stands around it, and the details.</summary>
    private string? Say(JsonElement json, int depth)
    {
        if (depth > Deepest)
        {
            return null;
        }

        switch (json.ValueKind)
        {
            case JsonValueKind.String:
                return NullIfEmpty(OfText(Scalar(json)!.Trim(), depth + 1));
            case JsonValueKind.Array:
                return NullIfEmpty(string.Join("; ", json.EnumerateArray().Take(MostItems).Select(item => Say(item, depth + 1)).OfType<string>().Distinct(StringComparer.Ordinal)));
            case JsonValueKind.Object:
                return SayObject(json, depth);
            default:
                return null;
        }
    }

    private string? SayObject(JsonElement json, int depth)
    {
        Filtered ??= ContentFilterAnnotations.OfError(json);
        var words = new Words();
        foreach (var member in json.EnumerateObject())
        {
            Hear(words, member.Name.ToLowerInvariant(), member.Value, depth + 1);
        }

        return words.Together();
    }

    private void Hear(Words words, string name, JsonElement value, int depth)
    {
        if (Carriers.Contains(name))
        {
            words.Carried ??= Say(value, depth) ?? SayMembers(value, depth);
        }
        else if (Messages.Contains(name) && (words.Own is null || name is "message" or "msg"))
        {
            words.Own = Say(value, depth) ?? words.Own;
        }
        else if (Details.Contains(name))
        {
            words.Detail ??= Say(value, depth);
        }
        else if (name == "loc" && value.ValueKind == JsonValueKind.Array)
        {
            words.Place = string.Join('.', value.EnumerateArray().Take(Deepest).Select(Scalar).OfType<string>());
        }
        else if (name == "metadata" && value.ValueKind == JsonValueKind.Object && value.TryGetProperty("raw", out var raw))
        {
            words.Raw = Say(raw, depth);
        }
    }

    // {"errors": {"model": ["is required"]}}, as ASP.NET and Rails name what is wrong with each member.
    private string? SayMembers(JsonElement json, int depth) => json.ValueKind != JsonValueKind.Object || depth > Deepest
        ? null
        : NullIfEmpty(string.Join("; ", json.EnumerateObject().Take(MostItems)
            .Select(member => member.Value.ValueKind is JsonValueKind.String or JsonValueKind.Array ? (member.Name, Words: Say(member.Value, depth + 1)) : default)
            .Where(member => member.Words is not null && !NameMembers.Contains(member.Name))
            .Select(member => $"{member.Name}: {member.Words}")));

    /// <summary>Collects codes and waits from the whole error.</summary>
    private void Gather(JsonElement json, int depth)
    {
        if (depth > Deepest)
        {
            return;
        }

        if (json.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in json.EnumerateArray().Take(MostItems * 4))
            {
                Gather(item, depth + 1);
            }
        }
        else if (json.ValueKind == JsonValueKind.Object)
        {
            foreach (var member in json.EnumerateObject().TakeWhile(_ => ++_members <= MostMembers))
            {
                GatherMember(member.Name.ToLowerInvariant(), member.Value, depth + 1);
            }
        }
    }

    private void GatherMember(string name, JsonElement value, int depth)
    {
        if (Waits.OfMember(name, value) is { } wait)
        {
            Wait = wait > Wait ? wait : Wait ?? wait;
        }
        else if (Scalar(value) is { } text)
        {
            if (IsName(name, text))
            {
                _names.Add((name, ProviderText.Clean(text)));
            }
        }
        else if (!Echoes.Contains(name))
        {
            Gather(value, depth);
        }
    }

    // Only a single word is a name: "error": "invalid_request", but not "error": "model is busy".
    private static bool IsName(string member, string value) =>
        (NameMembers.Contains(member) || Carriers.Contains(member)) && value.Length is > 0 and <= 128 && !value.Any(char.IsWhiteSpace) && value != NoType;

    private static string? Join(string? around, string? within)
    {
        around = around?.TrimEnd(' ', '-', ':', '\n', '\r', '\t');
        return string.IsNullOrEmpty(around) || within?.Contains(around, StringComparison.Ordinal) == true ? within
            : string.IsNullOrEmpty(within) || around.Contains(within, StringComparison.Ordinal) ? around
            : $"{around.TrimEnd('.')}: {within}";
    }

    private static string? NullIfEmpty(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;

    // A body that breaks off, or is cut because it is long.
    [GeneratedRegex(@"""(message|detail|msg|error)""\s*:\s*""(?<text>([^""\\]|\\.)+)", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Half();

    // {'error': {'message': "…"}}, as gateways in Python print what they got.
    [GeneratedRegex(
        @"\{.*'(message|detail|msg)': ('(?<text>([^'\\]|\\.)*)'|""(?<text>([^""\\]|\\.)*)"")",
        RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture | RegexOptions.Singleline)]
    private static partial Regex Python();

    // What the members of one object say.
    private sealed class Words
    {
        // The error within it.
        public string? Carried { get; set; }

        public string? Own { get; set; }

        public string? Detail { get; set; }

        // OpenRouter: what the provider behind it said.
        public string? Raw { get; set; }

        // Where in the request.
        public string? Place { get; set; }

        public string? Together()
        {
            // "error": "invalid_request" beside a message is a name, not the words.
            var said = Carried is not null && Own is not null && !Carried.Contains(' ', StringComparison.Ordinal) ? Own : Join(Own, Carried);
            said = Join(Join(said, Detail), Raw);
            return Place is { Length: > 0 } ? Join(Place, said) : said;
        }
    }
}
