using System.Text.Json.Nodes;

namespace Polyphony.Core.Definitions;

public sealed partial class WorkflowBuilder
{
    /// <summary>Adds a node that lets several agents talk. By default they take turns in order.</summary>
    /// <param name="name">The node's name.</param>
    /// <param name="members">The agents' names, in order.</param>
    /// <param name="prompt">The task, a template.</param>
    /// <param name="configure">Sets the rest.</param>
    /// <returns>This builder.</returns>
    public WorkflowBuilder TeamNode(string name, IEnumerable<string> members, string prompt, Action<TeamNodeBuilder>? configure = null)
    {
        var map = new JsonObject { ["team"] = Texts(members), ["prompt"] = prompt };
        configure?.Invoke(new TeamNodeBuilder(map));
        return Node(name, map, null);
    }
}
