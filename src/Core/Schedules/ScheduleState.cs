namespace Polyphony.Core.Schedules;

/// <summary>How far a schedule is: the input of its orchestration, its custom status, and what it hands to the next instance.</summary>
internal sealed record ScheduleState
{
    /// <summary>Gets the workflow's name.</summary>
    public required string Workflow { get; init; }

    /// <summary>Gets the schedule's name.</summary>
    public required string Schedule { get; init; }

    /// <summary>Gets the time up to which all is done: what was due then was started, or passed over as the policy has it.</summary>
    public required DateTimeOffset After { get; init; }

    /// <summary>Gets cron expression and time zone as they were seen last; <see langword="null"/> before the first look.</summary>
    public string? Timing { get; init; }

    /// <summary>Gets the hash of the schedule as it was seen last.</summary>
    public string? Hash { get; init; }

    /// <summary>Gets the next due time.</summary>
    public DateTimeOffset? Next { get; init; }

    /// <summary>Gets the latest due time that was started.</summary>
    public DateTimeOffset? LastDue { get; init; }

    /// <summary>Gets the id of what was started then.</summary>
    public string? LastInstanceId { get; init; }

    /// <summary>Gets why nothing could be started at the last look; <see langword="null"/> if all went well.</summary>
    public ScheduleProblem? Problem { get; init; }

    /// <summary>Gets a value indicating whether it is paused.</summary>
    public bool IsPaused { get; init; }

    /// <summary>Gets a value indicating whether the host that looked last starts no schedules.</summary>
    public bool IsOff { get; init; }

    /// <summary>Gets a value indicating whether the schedule is no longer there.</summary>
    public bool IsRemoved { get; init; }

    /// <summary>Gets how many looks this instance has taken.</summary>
    public int Looks { get; init; }
}

/// <summary>Why nothing could be started.</summary>
/// <param name="Code">A stable code.</param>
/// <param name="Message">What happened, shortened.</param>
internal sealed record ScheduleProblem(string Code, string Message)
{
    /// <summary>The most characters of the message: the custom status holds it.</summary>
    public const int MaxLength = 1_000;
}

/// <summary>What came of a look at a schedule: the result of <see cref="Runs.TaskNames.StartDue"/>.</summary>
/// <param name="State">How far it is now.</param>
/// <param name="WakeAt">When to look again; <see langword="null"/> when asked to only.</param>
internal sealed record ScheduleLook(ScheduleState State, DateTimeOffset? WakeAt);
