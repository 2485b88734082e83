using Polyphony.Core.Payloads;

namespace Polyphony.Core.Locks;

/// <summary>Somebody wants a lock. May be sent any number of times: what counts is <paramref name="Id"/>.</summary>
/// <param name="Name">The lock.</param>
/// <param name="Id">The request's id.</param>
/// <param name="InstanceId">The instance that wants it, and is told when it has it.</param>
/// <param name="Started">When that instance began: one that has the id of an earlier one is another.</param>
/// <param name="Activation">The activation that wants it.</param>
internal sealed record LockRequest(string Name, string Id, string InstanceId, DateTimeOffset Started, string Activation);

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
    /// <summary>Gets who has it; <see langword="null"/>: nobody.</summary>
    public LockRequest? Holder { get; init; }

    /// <summary>Gets who waits, in order.</summary>
    public IReadOnlyList<LockRequest>? Waiting { get; init; }

    /// <summary>Gets the ids of requests that are over, the latest last: one that is delivered again gets nothing.</summary>
    public IReadOnlyList<string>? Released { get; init; }
}

/// <summary>The custom status of a keeper.</summary>
/// <param name="Lock">The lock.</param>
/// <param name="Holder">Who has it; <see langword="null"/>: nobody.</param>
/// <param name="Waiting">How many wait.</param>
/// <param name="Next">Those that are next.</param>
internal sealed record LockStatus(string Lock, LockHolder? Holder, int Waiting, IReadOnlyList<LockWaiter> Next);

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
