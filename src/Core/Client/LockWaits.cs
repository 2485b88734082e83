using System.Text.Json;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Locks;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Client;

/// <summary>Says of waits for locks who has the lock and how many are before: its keeper knows.</summary>
internal static class LockWaits
{
    /// <summary>Determines whether something waits for a lock.</summary>
    /// <param name="progress">The progress of an instance.</param>
    public static bool IsAny(WorkflowProgress? progress) => progress?.WaitingFor.Any(wait => wait.Lock is not null) == true;

    /// <summary>Adds holders and places.</summary>
    /// <param name="client">The engine's client.</param>
    /// <param name="instanceId">The instance.</param>
    /// <param name="progress">Its progress.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The progress with them.</returns>
    public static async Task<WorkflowProgress> AddAsync(DurableClient client, string instanceId, WorkflowProgress progress, CancellationToken cancellationToken)
    {
        var waits = new List<PendingWait>();
        foreach (var wait in progress.WaitingFor)
        {
            waits.Add(wait.Lock is not null && await FindAsync(client, wait.Lock, cancellationToken) is { } status ? With(wait, instanceId, status) : wait);
        }

        return progress with { WaitingFor = waits };
    }

    private static PendingWait With(PendingWait wait, string instanceId, LockStatus status)
    {
        var place = status.Next.Index().FirstOrDefault(each => each.Item.InstanceId == instanceId && each.Item.Activation == wait.Activation, (-1, null!)).Index;
        return wait with { Holder = status.Holder?.InstanceId, Position = place < 0 ? null : place + 1 };
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
