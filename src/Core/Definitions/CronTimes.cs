using Cronos;

namespace Polyphony.Core.Definitions;

/// <summary>
/// The due times of a schedule, by Cronos. A time that the clocks skip in spring is due when they go on; one that comes twice in autumn is due once, the first time, unless the expression repeats within a
/// day (ranges, steps or <c>*</c> in its hours, minutes or seconds): then both times.
/// </summary>
/// <remarks>What a zone's rules say changes with the host's time zone data, so due times are worked out in activities, never in orchestrator code. Immutable, thread-safe.</remarks>
internal sealed class CronTimes
{
    private const int FieldsWithSeconds = 6;

    private static readonly TimeSpan FirstWindow = TimeSpan.FromMinutes(2);
    private static readonly string[] Fields = ["second", "minute", "hour", "day of the month", "month", "day of the week"];
    private static readonly DateTime AnyTime = new(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc);
    private static readonly (string Macro, string Cron)[] Macros =
    [
        ("@yearly", "0 0 1 1 *"), ("@annually", "0 0 1 1 *"), ("@monthly", "0 0 1 * *"), ("@weekly", "0 0 * * 0"), ("@daily", "0 0 * * *"), ("@midnight", "0 0 * * *"), ("@hourly", "0 * * * *"),
        ("@every_minute", "* * * * *"), ("@every_second", "* * * * * *"),
    ];

    private readonly CronExpression _expression;
    private readonly TimeZoneInfo _zone;

    private CronTimes(CronExpression expression, TimeZoneInfo zone)
    {
        _expression = expression;
        _zone = zone;
    }

    /// <summary>Makes the due times of a schedule that was checked.</summary>
    /// <param name="schedule">The schedule.</param>
    /// <returns>The due times.</returns>
    /// <exception cref="PolyphonyException"><c>unknown_time_zone</c>: this host does not know the zone.</exception>
    public static CronTimes Of(ScheduleDefinition schedule) => new(
        Parse(schedule.Cron),
        FindZone(schedule.TimeZone) ?? throw new PolyphonyException(
            "unknown_time_zone", $"This host knows no time zone \"{schedule.TimeZone}\". Install the time zone data of its system (the package tzdata)."));

    /// <summary>Finds a time zone.</summary>
    /// <param name="id">Its IANA name, with its letter case.</param>
    /// <returns>The zone, or <see langword="null"/>.</returns>
    public static TimeZoneInfo? FindZone(string id) =>
        TimeZoneInfo.TryFindSystemTimeZoneById(id, out var zone) && string.Equals(zone.Id, id, StringComparison.Ordinal) && (zone.HasIanaId || id == ScheduleDefinition.DefaultTimeZone) ? zone : null;

    /// <summary>Finds what is wrong with a cron expression.</summary>
    /// <param name="cron">The expression.</param>
    /// <returns>Where, what and what to do; <see langword="null"/> if nothing is.</returns>
    public static (int Offset, string Message, string? Hint)? FindProblem(string cron)
    {
        var fields = Split(cron);
        if (fields.Count is not (FieldsWithSeconds - 1 or FieldsWithSeconds))
        {
            var macro = Array.Find(Macros, macro => macro.Macro.Equals(cron.Trim(), StringComparison.OrdinalIgnoreCase)).Cron;
            return (0, $"a cron expression has 5 fields (minute, hour, day of the month, month, day of the week), or 6 with seconds first; found: {fields.Count}",
                macro is null ? "Such as \"0 7 * * 1-5\": at 7:00 from Monday to Friday." : $"Write \"{macro}\".");
        }

        var first = FieldsWithSeconds - fields.Count;
        for (var i = 0; i < fields.Count; i++)
        {
            // Alone, so that the place of what is wrong is known.
            var alone = string.Join(' ', Enumerable.Repeat("*", fields.Count).Select((any, at) => at == i ? fields[i].Text : any));
            if (FindParseProblem(alone) is { } message)
            {
                return (fields[i].Offset, $"the {Fields[first + i]} of the cron expression is not valid: {message}", null);
            }
        }

        return Parse(cron).GetNextOccurrence(AnyTime) is null
            ? (0, "the cron expression is never due: no date fits it", "Look at the day of the month and the month; day of the month and day of the week must both fit.")
            : null;
    }

    /// <summary>Finds the next due time.</summary>
    /// <param name="after">The time before it.</param>
    /// <returns>The first due time after that, in UTC; <see langword="null"/> if there is none.</returns>
    public DateTimeOffset? Next(DateTimeOffset after) => _expression.GetNextOccurrence(after, _zone)?.ToUniversalTime();

    /// <summary>Finds the latest due times of a span.</summary>
    /// <param name="after">The time before it.</param>
    /// <param name="until">Its end, which belongs to it.</param>
    /// <param name="max">How many are wanted at most.</param>
    /// <returns>The due times in UTC, oldest first.</returns>
    public IReadOnlyList<DateTimeOffset> Latest(DateTimeOffset after, DateTimeOffset until, int max)
    {
        // Forwards, in windows that grow: Cronos finds other times backwards than forwards where the clocks skip one, and a long span may hold millions.
        for (var window = FirstWindow; max > 0; window *= 2)
        {
            var start = until - after > window ? until - window : after;
            var found = new Queue<DateTimeOffset>();
            for (var at = Next(start); at <= until; at = Next(at.Value))
            {
                found.Enqueue(at.Value);
                if (found.Count > max)
                {
                    found.Dequeue();
                }
            }

            if (found.Count == max || start == after)
            {
                return [.. found];
            }
        }

        return [];
    }

    /// <summary>Gets a time as the clocks of the zone show it.</summary>
    /// <param name="time">The time.</param>
    /// <returns>The local time.</returns>
    public DateTimeOffset ToLocal(DateTimeOffset time) => TimeZoneInfo.ConvertTime(time, _zone);

    private static CronExpression Parse(string cron) => CronExpression.Parse(cron, Split(cron).Count == FieldsWithSeconds ? CronFormat.IncludeSeconds : CronFormat.Standard);

    private static string? FindParseProblem(string cron)
    {
        try
        {
            Parse(cron);
            return null;
        }
        catch (CronFormatException exception)
        {
            // "The given cron expression has an invalid format. Hours: Value must be …": what comes before the field says nothing more.
            var message = exception.Message;
            var at = message.IndexOf(": ", StringComparison.Ordinal);
            return message[(at < 0 ? 0 : at + 2)..].TrimEnd('.').ToLowerInvariant();
        }
        catch (MissingSeedException)
        {
            return "H is not supported";
        }
    }

    private static List<(string Text, int Offset)> Split(string cron)
    {
        var fields = new List<(string, int)>();
        for (var i = 0; i < cron.Length;)
        {
            var end = i;
            while (end < cron.Length && cron[end] is not (' ' or '\t'))
            {
                end++;
            }

            if (end > i)
            {
                fields.Add((cron[i..end], i));
            }

            i = end + 1;
        }

        return fields;
    }
}
