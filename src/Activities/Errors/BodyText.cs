using System.Buffers;
using System.Net.Mime;
using System.Text;
using System.Text.Unicode;

namespace Polyphony.Activities.Errors;

/// <summary>Puts the text of a body into UTF-8, whatever it was written in.</summary>
internal static class BodyText
{
    private const char Replacement = '\uFFFD';

    /// <summary>Converts a body. What is UTF-8 stays unchanged, even where its type says otherwise: servers are often wrong about that.</summary>
    /// <param name="body">The body.</param>
    /// <param name="contentType">Its type, which may name a character set.</param>
    /// <param name="replaced">How many bytes or characters were none, and became U+FFFD.</param>
    /// <returns>UTF-8 without a byte order mark.</returns>
    public static byte[] ToUtf8(ReadOnlySpan<byte> body, string? contentType, out int replaced)
    {
        replaced = 0;
        if (Wide(body) is { } wide)
        {
            return Convert(body, wide, out replaced);
        }

        if (body.StartsWith(Encoding.UTF8.Preamble))
        {
            body = body[3..];
        }

        return Utf8.IsValid(body) ? body.ToArray() : Convert(body, Charset(contentType) ?? Unnamed(body, contentType), out replaced);
    }

    // UTF-16 by its mark, or by the zeros that two letters, digits or brackets have in it.
    private static UnicodeEncoding? Wide(ReadOnlySpan<byte> body) => body switch
    {
        [0xFF, 0xFE, ..] or [not 0, 0, not 0, 0, ..] => new UnicodeEncoding(bigEndian: false, byteOrderMark: true),
        [0xFE, 0xFF, ..] or [0, not 0, 0, not 0, ..] => new UnicodeEncoding(bigEndian: true, byteOrderMark: true),
        _ => null,
    };

    // JSON is UTF-8, damaged or not. Pages and texts that name nothing are in what Windows wrote for decades, unless some of it is UTF-8.
    private static Encoding Unnamed(ReadOnlySpan<byte> body, string? contentType)
    {
        if (contentType?.Contains("json", StringComparison.OrdinalIgnoreCase) != false || body.IndexOf((byte)0) >= 0)
        {
            return Encoding.UTF8;
        }

        for (var rest = body; rest.Length > 0;)
        {
            var status = Rune.DecodeFromUtf8(rest, out var rune, out var length);
            if (status == OperationStatus.Done && !rune.IsAscii)
            {
                return Encoding.UTF8;
            }

            rest = rest[length..];
        }

        return CodePagesEncodingProvider.Instance.GetEncoding(1252)!;
    }

    private static Encoding? Charset(string? contentType)
    {
        try
        {
            // The code pages of old, which are not known by name unless they are registered for the whole process.
            return string.IsNullOrEmpty(contentType) || new ContentType(contentType).CharSet is not { Length: > 0 } name
                ? null
                : CodePagesEncodingProvider.Instance.GetEncoding(name) ?? Encoding.GetEncoding(name);
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException)
        {
            return null;
        }
    }

    private static byte[] Convert(ReadOnlySpan<byte> body, Encoding encoding, out int replaced)
    {
        var text = encoding.GetString(body).AsSpan().TrimStart('\uFEFF');

        // What was one before was not replaced here.
        replaced = Math.Max(0, text.Count(Replacement) - Count(body, encoding.GetBytes([Replacement])));
        var utf8 = new byte[Encoding.UTF8.GetByteCount(text)];
        Encoding.UTF8.GetBytes(text, utf8);
        return utf8;
    }

    private static int Count(ReadOnlySpan<byte> body, ReadOnlySpan<byte> replacement) => replacement is [(byte)'?'] ? 0 : body.Count(replacement);
}
