using System.Text.Json;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Locks;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Client;

/// <summary>Says of waits for locks who has the lock and how many are before: its keeper knows.</summary>
internal static class LockWaits
{
    /// <summary>Adds holders and places to what an instance waits for.</summary>
    /// <param name="client">The engine's client.</param>
    /// <param name="status">The instance.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The instance with them.</returns>
    public static async Task<WorkflowStatus> AddAsync(DurableClient client, WorkflowStatus status, CancellationToken cancellationToken)
    {
        if (status is not { IsFinished: false, CustomStatus: { } progress } || !progress.WaitingFor.Any(wait => wait.Lock is not null))
        {
            return status;
        }

        var waits = new List<PendingWait>();
        foreach (var wait in progress.WaitingFor)
        {
            waits.Add(wait.Lock is not null && await FindAsync(client, wait.Lock, cancellationToken) is { } found ? With(wait, status.InstanceId, found) : wait);
        }

        return status with { CustomStatus = progress with { WaitingFor = waits } };
    }

    private static PendingWait With(PendingWait wait, string instanceId, LockStatus status)
    {
        var place = status.Next.Index().FirstOrDefault(each => each.Item.InstanceId == instanceId && each.Item.Activation == wait.Activation, (-1, null!)).Index;
        return wait with { Holder = status.Holders is [var first, ..] ? first.InstanceId : null, Position = place < 0 ? null : place + 1 };
    }

    private static async Task<LockStatus?> FindAsync(DurableClient client, string name, CancellationToken cancellationToken)
    {
        var keepers = LockNames.Keepers(name);
        foreach (var id in new[] { keepers.First, keepers.Second })
        {
            if (await client.GetAsync(id, fetchInputsAndOutputs: true, cancellationToken) is { IsFinished: false, CustomStatus: { } status })
            {
                return JsonSerializer.Deserialize(status, CoreJsonContext.Default.LockStatus);
            }
        }

        return null;
    }
}
