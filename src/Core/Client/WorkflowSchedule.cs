using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Client;

/// <summary>A schedule of a workflow, and how far it is.</summary>
public sealed record WorkflowSchedule
{
    /// <summary>Gets the workflow's name.</summary>
    public required string Workflow { get; init; }

    /// <summary>Gets the schedule's name.</summary>
    public required string Name { get; init; }

    /// <summary>Gets the cron expression.</summary>
    public required string Cron { get; init; }

    /// <summary>Gets the IANA name of the time zone.</summary>
    public required string TimeZone { get; init; }

    /// <summary>Gets what becomes of missed due times.</summary>
    public required CatchUpPolicy CatchUp { get; init; }

    /// <summary>Gets what it does.</summary>
    public required ScheduleStatus Status { get; init; }

    /// <summary>Gets the next due time, in UTC; <see langword="null"/> while it is not known.</summary>
    public DateTimeOffset? NextDue { get; init; }

    /// <summary>Gets the latest due time that was started, in UTC.</summary>
    public DateTimeOffset? LastDue { get; init; }

    /// <summary>Gets the id of what was started then.</summary>
    public string? LastInstanceId { get; init; }

    /// <summary>Gets why nothing could be started, for one that fails.</summary>
    public WorkflowError? Error { get; init; }
}

/// <summary>What a schedule does.</summary>
public enum ScheduleStatus
{
    /// <summary>No host has taken it up yet, as it is now.</summary>
    Pending,

    /// <summary>It starts what is due.</summary>
    Active,

    /// <summary>It starts nothing until it is resumed.</summary>
    Paused,

    /// <summary>What is due cannot be started. It is tried again every minute.</summary>
    Failing,
}
