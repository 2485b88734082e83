using System.Text.Json.Nodes;

namespace Polyphony.Core.Definitions;

public sealed partial class WorkflowBuilder
{
    /// <summary>Adds a node that computes a value.</summary>
    /// <param name="name">The node's name.</param>
    /// <param name="value">The value, JSON whose strings are templates.</param>
    /// <param name="configure">Sets the optional parts of the node.</param>
    /// <returns>This builder.</returns>
    public WorkflowBuilder TransformNode(string name, JsonNode? value, Action<NodeBuilder>? configure = null) =>
        Node(name, new JsonObject { ["transform"] = value?.DeepClone() }, configure);
}
