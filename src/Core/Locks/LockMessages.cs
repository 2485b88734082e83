using Polyphony.Core.Payloads;

namespace Polyphony.Core.Locks;

/// <summary>Somebody wants a lock. May be sent any number of times: what counts is <paramref name="Id"/>.</summary>
/// <param name="Name">The lock.</param>
/// <param name="Id">The request's id.</param>
/// <param name="InstanceId">The instance that wants it, and is told when it has it.</param>
/// <param name="Started">When that instance began: one that has the id of an earlier one is another.</param>
/// <param name="Activation">The activation that wants it; empty: the whole run.</param>
/// <param name="Places">How many may have it at a time; <see langword="null"/>: one.</param>
internal sealed record LockRequest(string Name, string Id, string InstanceId, DateTimeOffset Started, string Activation, LockPlaces? Places = null);

/// <summary>How many may have a lock at a time. Of all that was said, the latest counts.</summary>
/// <param name="Count">How many, from 1.</param>
/// <param name="Time">When that was settled.</param>
internal sealed record LockPlaces(int Count, DateTimeOffset Time);

/// <summary>The place that a run takes before it begins, and keeps to its end.</summary>
/// <param name="Name">The lock that has the places.</param>
/// <param name="Places">How many there are.</param>
internal sealed record RunPlace(string Name, LockPlaces Places)
{
    /// <summary>Gets the id of the run's request; <see langword="null"/>: it has none yet.</summary>
    public string? Id { get; init; }

    /// <summary>Gets the keeper that has granted it; <see langword="null"/>: none has yet.</summary>
    public string? Keeper { get; init; }
}

/// <summary>What a keeper is told. Exactly one is set.</summary>
/// <param name="Request">Somebody wants the lock.</param>
/// <param name="Release">The id of a request that is over, granted or not.</param>
internal sealed record LockMessage(LockRequest? Request = null, string? Release = null);

/// <summary>What a keeper tells who wants the lock.</summary>
/// <param name="Name">The lock.</param>
/// <param name="Id">The request's id.</param>
/// <param name="Keeper">The keeper, to be told of the release.</param>
/// <param name="IsRefused">Whether too many wait.</param>
internal sealed record LockGrant(string Name, string Id, string Keeper, bool IsRefused = false);

/// <summary>The input of a keeper.</summary>
/// <param name="Name">The lock.</param>
/// <param name="First">The request that it was started with; <see langword="null"/> in later generations.</param>
/// <param name="State">Where the generation before left off.</param>
/// <param name="StoredState">The state when it is too large for <paramref name="State"/>: its JSON in parts.</param>
internal sealed record LockInput(string Name, LockRequest? First = null, LockState? State = null, IReadOnlyList<Payload>? StoredState = null);

/// <summary>Who has a lock and who waits for it: what passes between the generations of a keeper.</summary>
internal sealed record LockState
{
    /// <summary>Gets who has it, those that had it first before others; <see langword="null"/>: nobody.</summary>
    public IReadOnlyList<LockRequest>? Holders { get; init; }

    /// <summary>Gets how many may have it at a time; <see langword="null"/>: one.</summary>
    public LockPlaces? Places { get; init; }

    /// <summary>Gets who waits, in order.</summary>
    public IReadOnlyList<LockRequest>? Waiting { get; init; }

    /// <summary>Gets the ids of requests that are over, the latest last: one that is delivered again gets nothing.</summary>
    public IReadOnlyList<string>? Released { get; init; }
}

/// <summary>The custom status of a keeper.</summary>
/// <param name="Lock">The lock.</param>
/// <param name="Holders">Who has it: several where it has several places, and of many the first.</param>
/// <param name="Waiting">How many wait.</param>
/// <param name="Next">Those that are next.</param>
internal sealed record LockStatus(string Lock, IReadOnlyList<LockHolder> Holders, int Waiting, IReadOnlyList<LockWaiter> Next);

/// <summary>Who waits for a lock.</summary>
/// <param name="InstanceId">The instance.</param>
/// <param name="Activation">Its activation.</param>
internal sealed record LockWaiter(string InstanceId, string Activation);

/// <summary>Who has a lock.</summary>
/// <param name="InstanceId">The instance.</param>
/// <param name="Activation">Its activation.</param>
/// <param name="Since">Since when.</param>
internal sealed record LockHolder(string InstanceId, string Activation, DateTimeOffset Since);

/// <summary>The input of <see cref="Runs.TaskNames.LookAtLock"/>.</summary>
/// <param name="Instances">The instances to look at.</param>
/// <param name="Removes">Whether those that have ended are removed: keepers that have had their turn.</param>
internal sealed record LockLook(IReadOnlyList<string> Instances, bool Removes = false);
