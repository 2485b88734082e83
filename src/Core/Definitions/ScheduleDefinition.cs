using Polyphony.Expressions;

namespace Polyphony.Core.Definitions;

/// <summary>Times at which a workflow is started.</summary>
public sealed record ScheduleDefinition
{
    /// <summary>The name of a schedule that is given none.</summary>
    public const string DefaultName = "default";

    /// <summary>The default of <see cref="TimeZone"/>.</summary>
    public const string DefaultTimeZone = "UTC";

    /// <summary>The most missed due times that <see cref="CatchUpPolicy.All"/> starts: 100.</summary>
    public const int MaxMissed = 100;

    /// <summary>The most schedules of a workflow: 20.</summary>
    public const int MaxPerWorkflow = 20;

    /// <summary>
    /// The most characters that the names of workflow and schedule may have together, so that the ids of instances fit
    /// (<see cref="Durable.DurableLimits.MaxInstanceIdLength"/>).
    /// </summary>
    internal const int MaxNames = 78;

    /// <summary>Gets the name, which tells several schedules of a workflow apart.</summary>
    public string Name { get; init; } = DefaultName;

    /// <summary>Gets the cron expression: minute, hour, day of the month, month and day of the week, with seconds before them if there are six fields.</summary>
    public required string Cron { get; init; }

    /// <summary>Gets the IANA name of the time zone; default <c>UTC</c>.</summary>
    public string TimeZone { get; init; } = DefaultTimeZone;

    /// <summary>Gets what becomes of missed due times; default: the latest is started.</summary>
    public CatchUpPolicy CatchUp { get; init; }

    /// <summary>Gets the input of the instances, with templates that read <c>schedule</c>; <see langword="null"/> for an empty object.</summary>
    public ValueTemplate? Input { get; init; }

    /// <summary>Gets the lower-case hex SHA-256 of all that the schedule says: by it a host sees that it has changed.</summary>
    public string Hash { get; init; } = "";

    /// <summary>Gets what fixes the due times. When it changes, the schedule begins anew.</summary>
    internal string Timing => $"{Cron} {TimeZone}";
}
