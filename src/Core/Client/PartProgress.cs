using System.Text.Json;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Client;

/// <summary>
/// Sums up what the children of a divided <c>forEach</c> say of their parts. The parent names those that it has not counted yet, and is read first: what a child has done by the
/// time it is read is in no other count.
/// </summary>
internal static class PartProgress
{
    /// <summary>Adds to an instance's progress what its children have done so far.</summary>
    /// <param name="client">Where they are read.</param>
    /// <param name="instanceId">The instance.</param>
    /// <param name="progress">Its own progress.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The sum, which names no parts.</returns>
    public static async Task<WorkflowProgress> AddAsync(DurableClient client, string instanceId, WorkflowProgress progress, CancellationToken cancellationToken)
    {
        var nodes = progress.Nodes.ToArray();
        var usage = progress.Usage;
        var waits = progress.WaitingFor.ToList();
        var moreWaiting = progress.MoreWaiting;
        for (var i = 0; i < nodes.Length; i++)
        {
            if (nodes[i].Parts is not { } parts)
            {
                continue;
            }

            var ids = parts.Select(part => ChildRuns.IdOfPart(instanceId, nodes[i].Node, nodes[i].Round, part)).ToList();
            var read = await Task.WhenAll(ids.Select(ReadAsync));
            var known = read.OfType<WorkflowProgress>().Where(part => part.Nodes.Count == 1).ToList();
            foreach (var (id, part) in ids.Zip(read))
            {
                waits.AddRange((part?.WaitingFor ?? []).Select(wait => wait with { InstanceId = id }));
                moreWaiting += part?.MoreWaiting ?? 0;
            }

            usage = known.Aggregate(usage, (sum, part) => sum + part.Usage);
            nodes[i] = Sum(nodes[i], [.. known.Select(part => part.Nodes[0])]) with { Parts = null };
        }

        return progress with
        {
            Nodes = nodes,
            Usage = usage,
            WaitingFor = [.. waits.Take(PendingWait.MostShown)],
            MoreWaiting = moreWaiting + Math.Max(0, waits.Count - PendingWait.MostShown),
        };

        async Task<WorkflowProgress?> ReadAsync(string child)
        {
            // One that has not begun yet has nothing to say.
            var found = await client.GetAsync(child, fetchInputsAndOutputs: false, cancellationToken);
            return found?.CustomStatus is { } json ? JsonSerializer.Deserialize(json, CoreJsonContext.Default.WorkflowProgress) : null;
        }
    }

    /// <summary>Leaves out which parts are under way, which is of use to nobody without their statuses.</summary>
    public static WorkflowProgress? Without(WorkflowProgress? progress) =>
        progress is not null && IsDivided(progress) ? progress with { Nodes = [.. progress.Nodes.Select(node => node with { Parts = null })] } : progress;

    /// <summary>Gets a value indicating whether children run parts of a node.</summary>
    public static bool IsDivided(WorkflowProgress progress) => progress.Nodes.Any(node => node.Parts is not null);

    /// <summary>Adds parts to a node. It runs while any of them does; of those that wait, the one that continues first is shown.</summary>
    internal static NodeProgress Sum(NodeProgress node, IReadOnlyList<NodeProgress> parts)
    {
        if (parts.Count == 0)
        {
            return node;
        }

        var first = parts.Prepend(node).Where(part => part.WaitingUntil is not null).MinBy(part => part.WaitingUntil);
        return node with
        {
            Status = first is null || parts.Any(part => part.Status == node.Status) ? node.Status : first.Status,
            ItemsDone = (node.ItemsDone ?? 0) + parts.Sum(part => part.ItemsDone ?? 0),
            ItemsFailed = (node.ItemsFailed ?? 0) + parts.Sum(part => part.ItemsFailed ?? 0),
            Attempts = node.Attempts + parts.Sum(part => part.Attempts),
            Tokens = node.Tokens + parts.Sum(part => part.Tokens),
            CostUsd = node.CostUsd + parts.Sum(part => part.CostUsd),
            UnpricedCalls = node.UnpricedCalls + parts.Sum(part => part.UnpricedCalls),
            EstimatedCalls = node.EstimatedCalls + parts.Sum(part => part.EstimatedCalls),
            ReplacedCalls = node.ReplacedCalls + parts.Sum(part => part.ReplacedCalls),
            FinishReason = node.FinishReason ?? parts.FirstOrDefault(part => part.FinishReason is not null)?.FinishReason,
            Provider = node.Provider ?? parts.FirstOrDefault(part => part.Provider is not null)?.Provider,
            Error = parts.LastOrDefault(part => part.Error is not null)?.Error ?? node.Error,
            WaitingUntil = first?.WaitingUntil,
            WaitReason = first?.WaitReason,
            WaitMessage = first?.WaitMessage,
        };
    }
}
