using System.Text.Json.Nodes;

namespace Polyphony.Core.Definitions;

public sealed partial class WorkflowBuilder
{
    /// <summary>Adds a node whose agent chooses which nodes run next. The edges to them are its own.</summary>
    /// <param name="name">The node's name.</param>
    /// <param name="agent">The agent that chooses.</param>
    /// <param name="prompt">The prompt, a template.</param>
    /// <param name="to">The nodes to choose from, each with a description for the agent.</param>
    /// <param name="fallback">The node that runs if the agent names none; <see langword="null"/> if it must name one.</param>
    /// <param name="atMost">How many nodes it may name.</param>
    /// <param name="configure">Sets the optional parts of the node.</param>
    /// <returns>This builder.</returns>
    public WorkflowBuilder RouterNode(
        string name, string agent, string prompt, IEnumerable<KeyValuePair<string, string>> to, string? fallback = null, int atMost = 1, Action<NodeBuilder>? configure = null)
    {
        var routes = new JsonObject();
        foreach (var (node, about) in to)
        {
            routes[node] = about;
        }

        var map = new JsonObject { ["router"] = agent, ["prompt"] = prompt, ["to"] = routes };
        Put(map, "fallback", fallback);
        Put(map, "atMost", atMost == 1 ? null : atMost);
        return Node(name, map, configure);
    }
}
