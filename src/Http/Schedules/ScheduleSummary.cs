using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;

namespace Polyphony.Http.Schedules;

/// <summary>A schedule of a workflow, and how far it is.</summary>
internal sealed record ScheduleSummary
{
    /// <summary>Gets the workflow's name.</summary>
    public required string Workflow { get; init; }

    /// <summary>Gets the schedule's name: <c>default</c> for one that is given none.</summary>
    public required string Name { get; init; }

    /// <summary>Gets the cron expression.</summary>
    public required string Cron { get; init; }

    /// <summary>Gets the IANA name of the time zone.</summary>
    public required string TimeZone { get; init; }

    /// <summary>Gets what becomes of due times that passed while no host ran: <c>skip</c>, <c>one</c> or <c>all</c>.</summary>
    public required string CatchUp { get; init; }

    /// <summary>Gets what it does.</summary>
    public required ScheduleStatus Status { get; init; }

    /// <summary>Gets the next due time; left out while it is not known.</summary>
    public DateTimeOffset? NextDue { get; init; }

    /// <summary>Gets the latest due time that was started.</summary>
    public DateTimeOffset? LastDue { get; init; }

    /// <summary>Gets the id of what was started then.</summary>
    public string? LastInstanceId { get; init; }

    /// <summary>Gets why what is due cannot be started.</summary>
    public WorkflowError? Error { get; init; }

    /// <summary>Gets where to pause it.</summary>
    public required string PausePostUri { get; init; }

    /// <summary>Gets where to let it go on.</summary>
    public required string ResumePostUri { get; init; }

    internal static ScheduleSummary From(WorkflowSchedule schedule, string uri) => new()
    {
        Workflow = schedule.Workflow,
        Name = schedule.Name,
        Cron = schedule.Cron,
        TimeZone = schedule.TimeZone,
        CatchUp = schedule.CatchUp switch { CatchUpPolicy.Skip => "skip", CatchUpPolicy.All => "all", _ => "one" },
        Status = schedule.Status,
        NextDue = schedule.NextDue,
        LastDue = schedule.LastDue,
        LastInstanceId = schedule.LastInstanceId,
        Error = schedule.Error,
        PausePostUri = $"{uri}/{schedule.Workflow}/{schedule.Name}/pause",
        ResumePostUri = $"{uri}/{schedule.Workflow}/{schedule.Name}/resume",
    };
}
