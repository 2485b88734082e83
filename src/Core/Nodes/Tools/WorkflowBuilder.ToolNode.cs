using System.Text.Json.Nodes;

namespace Polyphony.Core.Definitions;

public sealed partial class WorkflowBuilder
{
    /// <summary>Adds a node that calls a tool.</summary>
    /// <param name="name">The node's name.</param>
    /// <param name="tool">The tool's name.</param>
    /// <param name="arguments">The arguments, an object whose texts are templates; none by default.</param>
    /// <param name="configure">Sets what any node may have.</param>
    /// <param name="rules">Sets what is said of the call.</param>
    /// <returns>This builder.</returns>
    public WorkflowBuilder ToolNode(string name, string tool, JsonObject? arguments = null, Action<NodeBuilder>? configure = null, Action<ToolRulesBuilder>? rules = null)
    {
        var map = new JsonObject { ["tool"] = tool };
        Put(map, "arguments", arguments);
        rules?.Invoke(new ToolRulesBuilder(map));
        return Node(name, map, configure);
    }
}
