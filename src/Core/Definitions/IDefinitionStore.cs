namespace Polyphony.Core.Definitions;

/// <summary>
/// Stores workflow definitions by content, so that an instance keeps the one it started with. Thread-safe.
/// </summary>
/// <remarks>
/// Orchestrator code may call <see cref="Find"/>, because what it returns depends on its argument
/// alone: the same hash always identifies the same text. It may block for one read after a restart and is served from memory afterwards.
/// </remarks>
public interface IDefinitionStore
{
    /// <summary>Keeps a definition. Durable when the task completes; safe to repeat.</summary>
    /// <param name="hash">Lower-case hex SHA-256 of the UTF-8 text.</param>
    /// <param name="json">The definition as canonical JSON.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>A task that completes when it is durable.</returns>
    Task SaveAsync(string hash, string json, CancellationToken cancellationToken = default);

    /// <summary>Reads a definition.</summary>
    /// <param name="hash">Its hash.</param>
    /// <returns>Canonical JSON, or <see langword="null"/> if there is none.</returns>
    string? Find(string hash);
}
