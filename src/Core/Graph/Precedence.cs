using System.Collections;
using Polyphony.Core.Definitions;

namespace Polyphony.Core.Graph;

/// <summary>
/// Which nodes have surely ended, completed or skipped, when another begins in the same round, whatever the timing. With <c>join: any</c> these are those before each of the incoming edges; an
/// edge that leaves a loop comes after all of the loop.
/// </summary>
internal sealed class Precedence
{
    private readonly BitArray[] _before;

    public Precedence(WorkflowGraph graph)
    {
        _before = new BitArray[graph.Nodes.Length];
        foreach (var node in graph.Order)
        {
            _before[node] = Find(graph, node);
        }
    }

    /// <summary>Determines whether a node has ended when another begins.</summary>
    public bool HasEnded(int node, int reader) => _before[reader][node];

    private BitArray Find(WorkflowGraph graph, int node)
    {
        BitArray? found = null;
        foreach (var index in graph.Incoming[node])
        {
            var edge = graph.Edges[index];
            if (edge.IsBackEdge)
            {
                continue;
            }

            var before = After(graph, edge);
            found = found is null ? before : graph.Nodes[node].Join == JoinMode.Any ? found.And(before) : found.Or(before);
        }

        return found ?? new BitArray(graph.Nodes.Length);
    }

    /// <summary>Finds the nodes that have ended when an edge counts.</summary>
    private BitArray After(WorkflowGraph graph, GraphEdge edge)
    {
        var exit = -1;
        for (var loop = graph.InnermostLoop[edge.From]; loop >= 0 && !graph.IsInLoop(edge.To, loop); loop = graph.Loops[loop].Parent)
        {
            exit = loop;
        }

        if (exit < 0)
        {
            return new BitArray(_before[edge.From]) { [edge.From] = true };
        }

        var after = new BitArray(_before[graph.Loops[exit].Header]);
        foreach (var member in graph.Loops[exit].Body)
        {
            after[member] = true;
        }

        return after;
    }
}
