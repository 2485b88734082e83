namespace Polyphony.Expressions.Schemas;

/// <summary>A time of day with its offset from UTC, as RFC 3339 writes it (section 5.6, "full-time"): a fraction of any length, a leap second where one can be.</summary>
/// <param name="Minute">The minute of the day in UTC; before or after the day if the offset leads there.</param>
/// <param name="Second">The second of the minute, 60 for a leap second.</param>
/// <param name="FractionTicks">The fraction of the second, of which seven digits count.</param>
internal readonly record struct Rfc3339Time(int Minute, int Second, long FractionTicks)
{
    private const int MinutesPerDay = 24 * 60;

    /// <summary>Gets the ticks since the day began.</summary>
    public long Ticks => Minute * TimeSpan.TicksPerMinute + Second * TimeSpan.TicksPerSecond + FractionTicks;

    // A leap second is the last one of a day in UTC.
    private bool IsPossible => Second < 60 || (Minute + 2 * MinutesPerDay) % MinutesPerDay == MinutesPerDay - 1;

    /// <summary>Reads a time of day.</summary>
    /// <param name="text">The text, without spaces around it.</param>
    /// <param name="time">The time.</param>
    /// <returns>Whether it is one.</returns>
    public static bool TryParse(ReadOnlySpan<char> text, out Rfc3339Time time)
    {
        time = default;
        if (!TryReadClock(text, out var minute, out var second) || !TryReadFraction(text[8..], out var fraction, out var rest) || !TryReadOffset(rest, out var offset))
        {
            return false;
        }

        time = new Rfc3339Time(minute - offset, second, fraction);
        return time.IsPossible;
    }

    private static bool TryReadClock(ReadOnlySpan<char> text, out int minuteOfDay, out int second)
    {
        (minuteOfDay, second) = (0, 0);
        if (text.Length < 8 || text[2] != ':' || text[5] != ':')
        {
            return false;
        }

        if (!TryReadPair(text, out var hour) || !TryReadPair(text[3..], out var minute) || !TryReadPair(text[6..], out second))
        {
            return false;
        }

        minuteOfDay = hour * 60 + minute;
        return hour <= 23 && minute <= 59 && second <= 60;
    }

    private static bool TryReadFraction(ReadOnlySpan<char> text, out long ticks, out ReadOnlySpan<char> rest)
    {
        ticks = 0;
        rest = text;
        if (text is not ['.', ..])
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

        if (text.Length != 6 || text[0] is not ('+' or '-') || text[3] != ':')
        {
            return false;
        }

        if (!TryReadPair(text[1..], out var hours) || !TryReadPair(text[4..], out var minutes) || hours > 23 || minutes > 59)
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
