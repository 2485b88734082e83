using System.Collections.Concurrent;
using Polyphony.DurableFunctions.Durable;

namespace Polyphony.DurableFunctions.Tests.Durable;

/// <summary>Reserved ids in memory.</summary>
internal sealed class InMemoryStartReservations : IStartReservations
{
    private readonly ConcurrentDictionary<string, StartReservation> _kept = new(StringComparer.Ordinal);

    /// <summary>Gets the ids that are reserved.</summary>
    public IEnumerable<string> Ids => _kept.Keys;

    public Task<StartReservation> ReserveAsync(string instanceId, StartRequest request, CancellationToken cancellationToken = default)
    {
        var mine = new StartReservation(request, "1", IsNew: false);
        var kept = _kept.GetOrAdd(instanceId, mine);
        return Task.FromResult(ReferenceEquals(kept, mine) ? mine with { IsNew = true } : kept);
    }

    public Task<bool> TryTakeOverAsync(string instanceId, StartReservation known, CancellationToken cancellationToken = default) =>
        Task.FromResult(_kept.TryUpdate(instanceId, known with { Version = known.Version + "1" }, known));

    public Task RemoveAsync(string instanceId, CancellationToken cancellationToken = default)
    {
        _kept.TryRemove(instanceId, out _);
        return Task.CompletedTask;
    }
}
