using System.Text.Json.Nodes;

namespace Polyphony.Core.Definitions;

public sealed partial class WorkflowBuilder
{
    /// <summary>Adds a node that publishes a message.</summary>
    /// <param name="name">The node's name.</param>
    /// <param name="topic">The topic type.</param>
    /// <param name="source">The source, a template; by default that of the message that the workflow handles.</param>
    /// <param name="data">What is published, a JSON value whose texts are templates.</param>
    /// <param name="messageId">The message's id, a template; by default one that is the same whenever the node is run again.</param>
    /// <param name="configure">Sets what any node may have.</param>
    /// <returns>This builder.</returns>
    public WorkflowBuilder PublishNode(string name, string topic, string? source, JsonNode data, string? messageId = null, Action<NodeBuilder>? configure = null)
    {
        var map = new JsonObject { ["publish"] = topic };
        Put(map, "source", source);
        Put(map, "data", data);
        Put(map, "messageId", messageId);
        return Node(name, map, configure);
    }
}
