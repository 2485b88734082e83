namespace Polyphony.Core.Payloads;

/// <summary>
/// Stores JSON values that are too large for the history, by content. Writing the same content twice stores it once. A value is kept as long as
/// any instance that wrote or retained it exists. Thread-safe.
/// </summary>
public interface IPayloadStore
{
    /// <summary>Stores a value for an instance. Durable when the task completes; safe to repeat.</summary>
    /// <param name="instanceId">The instance that refers to it; purging that instance releases it.</param>
    /// <param name="json">UTF-8 JSON.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The lower-case hex SHA-256 of the content.</returns>
    Task<string> PutAsync(string instanceId, ReadOnlyMemory<byte> json, CancellationToken cancellationToken = default);

    /// <summary>Reads a value.</summary>
    /// <param name="hash">The content's hash.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>UTF-8 JSON.</returns>
    /// <exception cref="PayloadNotFoundException">Nothing with this hash is stored.</exception>
    Task<ReadOnlyMemory<byte>> GetAsync(string hash, CancellationToken cancellationToken = default);

    /// <summary>Retains stored values for another instance, such as the input of a restarted instance.</summary>
    /// <param name="instanceId">The instance that refers to them from now on.</param>
    /// <param name="hashes">The contents' hashes; unknown ones are ignored.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>A task that completes when this is durable.</returns>
    Task RetainAsync(string instanceId, IReadOnlyCollection<string> hashes, CancellationToken cancellationToken = default);

    /// <summary>Releases everything that an instance retains; values that no other instance retains are removed.</summary>
    /// <param name="instanceId">The purged instance.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>How many values were removed.</returns>
    Task<int> ReleaseAsync(string instanceId, CancellationToken cancellationToken = default);
}

/// <summary>A payload that something refers to is not in the store.</summary>
/// <param name="hash">The content's hash.</param>
public sealed class PayloadNotFoundException(string hash)
    : PolyphonyException("payload_not_found", $"No payload with hash \"{hash}\" is in the store. It was purged, or the store belongs to another host.");
