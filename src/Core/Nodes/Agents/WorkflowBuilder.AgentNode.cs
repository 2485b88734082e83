using System.Text.Json.Nodes;

namespace Polyphony.Core.Definitions;

public sealed partial class WorkflowBuilder
{
    /// <summary>Adds a node that runs an agent.</summary>
    /// <param name="name">The node's name.</param>
    /// <param name="agent">The agent's name.</param>
    /// <param name="prompt">The prompt, a template.</param>
    /// <param name="configure">Sets the optional parts of the node.</param>
    /// <returns>This builder.</returns>
    public WorkflowBuilder AgentNode(string name, string agent, string prompt, Action<NodeBuilder>? configure = null) =>
        Node(name, new JsonObject { ["agent"] = agent, ["prompt"] = prompt }, configure);
}
