using System.Globalization;
using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Schedules;

/// <summary>The ids that schedules give. Names have no dot, so that each id comes of one workflow, schedule and time alone.</summary>
internal static class ScheduleIds
{
    /// <summary>What the ids of instances of schedules begin with. Nobody else may take them.</summary>
    public const string OwnPrefix = $"{TaskNames.ScheduleOrchestration}.";

    /// <summary>
    /// Gets the id of what is started at a due time, such as <c>daily-report.2026-11-28T07:00:00Z</c>: an id is used once, so a due time starts one instance, however many hosts come to it and however often.
    /// </summary>
    /// <param name="workflow">The workflow's name.</param>
    /// <param name="schedule">The schedule's name; that of a schedule without one is left out.</param>
    /// <param name="due">The due time.</param>
    /// <returns>The id.</returns>
    public static string OfStart(string workflow, string schedule, DateTimeOffset due)
    {
        var time = due.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        return schedule == ScheduleDefinition.DefaultName ? $"{workflow}.{time}" : $"{workflow}.{schedule}.{time}";
    }

    /// <summary>Gets the ids of the two instances that take turns at a schedule: the next one is started before the one before it is removed, so that nothing is lost between them.</summary>
    /// <param name="workflow">The workflow's name.</param>
    /// <param name="schedule">The schedule's name.</param>
    /// <returns>The ids.</returns>
    public static (string First, string Second) OfSchedule(string workflow, string schedule)
    {
        var name = $"{OwnPrefix}{workflow}.{schedule}";
        return ($"{name}.0", $"{name}.1");
    }
}
