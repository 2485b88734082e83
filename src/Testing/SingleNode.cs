using System.Text.Json;
using System.Text.Json.Nodes;
using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Sources;
using Polyphony.Core.Json;

namespace Polyphony.Testing;

/// <summary>
/// Makes a workflow of one node of another, behind nodes that give what those before it would: agents, since what they say are messages that the node's agent may see, and transforms for all others.
/// </summary>
internal static class SingleNode
{
    /// <exception cref="WorkflowInvalidException">The node reads what is not given.</exception>
    public static WorkflowDefinition Of(WorkflowDefinition workflow, string node, IReadOnlyDictionary<string, object?> outputs)
    {
        var root = JsonNode.Parse(workflow.CanonicalJson, documentOptions: JsonLimits.Document)!.AsObject();
        var nodes = root["nodes"]!.AsObject();
        if (nodes[node] is not { } tested)
        {
            throw new ArgumentException($"Workflow \"{workflow.Name}\" has no node \"{node}\". It has {string.Join(", ", nodes.Select(each => each.Key))}.", nameof(node));
        }

        if (outputs.Keys.FirstOrDefault(name => name == node || !nodes.ContainsKey(name)) is { } unknown)
        {
            throw new ArgumentException($"Outputs are those of the nodes before \"{node}\"; workflow \"{workflow.Name}\" has no other node \"{unknown}\".", nameof(outputs));
        }

        var alone = new JsonObject();
        foreach (var (name, value) in outputs)
        {
            alone[name] = nodes[name]!["agent"] is { } agent
                ? new JsonObject { ["agent"] = agent.DeepClone(), ["prompt"] = "(given by the test)", ["output"] = nodes[name]!["output"]?.DeepClone() }
                : new JsonObject { ["transform"] = Literal(JsonSerializer.SerializeToNode(value, JsonSerializerOptions.Web)) };
            if (alone[name]!["output"] is null)
            {
                alone[name]!.AsObject().Remove("output");
            }
        }

        alone[node] = tested.DeepClone();
        root["nodes"] = alone;
        root["edges"] = new JsonArray([.. outputs.Keys.Select(name => JsonValue.Create($"{name} -> {node}"))]);
        root["output"] = $"{{{{ nodes.{node}.output }}}}";
        root.Remove("termination");
        return WorkflowParser.Parse(JsonSource.Read(root.ToJsonString()).Root!, $"{workflow.Name}, node {node}").Require();
    }

    // Texts of nodes are templates: what looks like one is written as the text of one.
    private static JsonNode? Literal(JsonNode? value) => value switch
    {
        JsonObject map => new JsonObject(map.Select(member => KeyValuePair.Create(member.Key, Literal(member.Value)))),
        JsonArray list => new JsonArray([.. list.Select(Literal)]),
        JsonValue text when text.GetValueKind() == JsonValueKind.String => text.GetValue<string>().Replace("{{", "{{ '{{' }}", StringComparison.Ordinal),
        null => null,
        _ => value.DeepClone(),
    };
}
