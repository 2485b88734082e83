using Polyphony.Core.Definitions.Sources;
using Polyphony.Expressions;

namespace Polyphony.Core.Definitions.Parsing;

/// <summary>An edge as read, with its places.</summary>
internal sealed record EdgeDraft(EdgeDefinition Definition, string Path, SourceLocation Location);

/// <summary>Reads <c>edges</c>: texts such as <c>a -> [b, c] -> d</c>, and maps.</summary>
internal sealed class EdgeReader
{
    private readonly MapReader _map;
    private readonly HashSet<string> _nodes;
    private readonly List<EdgeDraft> _edges = [];
    private readonly Dictionary<(string From, string To, string? When), EdgeDraft> _seen = [];
    private bool _full;

    private EdgeReader(MapReader map, List<NodeDraft> nodes)
    {
        _map = map;
        _nodes = nodes.Select(node => node.Name).ToHashSet(StringComparer.Ordinal);
    }

    public static List<EdgeDraft> Read(MapReader map, List<NodeDraft> nodes)
    {
        var reader = new EdgeReader(map, nodes);
        switch (map.Value("edges"))
        {
            // Where an agent chooses what follows, the order of the nodes says nothing.
            case null when map.Context.Routes.Count > 0:
                break;
            case null:
                for (var i = 1; i < nodes.Count; i++)
                {
                    reader._edges.Add(new EdgeDraft(new EdgeDefinition(nodes[i - 1].Name, nodes[i].Name), nodes[i].Path, nodes[i].Location));
                }

                break;
            case SourceSequence list:
                for (var i = 0; i < list.Items.Count && !reader._full; i++)
                {
                    reader.ReadEdge($"edges[{i}]", list.Items[i]);
                }

                break;
            case var other:
                map.WrongType("edges", other, "an array", "Such as [ \"plan -> draft\", { from: review, to: draft, max: 3 } ].");
                break;
        }

        foreach (var node in nodes)
        {
            reader.AddRoutes(node);
        }

        return reader._edges;
    }

    /// <summary>Adds a node's own edges.</summary>
    private void AddRoutes(NodeDraft node)
    {
        foreach (var to in _map.Context.Routes.GetValueOrDefault(node.Name, []))
        {
            var path = node.Path + ".to";
            var location = _map.Context.Locations.GetValueOrDefault(ParseContext.Join(path, to), _map.Context.Locations.GetValueOrDefault(path, node.Location));
            if (!_nodes.Contains(to))
            {
                _map.Context.AreRoutesMissing = true;
                _map.Context.Error("unknown_node", path, location, $"there is no node \"{SourceValues.Shorten(to)}\"", NearMatch.Hint(to, _nodes) ?? "Nodes are named under \"nodes\".");
                continue;
            }

            if (_edges.Find(edge => edge.Definition.From == node.Name && edge.Definition.To == to) is { } written)
            {
                _map.Context.Error("duplicate_edge", written.Path, written.Location, $"the router {node.Name} has an edge to {to} of its own", "Remove this edge, or leave the node out of \"to\".");
                continue;
            }

            var text = $"\"{to}\" in nodes.{node.Name}.output.next";
            var when = Expression.TryParse(text, out var parsed, out var problems) ? parsed : throw new ExpressionException(text, problems[0]);
            _edges.Add(new EdgeDraft(new EdgeDefinition(node.Name, to, when) { IsRoute = true }, path, location));
        }
    }

    private void ReadEdge(string path, SourceNode node)
    {
        switch (node)
        {
            case SourceScalar { Value: string } text:
                ReadText(path, text);
                break;
            case SourceMapping mapping:
                ReadMap(path, mapping);
                break;
            default:
                _map.WrongTypeAt(path, node, "an edge", "a string or an object", "Such as \"plan -> draft\" or { from: review, to: draft, max: 3 }.");
                break;
        }
    }

    private void ReadMap(string path, SourceMapping mapping)
    {
        var map = new MapReader(_map.Context, mapping, path, mapping.Location);
        var from = Ends(map, "from");
        var to = Ends(map, "to");
        var when = map.Condition("when", ExpressionPlace.Edge, from.Count == 1 ? from[0].Name : null);
        var max = map.Int("max", 1, 10_000);
        map.Finish();
        if (when is not null && from.Count > 1)
        {
            SplitCondition(map.Context, from);
        }

        // With a "max" that is out of range the edge is left out: taken for a forward edge it would be reported as a cycle as well.
        if (map.Has("max") && max is null)
        {
            return;
        }

        Add(path, mapping.Location, from, to, when, max);
    }

    // One condition on several sources is checked once for each, because each sees other nodes.
    private static void SplitCondition(ParseContext context, List<(string Name, SourceLocation Location)> from)
    {
        var use = context.Uses[^1];
        context.Uses.RemoveAt(context.Uses.Count - 1);
        foreach (var (name, _) in from)
        {
            context.Uses.Add(use with { Node = name });
        }
    }

    private List<(string Name, SourceLocation Location)> Ends(MapReader map, string key)
    {
        var ends = new List<(string, SourceLocation)>();
        if (!map.Has(key))
        {
            map.Value(key);
            map.Missing(key, "the name of a node, or an array of names");
        }
        else if (map.Value(key) is SourceSequence { Items.Count: 0 })
        {
            map.Invalid(key, $"\"{key}\" is empty", "Name at least one node.");
        }

        foreach (var name in map.Names(key))
        {
            if (CheckNode(map.PathOf(key), name.LocationOf(0), name.Text))
            {
                ends.Add((name.Text, name.Location));
            }
        }

        return ends;
    }

    private bool CheckNode(string path, SourceLocation location, string name)
    {
        if (_nodes.Contains(name))
        {
            return true;
        }

        _map.Context.Error(
            "unknown_node", path, location, $"there is no node \"{SourceValues.Shorten(name)}\"", NearMatch.Hint(name, _nodes) ?? "Add it to \"nodes\", or remove the edge.");
        return false;
    }

    private void ReadText(string path, SourceScalar text)
    {
        var scanner = new EdgeText(text.Text);
        var groups = scanner.Read();
        if (groups is null)
        {
            _map.Context.Error("edge_syntax", path, text.LocationOf(scanner.Offset), scanner.Problem, "Such as \"plan -> draft\" or \"plan -> [left, right] -> join\".");
            return;
        }

        List<(string, SourceLocation)>? before = null;
        foreach (var group in groups)
        {
            var ends = new List<(string, SourceLocation)>();
            foreach (var (name, offset) in group)
            {
                if (CheckNode(path, text.LocationOf(offset), name))
                {
                    ends.Add((name, text.LocationOf(offset)));
                }
            }

            if (before is not null)
            {
                Add(path, null, before, ends, null, null);
            }

            before = ends;
        }
    }

    private void Add(string path, SourceLocation? location, List<(string Name, SourceLocation Location)> from, List<(string Name, SourceLocation Location)> to, Expression? when, int? max)
    {
        foreach (var (source, sourceLocation) in from)
        {
            foreach (var (target, _) in to)
            {
                if (_edges.Count == SourceLimits.MaxEdges)
                {
                    if (!_full)
                    {
                        _map.Context.Error("too_many_edges", path, location ?? sourceLocation, $"the workflow has more than {SourceLimits.MaxEdges:N0} edges", "Use forEach, or split it into sub-workflows.");
                    }

                    _full = true;
                    return;
                }

                var edge = new EdgeDraft(new EdgeDefinition(source, target, when, max), path, location ?? sourceLocation);
                if (_seen.TryAdd((source, target, when?.Text), edge))
                {
                    _edges.Add(edge);
                }
                else
                {
                    _map.Context.Error(
                        "duplicate_edge", path, edge.Location, $"the edge {source} -> {target} is there already{(when is null ? "" : " with the same condition")}", "Remove one of them.");
                }
            }
        }
    }
}
