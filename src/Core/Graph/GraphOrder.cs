using System.Collections.Immutable;

namespace Polyphony.Core.Graph;

/// <summary>
/// Orders the nodes so that edges lead forward and each loop's body is in one piece: within each loop, inner loops count as one node. That works because a loop is
/// entered by its header alone: a way out of the body and back in would be a cycle of forward edges.
/// </summary>
internal static class GraphOrder
{
    /// <summary>Orders the nodes and the bodies of the loops.</summary>
    public static GraphShape Complete(int count, ShapeEdge[] edges, List<GraphLoop> loops, int[] innermost, int[] backEdgeOf)
    {
        // Region r + 1 is loop r, region 0 the whole. A unit is a node, or a loop as count + its index.
        var successors = new Dictionary<int, List<int>>();
        var waiting = new int[count + loops.Count];
        foreach (var edge in edges)
        {
            if (edge.HasMax)
            {
                continue;
            }

            var (from, to) = Units(edge, count, loops, innermost);
            waiting[to]++;
            if (!successors.TryGetValue(from, out var list))
            {
                successors[from] = list = [];
            }

            list.Add(to);
        }

        var members = new List<int>[loops.Count + 1];
        for (var region = 0; region < members.Length; region++)
        {
            members[region] = [];
        }

        for (var node = 0; node < count; node++)
        {
            members[innermost[node] + 1].Add(node);
        }

        for (var loop = 0; loop < loops.Count; loop++)
        {
            members[loops[loop].Parent + 1].Add(count + loop);
        }

        var order = new List<int>(count);
        Emit(0);
        var position = new int[count];
        for (var i = 0; i < order.Count; i++)
        {
            position[order[i]] = i;
        }

        List<GraphLoop> ordered = [.. loops.Select(loop => loop with { Body = [.. loop.Body.OrderBy(node => position[node])] })];
        return new GraphShape(backEdgeOf, ordered, [.. order], innermost);

        // As deep as loops are nested, which is limited.
        void Emit(int region)
        {
            var ready = new PriorityQueue<int, int>();
            foreach (var unit in members[region])
            {
                if (waiting[unit] == 0)
                {
                    ready.Enqueue(unit, Rank(unit));
                }
            }

            while (ready.TryDequeue(out var unit, out _))
            {
                if (unit < count)
                {
                    order.Add(unit);
                }
                else
                {
                    Emit(unit - count + 1);
                }

                foreach (var next in successors.GetValueOrDefault(unit, []))
                {
                    if (--waiting[next] == 0)
                    {
                        ready.Enqueue(next, Rank(next));
                    }
                }
            }
        }

        int Rank(int unit) => unit < count ? unit : loops[unit - count].Header;
    }

    // The two largest units around the ends that are not around both.
    private static (int From, int To) Units(ShapeEdge edge, int count, List<GraphLoop> loops, int[] innermost)
    {
        var from = Around(edge.From, loops, innermost);
        var to = Around(edge.To, loops, innermost);
        var common = 0;
        while (common < from.Count && common < to.Count && from[common] == to[common])
        {
            common++;
        }

        return (common < from.Count ? count + from[common] : edge.From, common < to.Count ? count + to[common] : edge.To);
    }

    private static List<int> Around(int node, List<GraphLoop> loops, int[] innermost)
    {
        var around = new List<int>();
        for (var loop = innermost[node]; loop >= 0; loop = loops[loop].Parent)
        {
            around.Insert(0, loop);
        }

        return around;
    }
}
