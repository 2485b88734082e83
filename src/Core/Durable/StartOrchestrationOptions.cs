namespace Polyphony.Core.Durable;

/// <summary>How to start an instance.</summary>
public sealed record StartOrchestrationOptions
{
    /// <summary>Gets the id, or <see langword="null"/> for a new one. An id is used once, ever.</summary>
    public string? InstanceId { get; init; }

    /// <summary>Gets when the first step may be taken, or <see langword="null"/> for at once.</summary>
    public DateTimeOffset? StartAt { get; init; }

    /// <summary>Gets tags to be kept with the instance: at most 20, names up to 100 and values up to 200 characters.</summary>
    public IReadOnlyDictionary<string, string>? Tags { get; init; }

    /// <summary>Gets the limits beyond which the start of a workflow is refused; <see langword="null"/>, the default: none. An id that was used before is answered as ever.</summary>
    public AdmissionLimits? Admission { get; init; }
}
