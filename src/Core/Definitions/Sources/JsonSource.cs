using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Polyphony.Core.Definitions.Sources;

/// <summary>Reads workflow files in JSON (RFC 8259; no comments, no trailing commas), keeping the place of every value.</summary>
internal static class JsonSource
{
    /// <summary>Reads a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="file">The file's name, for messages.</param>
    /// <returns>The content, or what is wrong. Never throws.</returns>
    public static SourceReadResult Read(string text, string? file = null)
    {
        text = text.StartsWith('\uFEFF') ? text[1..] : text;
        if (SourceText.Check(text, file) is { } unreadable)
        {
            return new SourceReadResult(null, [unreadable]);
        }

        var bytes = Encoding.UTF8.GetBytes(text);
        var reading = new Reading(text, bytes);
        var reader = new Utf8JsonReader(bytes, new JsonReaderOptions { MaxDepth = SourceLimits.MaxDepth });
        try
        {
            reader.Read();
            var root = reading.Value(ref reader);
            reader.Read();
            return new SourceReadResult(root, []);
        }
        catch (JsonException exception)
        {
            var location = reading.Locate(exception);

            // The framework has one exception for all; a syntax error can stand at the greatest depth as well.
            var tooDeep = exception.Message.Contains("maximum configured depth", StringComparison.Ordinal);
            return new SourceReadResult(null, [tooDeep
                ? new WorkflowProblem("too_deep", "", location, $"arrays and objects are nested more than {SourceLimits.MaxDepth} deep", "Flatten the structure.", file)
                : new WorkflowProblem("json_syntax", "", location, "not valid JSON: " + Reason(exception), "Comments and trailing commas are not allowed in JSON; in a .yaml file they are.", file)]);
        }
        catch (InvalidOperationException)
        {
            // The reader's own message for an escape such as \ud800 without its second half.
            var location = reading.Advance((int)reader.TokenStartIndex);
            return new SourceReadResult(null, [SourceText.HalfCharacter(location, file)]);
        }
    }

    internal static SourceNode FromElement(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                return new SourceMapping(default, [.. element.EnumerateObject().Select(member => new SourceEntry(member.Name, default, FromElement(member.Value)))]);
            case JsonValueKind.Array:
                return new SourceSequence(default, [.. element.EnumerateArray().Select(FromElement)]);
            case JsonValueKind.String:
                var text = element.GetString()!;
                return new SourceScalar(default, text, text, default);
            case JsonValueKind.Number:
                return new SourceScalar(default, Number(element.GetRawText()), element.GetRawText(), default);
            case JsonValueKind.True or JsonValueKind.False:
                return new SourceScalar(default, element.ValueKind == JsonValueKind.True, element.GetRawText(), default);
            default:
                return new SourceScalar(default, null, "null", default);
        }
    }

    private static object Number(string text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var integer)
            ? (object)integer
            : double.Parse(text, CultureInfo.InvariantCulture);

    // The framework adds "LineNumber: 1 | BytePositionInLine: 2", which counts from zero and in bytes.
    private static string Reason(JsonException exception)
    {
        var end = exception.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        return end < 0 ? exception.Message : exception.Message[..end];
    }

    private sealed class Reading(string text, byte[] bytes)
    {
        private int _byte;
        private int _char;
        private int _line = 1;
        private int _lineStart;

        public SourceNode Value(ref Utf8JsonReader reader)
        {
            var location = Advance((int)reader.TokenStartIndex);
            var start = _char;
            switch (reader.TokenType)
            {
                case JsonTokenType.StartObject:
                    var entries = new List<SourceEntry>();
                    while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
                    {
                        var keyLocation = Advance((int)reader.TokenStartIndex);
                        var key = reader.GetString()!;
                        reader.Read();
                        entries.Add(new SourceEntry(key, keyLocation, Value(ref reader)));
                    }

                    return new SourceMapping(location, entries);
                case JsonTokenType.StartArray:
                    var items = new List<SourceNode>();
                    while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                    {
                        items.Add(Value(ref reader));
                    }

                    return new SourceSequence(location, items);
                case JsonTokenType.String:
                    var value = reader.GetString()!;
                    var end = start + Encoding.UTF8.GetCharCount(reader.ValueSpan) + 2;
                    return new SourceScalar(location, value, value, location with { Column = location.Column + 1 })
                    {
                        Locator = reader.ValueIsEscaped
                            ? offset => ScalarLocator.Locate(text, start, end, location, SourceScalarStyle.DoubleQuoted, value, offset)
                            : null,
                    };
                case JsonTokenType.Number:
                    var number = Encoding.UTF8.GetString(reader.ValueSpan);
                    return new SourceScalar(location, Number(number), number, location);
                case JsonTokenType.True or JsonTokenType.False:
                    var isTrue = reader.TokenType == JsonTokenType.True;
                    return new SourceScalar(location, isTrue, isTrue ? "true" : "false", location);
                default:
                    return new SourceScalar(location, null, "null", location);
            }
        }

        // Tokens come in order, so that the whole file is walked once.
        public SourceLocation Advance(int toByte)
        {
            while (_byte < toByte && _char < text.Length)
            {
                var character = text[_char++];
                _byte += character < 0x80 ? 1 : character < 0x800 ? 2 : char.IsSurrogate(character) ? 2 : 3;
                if (character == '\n')
                {
                    _line++;
                    _lineStart = _char;
                }
            }

            return new SourceLocation(_line, _char - _lineStart + 1);
        }

        public SourceLocation Locate(JsonException exception)
        {
            var lineStart = 0;
            for (long line = 0; line < (exception.LineNumber ?? 0); line++)
            {
                var next = Array.IndexOf(bytes, (byte)'\n', lineStart);
                if (next < 0)
                {
                    break;
                }

                lineStart = next + 1;
            }

            var length = (int)Math.Min(exception.BytePositionInLine ?? 0, bytes.Length - lineStart);
            return new SourceLocation((int)(exception.LineNumber ?? 0) + 1, Encoding.UTF8.GetCharCount(bytes, lineStart, length) + 1);
        }
    }
}
