using System.Globalization;

namespace Polyphony.Core.Schemas;

/// <summary>The formats that are checked. Others are notes to the reader, as the specification has it.</summary>
internal static class SchemaFormats
{
    private const int LongestEmail = 254;

    /// <summary>Gets whether a text has a format.</summary>
    /// <param name="format">The format's name.</param>
    /// <param name="text">The text.</param>
    /// <returns>Whether it has; true for formats that aren't checked.</returns>
    public static bool Fits(string format, string text) => format switch
    {
        "date-time" => IsDateTime(text),
        "date" => IsDate(text),
        "email" => IsEmail(text),
        "uri" => IsUri(text),
        "uuid" => Guid.TryParseExact(text, "D", out _),
        _ => true,
    };

    /// <summary>An example, for messages.</summary>
    public static string Example(string format) => format switch
    {
        "date-time" => "2026-01-31T12:00:00Z",
        "date" => "2026-01-31",
        "email" => "name@example.com",
        "uri" => "https://example.com/page",
        _ => "7f9c24e8-3b12-4fef-91e0-56a2d5a3c0de",
    };

    private static bool IsDate(ReadOnlySpan<char> text) =>
        text.Length == 10 && text[4] == '-' && text[7] == '-' && DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _);

    /// <summary>RFC 3339, section 5.6: a fraction of any length, a leap second where one can be.</summary>
    private static bool IsDateTime(ReadOnlySpan<char> text)
    {
        if (text.Length < 20 || !IsDate(text[..10]) || text[10] is not ('T' or 't') || text[13] != ':' || text[16] != ':')
            return false;
        if (!TryReadPair(text[11..], out var hour) || !TryReadPair(text[14..], out var minute) || !TryReadPair(text[17..], out var second))
            return false;
        var rest = text[19..];
        if (rest[0] == '.')
        {
            var digits = 1;
            while (digits < rest.Length && char.IsAsciiDigit(rest[digits]))
                digits++;
            if (digits == 1)
                return false;
            rest = rest[digits..];
        }

        var offset = 0;
        if (rest is not ("Z" or "z"))
        {
            if (rest.Length != 6 || rest[0] is not ('+' or '-') || rest[3] != ':' || !TryReadPair(rest[1..], out var hours) || !TryReadPair(rest[4..], out var minutes) || hours > 23 || minutes > 59)
                return false;
            offset = (hours * 60 + minutes) * (rest[0] == '-' ? -1 : 1);
        }

        if (hour > 23 || minute > 59 || second > 60)
            return false;
        const int MinutesPerDay = 24 * 60;
        return second < 60 || (hour * 60 + minute - offset + 2 * MinutesPerDay) % MinutesPerDay == MinutesPerDay - 1;
    }

    private static bool TryReadPair(ReadOnlySpan<char> text, out int value)
    {
        var isPair = text.Length >= 2 && char.IsAsciiDigit(text[0]) && char.IsAsciiDigit(text[1]);
        value = isPair ? (text[0] - '0') * 10 + text[1] - '0' : 0;
        return isPair;
    }

    /// <summary>One @, a dot-separated name before it, a host name after it: what people mean by an address, not all that RFC 5321 allows.</summary>
    private static bool IsEmail(string text)
    {
        var at = text.IndexOf('@');
        if (at <= 0 || at > 64 || text.Length > LongestEmail || at != text.LastIndexOf('@'))
            return false;
        return text[..at].Split('.').All(part => part.Length > 0 && part.All(c => char.IsAsciiLetterOrDigit(c) || c > '\u007f' || "!#$%&'*+/=?^_`{|}~-".Contains(c)))
            && text[(at + 1)..].Split('.').All(part => part.Length is > 0 and <= 63 && part[0] != '-' && part[^1] != '-' && part.All(c => char.IsAsciiLetterOrDigit(c) || c > '\u007f' || c == '-'));
    }

    private static bool IsUri(string text)
    {
        // Uri alone takes "/a" for a file on some systems, so the scheme is looked for first.
        var colon = text.IndexOf(':');
        return colon > 0
            && char.IsAsciiLetter(text[0])
            && text[..colon].All(c => char.IsAsciiLetterOrDigit(c) || c is '+' or '-' or '.')
            && text.All(c => c > ' ' && c < '\u007f' && c is not ('"' or '<' or '>' or '\\' or '^' or '`' or '{' or '|' or '}'))
            && Uri.TryCreate(text, UriKind.Absolute, out _);
    }
}
