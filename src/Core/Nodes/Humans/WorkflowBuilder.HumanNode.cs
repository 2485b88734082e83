using System.Text.Json.Nodes;

namespace Polyphony.Core.Definitions;

public sealed partial class WorkflowBuilder
{
    /// <summary>Adds a node that asks a person.</summary>
    /// <param name="name">The node's name.</param>
    /// <param name="prompt">The question, a template.</param>
    /// <param name="configure">Sets the rest.</param>
    /// <returns>This builder.</returns>
    public WorkflowBuilder HumanNode(string name, string prompt, Action<HumanNodeBuilder>? configure = null)
    {
        var human = new JsonObject { ["prompt"] = prompt };
        var map = new JsonObject { ["human"] = human };
        configure?.Invoke(new HumanNodeBuilder(map, human));
        return Node(name, map, null);
    }
}
