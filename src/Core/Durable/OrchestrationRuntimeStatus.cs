namespace Polyphony.Core.Durable;

/// <summary>The life cycle of an instance; names and meaning are those of Durable Functions.</summary>
public enum OrchestrationRuntimeStatus
{
    /// <summary>Accepted, not started yet.</summary>
    Pending,

    /// <summary>Started and not finished; it may be waiting.</summary>
    Running,

    /// <summary>Suspended by request, or because its code no longer matches its history; takes no step until it is resumed.</summary>
    Suspended,

    /// <summary>Finished with an output.</summary>
    Completed,

    /// <summary>Ended by an unhandled failure.</summary>
    Failed,

    /// <summary>Ended by request.</summary>
    Terminated,
}
