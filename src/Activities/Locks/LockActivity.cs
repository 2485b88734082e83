using System.Text.Json;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Locks;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Locks;

/// <summary>
/// Asks for locks, and looks at those that hold them. An event starts no instance, so whoever asks starts the keeper if none runs: under an id that is used once, however many ask at the same time.
/// Safe to repeat. Thread-safe.
/// </summary>
/// <param name="client">Gets the engine's client; called once the engine runs.</param>
internal sealed class LockActivity(Func<DurableClient> client)
{
    private const int MaxTries = 5;

    /// <summary>Adds the activities to a registry.</summary>
    /// <param name="registry">The registry.</param>
    /// <returns>The registry.</returns>
    public DurableRegistry Register(DurableRegistry registry) => registry
        .AddActivity(TaskNames.AskForLock, async (context, input) => JsonSerializer.Serialize(
            await AskAsync(JsonSerializer.Deserialize(input!, CoreJsonContext.Default.LockRequest)!, context.CancellationToken), CoreJsonContext.Default.String))
        .AddActivity(TaskNames.LookAtLock, async (context, input) => JsonSerializer.Serialize(
            await LookAsync(JsonSerializer.Deserialize(input!, CoreJsonContext.Default.LockLook)!, context.CancellationToken), CoreJsonContext.Default.IReadOnlyListString));

    /// <summary>Gives a request to the keeper of its lock, and starts one if none runs.</summary>
    /// <param name="request">The request.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The keeper's id.</returns>
    /// <exception cref="PolyphonyException"><c>lock_unavailable</c>: keepers came and went meanwhile; ask again.</exception>
    public async Task<string> AskAsync(LockRequest request, CancellationToken cancellationToken)
    {
        var ids = LockNames.Keepers(request.Name);
        for (var i = 0; i < MaxTries; i++)
        {
            var first = await client().GetAsync(ids.First, fetchInputsAndOutputs: false, cancellationToken);
            var second = await client().GetAsync(ids.Second, fetchInputsAndOutputs: false, cancellationToken);
            if (Running(first, second) is { } keeper)
            {
                if (await TellAsync(keeper.InstanceId, request, cancellationToken))
                {
                    return keeper.InstanceId;
                }
            }
            else if (await StartAsync(first is null ? ids.First : ids.Second, second, request, cancellationToken) is { } started)
            {
                return started;
            }
        }

        throw new PolyphonyException("lock_unavailable", $"The lock \"{request.Name}\" cannot be asked for now: its keeper has just ended.");
    }

    /// <summary>Finds out which instances have ended.</summary>
    /// <param name="look">The instances.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Those that have ended, or are not there.</returns>
    public async Task<IReadOnlyList<string>> LookAsync(LockLook look, CancellationToken cancellationToken)
    {
        var ended = new List<string>();
        foreach (var id in look.Instances)
        {
            var found = await client().GetAsync(id, fetchInputsAndOutputs: false, cancellationToken);
            if (found is { IsFinished: false })
            {
                continue;
            }

            ended.Add(id);
            if (found is not null && look.Removes)
            {
                await client().PurgeAsync(id, cancellationToken);
            }
        }

        return ended;
    }

    // Two run for a moment only: one of them steps back.
    private static OrchestrationMetadata? Running(OrchestrationMetadata? first, OrchestrationMetadata? second) => (first, second) switch
    {
        ({ IsFinished: false }, { IsFinished: false }) => second.CreatedTime < first.CreatedTime ? second : first,
        ({ IsFinished: false }, _) => first,
        (_, { IsFinished: false }) => second,
        _ => null,
    };

    private async Task<bool> TellAsync(string keeper, LockRequest request, CancellationToken cancellationToken)
    {
        try
        {
            await client().RaiseEventAsync(keeper, EventNames.Lock, JsonSerializer.Serialize(new LockMessage(request), CoreJsonContext.Default.LockMessage), cancellationToken);
            return true;
        }
        catch (PolyphonyException e) when (e is InvalidInstanceStatusException or InstanceNotFoundException)
        {
            return false;
        }
    }

    /// <summary>Starts a keeper with a request.</summary>
    private async Task<string?> StartAsync(string id, OrchestrationMetadata? second, LockRequest request, CancellationToken cancellationToken)
    {
        if (second?.InstanceId == id)
        {
            // Each keeper removes the one before it, unless it was ended before it could.
            await client().PurgeAsync(id, cancellationToken);
        }

        try
        {
            return await client().StartAsync(
                TaskNames.LockOrchestration,
                JsonSerializer.Serialize(new LockInput(request.Name, request), CoreJsonContext.Default.LockInput),
                new StartOrchestrationOptions { InstanceId = id },
                cancellationToken);
        }
        catch (InstanceExistsException)
        {
            return null;
        }
    }
}
