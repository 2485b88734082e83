using Polyphony.Core.Definitions.Parsing;
using Polyphony.Core.Definitions.Sources;

namespace Polyphony.Core.Nodes.Routers;

/// <summary>Reads <c>router</c> and what stands next to it.</summary>
/// <param name="name">The node's name.</param>
/// <param name="map">The node as written.</param>
internal sealed class RouterNodeReader(string name, MapReader map)
{
    private const string Example = "Such as to: { billing: Charges and refunds., technical: Errors. }";

    public RouterNode? Read()
    {
        var agent = map.Text("router");
        if (agent is not null)
        {
            map.Context.AgentUses.Add((map.PathOf("router"), map.Value("router")!.Location, agent));
        }

        var prompt = map.Template("prompt", ExpressionPlace.Node, name);
        if (!map.Has("prompt"))
        {
            map.Missing("prompt", "an agent is always asked something", "Such as prompt: \"{{ input.request }}\"");
        }

        var routes = Routes();
        map.Context.AreRoutesMissing |= routes is null;
        map.Context.Routes[name] = [.. routes?.Select(route => route.Node) ?? []];
        var fallback = map.Text("fallback");
        if (fallback is not null && routes?.Exists(route => route.Node == fallback) == false)
        {
            map.Invalid("fallback", $"\"{fallback}\" is not one of the nodes in \"to\"", $"Name one of {string.Join(", ", routes.Select(route => route.Node))}.");
        }

        var atMost = map.Int("atMost", 1, RouterNode.MostRoutes);
        if (atMost > routes?.Count)
        {
            map.Invalid("atMost", $"\"atMost\" is {atMost}, but there are {routes.Count} nodes to choose from");
        }

        return agent is null || prompt is null || routes is null ? null : new RouterNode
        {
            Name = name,
            Agent = agent,
            Prompt = prompt,
            Routes = routes,
            Fallback = fallback,
            AtMost = atMost ?? 1,
        };
    }

    private List<Route>? Routes()
    {
        if (!map.Has("to"))
        {
            map.Missing("to", "the nodes to choose from", Example);
            return null;
        }

        var routes = map.Value("to") is SourceMapping
            ? Described(map.Map("to")!, (SourceMapping)map.Value("to")!)
            : [.. map.Names("to").Select(node => new Route(node.Text, null))];
        if (routes.Select(route => route.Node).Distinct(StringComparer.Ordinal).Count() is var count && (count != routes.Count || count is < 2 or > RouterNode.MostRoutes))
        {
            map.Invalid("to", $"\"to\" must name from 2 to {RouterNode.MostRoutes} nodes, each once", Example);
            return null;
        }

        return routes;
    }

    private static List<Route> Described(MapReader to, SourceMapping written)
    {
        var routes = new List<Route>();
        foreach (var node in written.Entries.Select(entry => entry.Key).Distinct(StringComparer.Ordinal))
        {
            routes.Add(new Route(node, to.Text(node, mayBeEmpty: true) is { Length: > 0 } about ? about : null));
        }

        to.Finish();
        return routes;
    }
}
