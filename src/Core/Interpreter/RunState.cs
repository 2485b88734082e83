namespace Polyphony.Core.Interpreter;

/// <summary>What passes from one generation of a workflow instance to the next.</summary>
public sealed record RunState
{
    /// <summary>Gets when the instance began.</summary>
    public required DateTimeOffset StartedTime { get; init; }
}
