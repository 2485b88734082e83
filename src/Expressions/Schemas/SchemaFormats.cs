using System.Globalization;

namespace Polyphony.Expressions.Schemas;

/// <summary>The formats that are checked. Others are notes to the reader, as the specification has it.</summary>
internal static class SchemaFormats
{
    private const int LongestEmail = 254;
    private const int LongestLocalPart = 64;
    private const int LongestHostname = 253;
    private const int LongestLabel = 63;
    private const string AtomCharacters = "!#$%&'*+-/=?^_`{|}~";

    // Of RFC 3986: what may stand in an address as it is, in its user and host, and in what follows.
    private const string Unreserved = "-._~";
    private const string SubDelimiters = "!$&'()*+,;=";

    private static readonly Dictionary<string, (Func<string, bool> Fits, string Example)> Formats = new(StringComparer.Ordinal)
    {
        ["date-time"] = (text => IsDateTime(text), "2026-01-31T12:00:00Z"),
        ["date"] = (text => IsDate(text), "2026-01-31"),
        ["time"] = (text => IsTime(text), "12:00:00Z"),
        ["duration"] = (text => IsDuration(text), "P1DT12H"),
        ["email"] = (IsEmail, "name@example.com"),
        ["hostname"] = (text => IsHostname(text), "www.example.com"),
        ["ipv4"] = (text => IsIPv4(text), "192.0.2.1"),
        ["ipv6"] = (text => IsIPv6(text), "2001:db8::1"),
        ["uri"] = (IsUri, "https://example.com/page"),
        ["uuid"] = (IsUuid, "7f9c24e8-3b12-4fef-91e0-56a2d5a3c0de"),
    };

    /// <summary>Gets the names of the formats, sorted.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Formats.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Gets whether a format is checked.</summary>
    public static bool IsKnown(string format) => Formats.ContainsKey(format);

    /// <summary>Gets whether a text has a format, one that is checked.</summary>
    public static bool Fits(string format, string text) => Formats[format].Fits(text);

    /// <summary>An example, for messages.</summary>
    public static string Example(string format) => Formats[format].Example;

    private static bool IsDate(ReadOnlySpan<char> text) =>
        text.Length == 10 && text[4] == '-' && text[7] == '-' && DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _);

    private static bool IsDateTime(ReadOnlySpan<char> text) => text.Length > 11 && IsDate(text[..10]) && text[10] is 'T' or 't' && IsTime(text[11..]);

    private static bool IsTime(ReadOnlySpan<char> text) => Rfc3339Time.TryParse(text, out _);

    private static int CountDigits(ReadOnlySpan<char> text)
    {
        var end = text.IndexOfAnyExceptInRange('0', '9');
        return end < 0 ? text.Length : end;
    }

    /// <summary>RFC 3339, appendix A: units in their order without gaps, weeks alone, no fractions.</summary>
    private static bool IsDuration(ReadOnlySpan<char> text)
    {
        if (text is not ['P', .. var rest])
        {
            return false;
        }

        if (rest is [.. var weeks, 'W'])
        {
            return weeks.Length > 0 && CountDigits(weeks) == weeks.Length;
        }

        var separator = rest.IndexOf('T');
        var date = separator < 0 ? rest : rest[..separator];
        return separator < 0 ? AreUnits(date, "YMD") : (date.Length == 0 || AreUnits(date, "YMD")) && AreUnits(rest[(separator + 1)..], "HMS");
    }

    private static bool AreUnits(ReadOnlySpan<char> text, ReadOnlySpan<char> units)
    {
        var last = -1;
        while (text.Length > 0)
        {
            var digits = CountDigits(text);
            if (digits == 0 || digits == text.Length)
            {
                return false;
            }

            var unit = units.IndexOf(text[digits]);
            if (unit < 0 || (last >= 0 && unit != last + 1))
            {
                return false;
            }

            last = unit;
            text = text[(digits + 1)..];
        }

        return last >= 0;
    }

    /// <summary>A mailbox of RFC 5321: a dotted or a quoted name, and a host name or an address in brackets.</summary>
    private static bool IsEmail(string text)
    {
        var at = text.LastIndexOf('@');
        if (at <= 0 || at > LongestLocalPart || text.Length > LongestEmail)
        {
            return false;
        }

        var (local, domain) = (text[..at], text[(at + 1)..]);
        return (local[0] == '"' ? IsQuoted(local) : local.Split('.').All(IsAtom)) && (domain is ['[', .. var literal, ']'] ? IsAddressLiteral(literal) : IsHostname(domain));
    }

    private static bool IsAtom(string text) => text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || AtomCharacters.Contains(c));

    private static bool IsQuoted(string text)
    {
        if (text.Length < 2 || text[^1] != '"')
        {
            return false;
        }

        for (var i = 1; i < text.Length - 1; i++)
        {
            if (text[i] == '"' || (text[i] == '\\' && ++i == text.Length - 1) || text[i] is < ' ' or > '~')
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsAddressLiteral(string text) => text.StartsWith("IPv6:", StringComparison.OrdinalIgnoreCase) ? IsIPv6(text.AsSpan(5)) : IsIPv4(text);

    /// <summary>RFC 1123: labels of ASCII letters, digits and inner hyphens. What a label in Punycode ("xn--") stands for is not looked at.</summary>
    private static bool IsHostname(ReadOnlySpan<char> text)
    {
        if (text.Length is 0 or > LongestHostname)
        {
            return false;
        }

        foreach (var range in text.Split('.'))
        {
            var label = text[range];
            if (label.Length is 0 or > LongestLabel || label[0] == '-' || label[^1] == '-')
            {
                return false;
            }

            foreach (var c in label)
            {
                if (!char.IsAsciiLetterOrDigit(c) && c != '-')
                {
                    return false;
                }
            }

            if (label.Length > 3 && label[2] == '-' && label[3] == '-' && !label.StartsWith("xn", StringComparison.OrdinalIgnoreCase))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsIPv4(ReadOnlySpan<char> text)
    {
        var count = 0;
        foreach (var range in text.Split('.'))
        {
            var part = text[range];
            if (part.Length is 0 or > 3 || CountDigits(part) != part.Length || (part.Length > 1 && part[0] == '0') || int.Parse(part) > 255)
            {
                return false;
            }

            count++;
        }

        return count == 4;
    }

    /// <summary>RFC 4291, section 2.2: eight groups, the last two perhaps as an IPv4 address, one run of zeros perhaps left out; no zone.</summary>
    private static bool IsIPv6(ReadOnlySpan<char> text)
    {
        var gap = text.IndexOf("::");
        if (gap < 0)
        {
            return CountGroups(text, mayEndInIPv4: true) == 8;
        }

        var before = text[..gap];
        var after = text[(gap + 2)..];
        var first = before.Length == 0 ? 0 : CountGroups(before, mayEndInIPv4: false);
        var second = after.Length == 0 ? 0 : CountGroups(after, mayEndInIPv4: true);
        return first >= 0 && second >= 0 && first + second < 8;
    }

    private static int CountGroups(ReadOnlySpan<char> text, bool mayEndInIPv4)
    {
        var count = 0;
        while (true)
        {
            var colon = text.IndexOf(':');
            var group = colon < 0 ? text : text[..colon];
            if (colon < 0 && mayEndInIPv4 && group.Contains('.'))
            {
                return IsIPv4(group) ? count + 2 : -1;
            }

            if (group.Length is 0 or > 4 || !AreHexDigits(group))
            {
                return -1;
            }

            count++;
            if (colon < 0)
            {
                return count;
            }

            text = text[(colon + 1)..];
        }
    }

    /// <summary>RFC 3986, with a scheme.</summary>
    private static bool IsUri(string text)
    {
        var colon = text.IndexOf(':');
        if (colon <= 0 || !char.IsAsciiLetter(text[0]) || !text[..colon].All(c => char.IsAsciiLetterOrDigit(c) || c is '+' or '-' or '.'))
        {
            return false;
        }

        var rest = text.AsSpan(colon + 1);
        var fragment = rest.IndexOf('#');
        if (fragment >= 0)
        {
            if (!AreCharacters(rest[(fragment + 1)..], ":@/?"))
            {
                return false;
            }

            rest = rest[..fragment];
        }

        var query = rest.IndexOf('?');
        if (query >= 0)
        {
            if (!AreCharacters(rest[(query + 1)..], ":@/?"))
            {
                return false;
            }

            rest = rest[..query];
        }

        if (!rest.StartsWith("//"))
        {
            return AreCharacters(rest, ":@/");
        }

        rest = rest[2..];
        var slash = rest.IndexOf('/');
        return (slash < 0 || AreCharacters(rest[slash..], ":@/")) && IsAuthority(slash < 0 ? rest : rest[..slash]);
    }

    private static bool IsAuthority(ReadOnlySpan<char> text)
    {
        var at = text.LastIndexOf('@');
        if (at >= 0 && !AreCharacters(text[..at], ":"))
        {
            return false;
        }

        var host = text[(at + 1)..];
        var end = host.StartsWith("[") ? host.IndexOf(']') + 1 : host.IndexOf(':');
        if (host.StartsWith("["))
        {
            if (end == 0 || !(IsIPv6(host[1..(end - 1)]) || IsFutureAddress(host[1..(end - 1)])))
            {
                return false;
            }
        }
        else if (!AreCharacters(end < 0 ? host : host[..end], ""))
        {
            return false;
        }

        var port = end < 0 ? [] : host[end..];
        return port.Length == 0 || (port[0] == ':' && CountDigits(port[1..]) == port.Length - 1);
    }

    private static bool IsFutureAddress(ReadOnlySpan<char> text)
    {
        var dot = text.IndexOf('.');
        return dot > 1 && dot < text.Length - 1 && text[0] is 'v' or 'V' && AreHexDigits(text[1..dot])
            && !text.Contains('%') && AreCharacters(text[(dot + 1)..], ":");
    }

    private static bool AreCharacters(ReadOnlySpan<char> text, string others)
    {
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (char.IsAsciiLetterOrDigit(c) || Unreserved.Contains(c) || SubDelimiters.Contains(c) || others.Contains(c))
            {
                continue;
            }

            if (c != '%' || i + 2 >= text.Length || !char.IsAsciiHexDigit(text[i + 1]) || !char.IsAsciiHexDigit(text[i + 2]))
            {
                return false;
            }

            i += 2;
        }

        return true;
    }

    private static bool IsUuid(string text) => text.Length == 36 && text.Select((c, i) => i is 8 or 13 or 18 or 23 ? c == '-' : char.IsAsciiHexDigit(c)).All(fits => fits);

    private static bool AreHexDigits(ReadOnlySpan<char> text)
    {
        foreach (var c in text)
        {
            if (!char.IsAsciiHexDigit(c))
            {
                return false;
            }
        }

        return true;
    }
}
