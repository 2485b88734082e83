namespace Polyphony.DurableFunctions.Durable;

/// <summary>
/// Which instance ids were given to a start. Durable Task looks whether an id is free, then writes: of two starts at the same moment both
/// are told that they were accepted, and one is dropped. So an id is reserved first, in one step. Thread-safe.
/// </summary>
internal interface IStartReservations
{
    /// <summary>Reserves an id for a start.</summary>
    /// <param name="instanceId">The id.</param>
    /// <param name="request">What the start asks for.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The reservation, with <see cref="StartReservation.IsNew"/> if it is this one, else that of whoever was first.</returns>
    Task<StartReservation> ReserveAsync(string instanceId, StartRequest request, CancellationToken cancellationToken = default);

    /// <summary>Takes a reservation over, to do what it was made for; of all who try, one succeeds.</summary>
    /// <param name="instanceId">The id.</param>
    /// <param name="known">The reservation as it was read.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>Whether it is the caller's now; otherwise it has changed, or is gone.</returns>
    Task<bool> TryTakeOverAsync(string instanceId, StartReservation known, CancellationToken cancellationToken = default);

    /// <summary>Releases an id, if it is reserved.</summary>
    /// <param name="instanceId">The id.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>A task that completes when it is free.</returns>
    Task RemoveAsync(string instanceId, CancellationToken cancellationToken = default);
}

/// <summary>What a start asks Durable Task for: enough to ask again in its place.</summary>
/// <param name="Name">The orchestration's name.</param>
/// <param name="Input">The input, as JSON.</param>
/// <param name="Tags">The tags, the adapters' own included.</param>
/// <param name="StartAt">When it begins, if not at once.</param>
internal sealed record StartRequest(string Name, string? Input, IReadOnlyDictionary<string, string> Tags, DateTimeOffset? StartAt)
{
    /// <summary>Whether another start asks for the same, whenever it came.</summary>
    /// <param name="other">The other.</param>
    /// <returns>Whether they differ in nothing but the time at which they were made.</returns>
    public bool IsSameAs(StartRequest other) =>
        (Name, Input, StartAt) == (other.Name, other.Input, other.StartAt)
        && Tags.Count == other.Tags.Count
        && Tags.All(tag => tag.Key == DurableClientAdapter.CreatedTag || (other.Tags.TryGetValue(tag.Key, out var value) && value == tag.Value));
}

/// <summary>A reserved id.</summary>
/// <param name="Request">What it is reserved for.</param>
/// <param name="Version">Which version of the reservation this is; what it looks like is the store's.</param>
/// <param name="IsNew">Whether the call that returned it has made it.</param>
internal sealed record StartReservation(StartRequest Request, string Version, bool IsNew);
