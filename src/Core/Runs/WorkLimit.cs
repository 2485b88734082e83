namespace Polyphony.Core.Runs;

/// <summary>How long the work of an activation lasts.</summary>
/// <param name="Ending">Cancelled when nothing further begins.</param>
/// <param name="Calls">Cancelled when the calls under way are not waited for any more.</param>
/// <param name="Deadline">When the node's own time is up, if it has a limit: its calls are told, for hosts that cancel no activities.</param>
internal readonly record struct WorkLimit(CancellationToken Ending, CancellationToken Calls, DateTimeOffset? Deadline = null);
