using System.Globalization;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Core.Definitions;

/// <summary>
/// Reads points in time as RFC 3339 writes them (section 5.6): date, time and offset are all there, so that a time means the same in every time zone and
/// under every culture. The one reader of times that people or programs give.
/// </summary>
internal static class Rfc3339
{
    /// <summary>How to write one, for messages.</summary>
    public const string Example = "2030-01-31T12:00:00Z";

    /// <summary>What is taken, for messages.</summary>
    public const string Expected = $"a time in RFC 3339 with Z or an offset, such as {Example} or 2030-01-31T13:00:00+01:00";

    /// <summary>Reads a time.</summary>
    /// <param name="text">The text, without spaces around it. A fraction may have any number of digits, of which seven count; a leap second is the second after it.</param>
    /// <param name="time">The time, in UTC.</param>
    /// <returns>Whether it is one.</returns>
    public static bool TryParse(ReadOnlySpan<char> text, out DateTimeOffset time)
    {
        time = default;
        if (text.Length < 20 || text[10] is not ('T' or 't')
            || !DateTime.TryParseExact(text[..10], "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date)
            || !Rfc3339Time.TryParse(text[11..], out var timeOfDay))
        {
            return false;
        }

        var utc = date.Ticks + timeOfDay.Ticks;
        if (utc < DateTime.MinValue.Ticks || utc > DateTime.MaxValue.Ticks)
        {
            return false;
        }

        time = new DateTimeOffset(utc, TimeSpan.Zero);
        return true;
    }
}
