using System.Globalization;

namespace Polyphony.Core.Workflows;

/// <summary>
/// Reads points in time as RFC 3339 writes them (section 5.6): date, time and offset are all there, so that a time means the same in every time zone and
/// under every culture. The one reader of times that people or programs give.
/// </summary>
public static class Rfc3339
{
    /// <summary>How to write one, for messages.</summary>
    public const string Example = "2030-01-31T12:00:00Z";

    /// <summary>What is taken, for messages.</summary>
    public const string Expected = $"a time in RFC 3339 with Z or an offset, such as {Example} or 2030-01-31T13:00:00+01:00";

    private const int MinutesPerDay = 24 * 60;

    /// <summary>Reads a time.</summary>
    /// <param name="text">The text, without spaces around it. A fraction may have any number of digits, of which seven count; a leap second is the second after it.</param>
    /// <param name="time">The time, in UTC.</param>
    /// <returns>Whether it is one.</returns>
    public static bool TryParse(ReadOnlySpan<char> text, out DateTimeOffset time)
    {
        time = default;
        if (text.Length < 20 || text[10] is not ('T' or 't') || text[13] != ':' || text[16] != ':'
            || !DateTime.TryParseExact(text[..10], "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date)
            || !TryReadPair(text[11..], out var hour) || !TryReadPair(text[14..], out var minute) || !TryReadPair(text[17..], out var second)
            || hour > 23 || minute > 59 || second > 60
            || !TryReadFraction(text[19..], out var ticks, out var rest)
            || !TryReadOffset(rest, out var offset))
        {
            return false;
        }

        // A leap second is the last one of a day in UTC.
        if (second == 60 && (hour * 60 + minute - offset + 2 * MinutesPerDay) % MinutesPerDay != MinutesPerDay - 1)
        {
            return false;
        }

        var utc = date.Ticks + (hour * 60L + minute - offset) * TimeSpan.TicksPerMinute + second * TimeSpan.TicksPerSecond + ticks;
        if (utc < DateTime.MinValue.Ticks || utc > DateTime.MaxValue.Ticks)
        {
            return false;
        }

        time = new DateTimeOffset(utc, TimeSpan.Zero);
        return true;
    }

    private static bool TryReadFraction(ReadOnlySpan<char> text, out long ticks, out ReadOnlySpan<char> rest)
    {
        ticks = 0;
        rest = text;
        if (text.IsEmpty || text[0] != '.')
        {
            return true;
        }

        var digits = 1;
        for (var unit = TimeSpan.TicksPerSecond / 10; digits < text.Length && char.IsAsciiDigit(text[digits]); digits++, unit /= 10)
        {
            ticks += (text[digits] - '0') * unit;
        }

        rest = text[digits..];
        return digits > 1;
    }

    /// <summary>Reads the offset from UTC, in minutes.</summary>
    private static bool TryReadOffset(ReadOnlySpan<char> text, out int offset)
    {
        offset = 0;
        if (text is "Z" or "z")
        {
            return true;
        }

        if (text.Length != 6 || text[0] is not ('+' or '-') || text[3] != ':'
            || !TryReadPair(text[1..], out var hours) || !TryReadPair(text[4..], out var minutes) || hours > 23 || minutes > 59)
        {
            return false;
        }

        offset = (hours * 60 + minutes) * (text[0] == '-' ? -1 : 1);
        return true;
    }

    private static bool TryReadPair(ReadOnlySpan<char> text, out int value)
    {
        var isPair = text.Length >= 2 && char.IsAsciiDigit(text[0]) && char.IsAsciiDigit(text[1]);
        value = isPair ? (text[0] - '0') * 10 + text[1] - '0' : 0;
        return isPair;
    }
}
