namespace Polyphony.Core.Runs;

/// <summary>How a node ended.</summary>
/// <param name="Node">The node.</param>
/// <param name="Result">Its result; <see langword="null"/> if it was stopped.</param>
/// <param name="Decisions">Whether each outgoing edge's condition holds.</param>
/// <param name="Digest">The result's digest.</param>
/// <param name="FailedActivation">The activation that failed.</param>
/// <param name="Written">What it has written to the state.</param>
internal sealed record NodeEnd(int Node, NodeResult? Result, IReadOnlyList<bool>? Decisions = null, ulong Digest = 0, string? FailedActivation = null, StateChange? Written = null);
