using System.Text.Json;
using Polyphony.Expressions;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Core.Definitions.Parsing;

/// <summary>Finds out from the schemas how long a list can be.</summary>
internal static class ListLimits
{
    /// <summary>Gets the maximum number of items that a <c>forEach</c> can have.</summary>
    /// <param name="input">The schema of the workflow's input.</param>
    /// <param name="agents">The agents.</param>
    /// <param name="nodes">The nodes by name.</param>
    /// <param name="list">The template that gives the list.</param>
    /// <returns>The number, or <see langword="null"/> if the schemas don't say.</returns>
    public static int? MaxItems(JsonSchema? input, IReadOnlyDictionary<string, AgentDefinition> agents, IReadOnlyDictionary<string, NodeDefinition> nodes, Template list)
    {
        if (!IsPassedOn(list))
        {
            return null;
        }

        var path = list.References[0].Path;
        if (path[0] == "input")
        {
            return MaxItems(input?.Json, path.Skip(1));
        }

        if (!IsOutput(path) || !nodes.TryGetValue(path[1], out var node) || node.OnError.Kind is ErrorPolicyKind.Value or ErrorPolicyKind.Agent)
        {
            return null;
        }

        if (node.ForEach is not null)
        {
            return path.Count == 3 ? MaxItems(input, agents, nodes.Where(other => other.Key != node.Name).ToDictionary(StringComparer.Ordinal), node.ForEach) : null;
        }

        return MaxItems(node.Kind.OutputSchema(node, agents)?.Json, path.Skip(3));
    }

    /// <summary>Gets whether a list is passed on unchanged: <c>{{ input.items }}</c>, <c>{{ nodes.plan.output.questions }}</c>.</summary>
    private static bool IsPassedOn(Template list) => list.References.Count == 1
        && list.Text.Replace("{{", "", StringComparison.Ordinal).Replace("}}", "", StringComparison.Ordinal).Trim() == list.References[0].ToString();

    private static bool IsOutput(IReadOnlyList<string> path) => path.Count >= 3 && path[0] == "nodes" && path[2] == "output";

    private static int? MaxItems(JsonElement? schema, IEnumerable<string> members)
    {
        foreach (var member in members)
        {
            if (schema is not { ValueKind: JsonValueKind.Object } map || !map.TryGetProperty("properties", out var properties)
                || properties.ValueKind != JsonValueKind.Object || !properties.TryGetProperty(member, out var next))
            {
                return null;
            }

            schema = next;
        }

        return schema is { ValueKind: JsonValueKind.Object } list && list.TryGetProperty("maxItems", out var most) && most.TryGetInt32(out var count) ? count : null;
    }
}
