using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Polyphony.Core.Definitions;

/// <summary>
/// Durations in the form of workflow files: whole numbers with the units <c>d</c>, <c>h</c>, <c>m</c>, <c>s</c>, <c>ms</c>, the larger first, each at most once: <c>30s</c>, <c>1h30m</c>.
/// </summary>
internal static class Duration
{
    private static readonly (string Unit, long Milliseconds)[] Units =
        [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

    /// <summary>Gets the longest duration: 3,650 days.</summary>
    public static TimeSpan Longest { get; } = TimeSpan.FromDays(3_650);

    /// <summary>Reads a duration.</summary>
    /// <param name="text">The text.</param>
    /// <param name="duration">The duration.</param>
    /// <returns>Whether the text is one, of at most <see cref="Longest"/>.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, out TimeSpan duration)
    {
        duration = default;
        if (string.IsNullOrEmpty(text))
        {
            return false;
        }

        long total = 0;
        var nextUnit = 0;
        for (var i = 0; i < text.Length;)
        {
            var digits = i;
            while (i < text.Length && char.IsAsciiDigit(text[i]))
            {
                i++;
            }

            var unit = i;
            while (i < text.Length && char.IsAsciiLetterLower(text[i]))
            {
                i++;
            }

            var found = Array.FindIndex(Units, candidate => text.AsSpan(unit, i - unit).SequenceEqual(candidate.Unit));
            if (found < nextUnit || !long.TryParse(text.AsSpan(digits, unit - digits), NumberStyles.None, CultureInfo.InvariantCulture, out var count))
            {
                return false;
            }

            if (count > (long)Longest.TotalMilliseconds / Units[found].Milliseconds)
            {
                return false;
            }

            total += count * Units[found].Milliseconds;
            nextUnit = found + 1;
        }

        duration = TimeSpan.FromMilliseconds(total);
        return duration <= Longest;
    }

    /// <summary>Writes a duration in the shortest form, such as <c>1h30m</c>; whole milliseconds only.</summary>
    /// <param name="duration">The duration, 0 or more.</param>
    /// <returns>The text.</returns>
    public static string Format(TimeSpan duration)
    {
        var rest = (long)duration.TotalMilliseconds;
        if (rest <= 0)
        {
            return "0s";
        }

        var text = new StringBuilder();
        foreach (var (unit, milliseconds) in Units)
        {
            if (rest >= milliseconds)
            {
                text.Append(CultureInfo.InvariantCulture, $"{rest / milliseconds}{unit}");
            }

            rest %= milliseconds;
        }

        return text.ToString();
    }
}
