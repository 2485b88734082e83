namespace Polyphony.Core.Definitions;

/// <summary>What becomes of due times of a schedule that passed while no host ran it. A due time that a host comes to within a minute is not missed.</summary>
public enum CatchUpPolicy
{
    /// <summary>The latest of them is started.</summary>
    One,

    /// <summary>None of them is started.</summary>
    Skip,

    /// <summary>Each is started, in order; of more than <see cref="ScheduleDefinition.MaxMissed"/>, the latest.</summary>
    All,
}
