using System.Text.Json.Nodes;

namespace Polyphony.Core.Definitions;

public sealed partial class WorkflowBuilder
{
    /// <summary>Adds a node that runs another workflow.</summary>
    /// <param name="name">The node's name.</param>
    /// <param name="workflow">The other workflow's name.</param>
    /// <param name="input">Its input, a JSON value whose strings are templates.</param>
    /// <param name="limits">Limits that replace those of the workflow where they are set.</param>
    /// <param name="configure">Sets the optional parts of the node.</param>
    /// <returns>This builder.</returns>
    public WorkflowBuilder WorkflowNode(string name, string workflow, JsonNode? input = null, WorkflowLimits? limits = null, Action<NodeBuilder>? configure = null)
    {
        var map = new JsonObject { ["workflow"] = workflow };
        Put(map, "input", input);
        Put(map, "limits", limits is null ? null : Json(limits));
        return Node(name, map, configure);
    }
}
