using System.Text.Json.Nodes;

namespace Polyphony.Core.Definitions;

public sealed partial class WorkflowBuilder
{
    /// <summary>Adds a node that waits for a duration.</summary>
    /// <param name="name">The node's name.</param>
    /// <param name="duration">How long, in whole milliseconds.</param>
    /// <returns>This builder.</returns>
    public WorkflowBuilder WaitNode(string name, TimeSpan duration) => Node(name, new JsonObject { ["wait"] = Duration.Format(duration) }, null);

    /// <summary>Adds a node that waits until a time.</summary>
    /// <param name="name">The node's name.</param>
    /// <param name="time">The time, an RFC 3339 string or a template that evaluates to one.</param>
    /// <returns>This builder.</returns>
    public WorkflowBuilder WaitUntilNode(string name, string time) => Node(name, new JsonObject { ["wait"] = new JsonObject { ["until"] = time } }, null);

    /// <summary>Adds a node that waits for an event.</summary>
    /// <param name="name">The node's name.</param>
    /// <param name="eventName">The event's name.</param>
    /// <param name="schema">The schema of its payload; without one, anything is accepted.</param>
    /// <param name="configure">Sets the optional parts of the node.</param>
    /// <returns>This builder.</returns>
    public WorkflowBuilder WaitEventNode(string name, string eventName, JsonNode? schema = null, Action<NodeBuilder>? configure = null)
    {
        var wait = new JsonObject { ["event"] = eventName };
        Put(wait, "schema", schema);
        return Node(name, new JsonObject { ["wait"] = wait }, configure);
    }
}
