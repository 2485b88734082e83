using System.Globalization;
using System.Text;

namespace Polyphony.Activities;

/// <summary>
/// Replaces halves of surrogate pairs by U+FFFD: a character that was cut in two at a limit of tokens. <c>"\ud83d"</c> is valid JSON (RFC 8259, section 8.2), but no text that
/// can be stored or sent.
/// </summary>
internal static class Surrogates
{
    /// <summary>Replaces escaped halves (<c>\ud83d</c>) in JSON text, in place; each takes as many bytes as before.</summary>
    /// <param name="json">JSON in UTF-8.</param>
    /// <returns>How many were replaced.</returns>
    public static int ReplaceEscaped(Span<byte> json)
    {
        var replaced = 0;
        var i = 0;
        while (json[i..].IndexOf((byte)'\\') is var found and >= 0)
        {
            i += found;
            if (Unit(json[i..]) is not { } unit)
            {
                // Any other escape; of "\\" both go, so that what follows is not taken for one.
                i = Math.Min(i + 2, json.Length);
                continue;
            }

            if (char.IsHighSurrogate(unit) && json.Length >= i + 12 && Unit(json[(i + 6)..]) is { } next && char.IsLowSurrogate(next))
            {
                i += 12;
                continue;
            }

            if (char.IsSurrogate(unit))
            {
                "\\ufffd"u8.CopyTo(json[i..]);
                replaced++;
            }

            i += 6;
        }

        return replaced;
    }

    /// <summary>Replaces escaped halves in JSON text.</summary>
    /// <param name="json">JSON, perhaps.</param>
    /// <param name="replaced">How many were replaced.</param>
    /// <returns>The text; the same if there were none.</returns>
    public static string ReplaceEscaped(string json, out int replaced)
    {
        replaced = 0;
        if (!json.Contains("\\u", StringComparison.OrdinalIgnoreCase))
        {
            return json;
        }

        var bytes = Encoding.UTF8.GetBytes(json);
        replaced = ReplaceEscaped(bytes);
        return replaced == 0 ? json : Encoding.UTF8.GetString(bytes);
    }

    // The code unit of "\uXXXX" at the start.
    private static char? Unit(ReadOnlySpan<byte> json) =>
        json.Length >= 6 && json[0] == '\\' && json[1] == 'u' && ushort.TryParse(json[2..6], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var unit) ? (char)unit : null;
}
