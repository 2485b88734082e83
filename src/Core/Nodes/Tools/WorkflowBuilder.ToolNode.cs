using System.Text.Json.Nodes;

namespace Polyphony.Core.Definitions;

public sealed partial class WorkflowBuilder
{
    /// <summary>Adds a node that calls a tool.</summary>
    /// <param name="name">The node's name.</param>
    /// <param name="tool">The tool's name.</param>
    /// <param name="arguments">The arguments, an object whose strings are templates; none by default.</param>
    /// <param name="configure">Sets the optional parts of the node.</param>
    /// <returns>This builder.</returns>
    public WorkflowBuilder ToolNode(string name, string tool, JsonObject? arguments = null, Action<NodeBuilder>? configure = null)
    {
        var map = new JsonObject { ["tool"] = tool };
        Put(map, "arguments", arguments);
        return Node(name, map, configure);
    }
}
