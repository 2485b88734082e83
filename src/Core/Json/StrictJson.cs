using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Polyphony.Core.Json;

/// <summary>
/// Reads JSON that comes from outside, as RFC 8259 has it for exchange: UTF-8 (a byte order mark is passed over), no name twice in an object, no half of a surrogate
/// pair, not nested too deeply. Whatever it takes can be stored and shown again as it is; nothing is replaced.
/// </summary>
internal static class StrictJson
{
    private static readonly byte[] ByteOrderMark = [0xEF, 0xBB, 0xBF];

    /// <summary>Reads a text.</summary>
    /// <param name="utf8">The text.</param>
    /// <param name="maxDepth">The maximum number of levels of objects and lists.</param>
    /// <returns>The value; it does not depend on <paramref name="utf8"/>.</returns>
    /// <exception cref="InvalidJsonException">It is not such a text; the message says what is wrong and where.</exception>
    public static JsonElement Parse(ReadOnlyMemory<byte> utf8, int maxDepth = JsonLimits.MaxValueDepth)
    {
        if (utf8.Span.StartsWith(ByteOrderMark))
        {
            utf8 = utf8[ByteOrderMark.Length..];
        }

        if (FindTextProblem(utf8.Span) is { } problem)
        {
            throw new InvalidJsonException(problem);
        }

        try
        {
            using var document = JsonDocument.Parse(utf8, new JsonDocumentOptions { MaxDepth = maxDepth, AllowDuplicateProperties = false });
            return document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw new InvalidJsonException(Describe(e, maxDepth), e) { IsSyntax = !e.Message.Contains("Duplicate", StringComparison.Ordinal) && !IsTooDeep(e) };
        }
    }

    /// <summary>Reads a text that is there as characters, such as an argument of a command.</summary>
    /// <param name="text">The text.</param>
    /// <param name="maxDepth">The maximum number of levels of objects and lists.</param>
    /// <returns>The value.</returns>
    /// <exception cref="InvalidJsonException">It is not such a text.</exception>
    public static JsonElement Parse(string text, int maxDepth = JsonLimits.MaxValueDepth)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
            {
                continue;
            }

            if (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1]))
            {
                throw new InvalidJsonException($"character {i + 1} is one half of a surrogate pair, which is no character");
            }

            i++;
        }

        return Parse(Encoding.UTF8.GetBytes(text), maxDepth);
    }

    /// <summary>Finds why a value that was read without care, such as one from code or from a store, can't be stored and shown unchanged.</summary>
    /// <param name="json">Valid JSON.</param>
    /// <param name="maxDepth">The maximum number of levels of objects and lists.</param>
    /// <returns>What is wrong, or <see langword="null"/> if nothing is.</returns>
    public static string? FindProblem(ReadOnlySpan<byte> json, int maxDepth = JsonLimits.MaxValueDepth) =>
        FindTextProblem(json) ?? (JsonLimits.DepthOf(json) > maxDepth ? TooDeep(maxDepth) : null);

    /// <inheritdoc cref="FindProblem(ReadOnlySpan{byte}, int)"/>
    public static string? FindProblem(JsonElement json, int maxDepth = JsonLimits.MaxValueDepth) =>
        json.ValueKind == JsonValueKind.Undefined ? null : FindProblem(JsonMarshal.GetRawUtf8Value(json), maxDepth);

    /// <summary>Finds why a text is not UTF-8.</summary>
    /// <param name="text">The text's bytes.</param>
    /// <returns>What is wrong: a clause with the encoding that it has instead, or the offset of the first byte that belongs to no character; <see langword="null"/> if nothing is.</returns>
    public static string? FindEncodingProblem(ReadOnlySpan<byte> text)
    {
        if (OtherEncoding(text) is { } encoding)
        {
            return $"it is {encoding}, not UTF-8";
        }

        if (Utf8.IsValid(text))
        {
            return null;
        }

        var at = ValidLength(text);
        return string.Create(CultureInfo.InvariantCulture, $"it is not UTF-8: byte 0x{text[at]:X2} at offset {at} belongs to no character");
    }

    private static string? FindTextProblem(ReadOnlySpan<byte> utf8)
    {
        if (FindEncodingProblem(utf8) is { } encoding)
        {
            return $"{encoding}; save or send it as UTF-8";
        }

        return FindHalfPair(utf8) is { } half
            ? string.Create(CultureInfo.InvariantCulture, $"the escape {Encoding.ASCII.GetString(utf8.Slice(half, 6))} at offset {half} is one half of a surrogate pair, which is no character; write the whole pair, or the character itself")
            : null;
    }

    // Every JSON text begins with an ASCII character, so zeros among the first bytes tell the encoding (RFC 4627, section 3).
    private static string? OtherEncoding(ReadOnlySpan<byte> text) => text switch
    {
        [0xFF, 0xFE, 0, 0, ..] or [0, 0, 0xFE, 0xFF, ..] or [0, 0, 0, not 0, ..] or [not 0, 0, 0, 0, ..] => "UTF-32",
        [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..] or [not 0, 0, ..] or [0, not 0, ..] => "UTF-16",
        _ => null,
    };

    /// <summary>Finds how many bytes of a text are whole characters, from its beginning.</summary>
    /// <param name="text">The text's bytes.</param>
    /// <returns>The length, which is the offset of the first byte that belongs to no character.</returns>
    public static int ValidLength(ReadOnlySpan<byte> text)
    {
        var at = 0;
        while (at < text.Length && Rune.DecodeFromUtf8(text[at..], out _, out var length) == System.Buffers.OperationStatus.Done)
        {
            at += length;
        }

        return at;
    }

    // A backslash outside of a text is a syntax error in any case, so texts need not be told from the rest.
    private static int? FindHalfPair(ReadOnlySpan<byte> text)
    {
        var at = 0;
        while (text[at..].IndexOf((byte)'\\') is var next && next >= 0)
        {
            at += next;
            if (UnitAt(text, at) is not { } unit)
            {
                at = Math.Min(at + 2, text.Length);
                continue;
            }

            if (!char.IsSurrogate(unit))
            {
                at += 6;
                continue;
            }

            if (!char.IsHighSurrogate(unit) || UnitAt(text, at + 6) is not { } second || !char.IsLowSurrogate(second))
            {
                return at;
            }

            at += 12;
        }

        return null;
    }

    /// <summary>Reads an escape of the form \uXXXX.</summary>
    private static char? UnitAt(ReadOnlySpan<byte> text, int at) =>
        at + 6 <= text.Length && text[at] == (byte)'\\' && text[at + 1] == (byte)'u'
            && ushort.TryParse(text.Slice(at + 2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var unit)
                ? (char)unit
                : null;

    private static bool IsTooDeep(JsonException exception) => exception.Message.Contains("maximum configured depth", StringComparison.Ordinal);

    private static string TooDeep(int maxDepth) => $"it is nested deeper than {maxDepth} levels, which is the limit; flatten it";

    private static string Describe(JsonException exception, int maxDepth)
    {
        if (IsTooDeep(exception))
        {
            return TooDeep(maxDepth);
        }

        // The framework counts from zero, in bytes, and says so at the end of its message.
        var end = exception.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        var reason = (end < 0 ? exception.Message : exception.Message[..end]).TrimEnd('.');
        return exception.LineNumber is { } line
            ? string.Create(CultureInfo.InvariantCulture, $"{reason} (line {line + 1}, byte {exception.BytePositionInLine + 1})")
            : reason;
    }
}
