using System.Text.RegularExpressions;
using Polyphony.Core.Definitions.Sources;
using Polyphony.Core.Graph;
using Polyphony.Expressions;

namespace Polyphony.Core.Definitions.Parsing;

/// <summary>Checks who writes the state: that there is such a value, and that what replaces is never written by two side by side.</summary>
internal sealed partial class StateChecker(ParseContext context, WorkflowReader workflow, WorkflowGraph? graph)
{
    /// <summary>More pairs of opposite conditions than this are not looked at: files come from strangers.</summary>
    private const int MostOpposites = 100;

    private List<(bool[] One, bool[] Other)>? _opposites;

    public void Check()
    {
        foreach (var (_, name, path, location) in context.StateWrites)
        {
            if (!context.StateNames.Contains(name))
            {
                context.Error(
                    "unknown_state", path, location, $"there is no state \"{SourceValues.Shorten(name)}\"", NearMatch.Hint(name, context.StateNames) ?? $"Name it under \"state\", with its reducer: state: {{ {name}: append }}.");
            }
        }

        foreach (var value in workflow.State.Values)
        {
            if (value.Reducer == StateReducer.Replace)
            {
                CheckWriters(value);
            }

            WarnUnwritten(value);
        }
    }

    /// <summary>Reports writers of a value that is replaced which may run side by side: one of the writes would be lost.</summary>
    private void CheckWriters(StateDefinition value)
    {
        var writers = context.StateWrites.Where(write => write.Name == value.Name).ToList();
        foreach (var (node, _, path, location) in writers.Where(write => context.Locations.ContainsKey($"nodes.{write.Node}.forEach")))
        {
            context.Error(
                "state_conflict", path, location, $"the items of {node} run side by side, and only one writer at a time can replace \"{value.Name}\"",
                $"Give {value.Name} another reducer, or write it in a node that follows {node}.");
        }

        if (graph is null)
        {
            return;
        }

        var precedence = writers.Count > 1 ? new Precedence(graph) : null;
        for (var second = 1; second < writers.Count; second++)
        {
            for (var first = 0; first < second; first++)
            {
                var (a, b) = (IndexOf(writers[first].Node), IndexOf(writers[second].Node));
                if (!precedence!.HasEnded(a, b) && !precedence.HasEnded(b, a) && !AreExclusive(graph, a, b))
                {
                    var (node, _, path, location) = writers[second];
                    context.Error(
                        "state_conflict", path, location,
                        $"{writers[first].Node}{At(writers[first].Location)} and {node} both replace \"{value.Name}\", and neither comes after the other has ended: one of the writes would be lost",
                        $"Add an edge from one to the other, write it in a node that follows both, or give {value.Name} another reducer.");
                    break;
                }
            }
        }

        static string At(SourceLocation location) => location.Line > 0 ? $" (line {location.Line})" : "";
    }

    /// <summary>Determines whether two nodes never run in the same round: one can be reached only by an edge with a condition, the other only by an edge of the same node with the opposite condition.</summary>
    private bool AreExclusive(WorkflowGraph graph, int a, int b)
    {
        _opposites ??= [.. FindOpposites(graph).Take(MostOpposites).Select(pair => (Behind(graph, pair.One), Behind(graph, pair.Other)))];
        return _opposites.Exists(pair => (pair.One[a] && pair.Other[b]) || (pair.One[b] && pair.Other[a]));
    }

    /// <summary>Finds pairs of edges of a node of which never both are taken.</summary>
    private static IEnumerable<(int One, int Other)> FindOpposites(WorkflowGraph graph)
    {
        foreach (var edges in graph.Outgoing)
        {
            var byCondition = edges.Where(edge => !graph.Edges[edge].IsBackEdge).ToLookup(edge => graph.Edges[edge].Definition.When?.Text.Trim() ?? "", StringComparer.Ordinal);
            foreach (var same in byCondition.Where(same => same.Key.Length > 0))
            {
                var opposite = byCondition[$"!({same.Key})"].Concat(SimplePath().IsMatch(same.Key) ? byCondition[$"!{same.Key}"] : []).ToList();
                foreach (var one in same)
                {
                    foreach (var other in opposite)
                    {
                        yield return (one, other);
                    }
                }
            }
        }
    }

    /// <summary>Finds the nodes to which every way leads over an edge.</summary>
    private static bool[] Behind(WorkflowGraph graph, int edge)
    {
        var behind = new bool[graph.Nodes.Length];
        foreach (var node in graph.Order)
        {
            var into = graph.Incoming[node].Where(each => !graph.Edges[each].IsBackEdge).ToList();
            behind[node] = into.Count > 0 && into.TrueForAll(each => each == edge || behind[graph.Edges[each].From]);
        }

        return behind;
    }

    [GeneratedRegex("^[A-Za-z_][A-Za-z0-9_.]*\\z", RegexOptions.None, 1000)]
    private static partial Regex SimplePath();

    private int IndexOf(string node) => workflow.Nodes.FindIndex(each => each.Name == node);

    private void WarnUnwritten(StateDefinition value)
    {
        if (!context.StateWrites.Exists(write => write.Name == value.Name) && !MayBeWrittenByTools())
        {
            var path = "state." + value.Name;
            context.Warn("unused_state", path, context.Locations.GetValueOrDefault(path), $"nothing writes the state \"{value.Name}\"", "Remove it, or give a node a \"write\".");
        }
    }

    /// <summary>Tools of the host may write: which, is known where they are registered.</summary>
    private bool MayBeWrittenByTools() =>
        workflow.Agents.Values.SelectMany(agent => agent.Tools)
            .Concat(workflow.Nodes.Select(node => node.Definition is { } definition ? definition.Kind.ToolOf(definition) : null).OfType<string>())
            .Any(tool => !workflow.Tools.ContainsKey(tool));
}
