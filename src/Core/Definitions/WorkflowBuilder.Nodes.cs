using System.Text.Json.Nodes;

namespace Polyphony.Core.Definitions;

public sealed partial class WorkflowBuilder
{
    /// <summary>Adds a node that runs an agent.</summary>
    /// <param name="name">The node's name.</param>
    /// <param name="agent">The agent's name.</param>
    /// <param name="prompt">The prompt, a template.</param>
    /// <param name="configure">Sets what any node may have.</param>
    /// <returns>This builder.</returns>
    public WorkflowBuilder AgentNode(string name, string agent, string prompt, Action<NodeBuilder>? configure = null) =>
        Node(name, new JsonObject { ["agent"] = agent, ["prompt"] = prompt }, configure);

    /// <summary>Adds a node that calls a tool.</summary>
    /// <param name="name">The node's name.</param>
    /// <param name="tool">The tool's name.</param>
    /// <param name="arguments">The arguments, an object whose texts are templates; none by default.</param>
    /// <param name="configure">Sets what any node may have.</param>
    /// <returns>This builder.</returns>
    public WorkflowBuilder ToolNode(string name, string tool, JsonObject? arguments = null, Action<NodeBuilder>? configure = null)
    {
        var map = new JsonObject { ["tool"] = tool };
        Put(map, "arguments", arguments);
        return Node(name, map, configure);
    }

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

    /// <summary>Adds a node that runs another workflow.</summary>
    /// <param name="name">The node's name.</param>
    /// <param name="workflow">The other workflow's name.</param>
    /// <param name="input">Its input, a JSON value whose texts are templates.</param>
    /// <param name="limits">Limits that replace its own where they are given.</param>
    /// <param name="configure">Sets what any node may have.</param>
    /// <returns>This builder.</returns>
    public WorkflowBuilder WorkflowNode(string name, string workflow, JsonNode? input = null, WorkflowLimits? limits = null, Action<NodeBuilder>? configure = null)
    {
        var map = new JsonObject { ["workflow"] = workflow };
        Put(map, "input", input);
        Put(map, "limits", limits is null ? null : Json(limits));
        return Node(name, map, configure);
    }

    /// <summary>Adds a node that waits for a duration.</summary>
    /// <param name="name">The node's name.</param>
    /// <param name="duration">How long, in whole milliseconds.</param>
    /// <returns>This builder.</returns>
    public WorkflowBuilder WaitNode(string name, TimeSpan duration) => Node(name, new JsonObject { ["wait"] = Duration.Format(duration) }, null);

    /// <summary>Adds a node that waits until a time.</summary>
    /// <param name="name">The node's name.</param>
    /// <param name="time">The time, an RFC 3339 text or a template that gives one.</param>
    /// <returns>This builder.</returns>
    public WorkflowBuilder WaitUntilNode(string name, string time) => Node(name, new JsonObject { ["wait"] = new JsonObject { ["until"] = time } }, null);

    /// <summary>Adds a node that waits for an event.</summary>
    /// <param name="name">The node's name.</param>
    /// <param name="eventName">The event's name.</param>
    /// <param name="schema">The schema of its payload; without one, anything is accepted.</param>
    /// <param name="configure">Sets what any node may have.</param>
    /// <returns>This builder.</returns>
    public WorkflowBuilder WaitEventNode(string name, string eventName, JsonNode? schema = null, Action<NodeBuilder>? configure = null)
    {
        var wait = new JsonObject { ["event"] = eventName };
        Put(wait, "schema", schema);
        return Node(name, new JsonObject { ["wait"] = wait }, configure);
    }

    /// <summary>Adds a node that computes a value.</summary>
    /// <param name="name">The node's name.</param>
    /// <param name="value">The value, JSON whose texts are templates.</param>
    /// <param name="configure">Sets what any node may have.</param>
    /// <returns>This builder.</returns>
    public WorkflowBuilder TransformNode(string name, JsonNode? value, Action<NodeBuilder>? configure = null) =>
        Node(name, new JsonObject { ["transform"] = value?.DeepClone() }, configure);

    private WorkflowBuilder Node(string name, JsonObject map, Action<NodeBuilder>? configure)
    {
        configure?.Invoke(new NodeBuilder(map));
        _nodes.Add((name, map));
        return this;
    }
}
