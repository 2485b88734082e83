using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Parsing;
using Polyphony.Expressions;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Core.Nodes;

/// <summary>Takes the problems of a node that show only when the whole file is read.</summary>
/// <param name="context">What the parts of the parser share.</param>
/// <param name="draft">The node as read.</param>
/// <param name="agents">The agents of the file.</param>
/// <param name="tools">The tools of the file.</param>
internal sealed class NodeCheck(ParseContext context, NodeDraft draft, IReadOnlyDictionary<string, AgentDefinition> agents, IReadOnlyDictionary<string, ToolDefinition> tools)
{
    /// <summary>Gets the agents of the file by name.</summary>
    public IReadOnlyDictionary<string, AgentDefinition> Agents => agents;

    /// <summary>Reports what is wrong with a key.</summary>
    /// <param name="key">The key in the node.</param>
    /// <param name="message">What is wrong.</param>
    /// <param name="hint">What to do.</param>
    public void Invalid(string key, string message, string hint)
    {
        var path = $"{draft.Path}.{key}";
        context.Error("invalid_value", path, context.Locations.GetValueOrDefault(path, draft.Location), message, hint);
    }

    /// <summary>Reports where the arguments of a tool node can't fit a tool of the file. What expressions give is checked in the run.</summary>
    /// <param name="tool">The tool.</param>
    /// <param name="arguments">The arguments.</param>
    public void Arguments(string tool, ValueTemplate arguments)
    {
        switch (tools.GetValueOrDefault(tool))
        {
            case WorkflowToolDefinition run:
                Invalid("tool", $"\"{tool}\" runs a workflow, for agents", $"A node runs it with workflow: {run.Workflow}.");
                return;
            case HumanToolDefinition:
                Invalid("tool", $"\"{tool}\" asks a person, for agents", "A node asks with \"human\".");
                return;
        }

        if (tools.GetValueOrDefault(tool) is not HttpToolDefinition definition || !context.Values.TryGetValue(arguments, out var json))
        {
            return;
        }

        string[] paths = [$"{draft.Path}.arguments", $"{draft.Path}.tool.arguments", $"{draft.Path}.tool", draft.Path];
        var path = Array.Find(paths, context.Locations.ContainsKey) ?? draft.Path;
        foreach (var violation in FixedArguments.Check(definition.Parameters ?? ToolDefinition.NoParameters, json))
        {
            context.Error(
                "invalid_arguments",
                path,
                context.Locations.GetValueOrDefault(path, draft.Location),
                $"the arguments do not fit the tool \"{tool}\": {(violation.Pointer.Length == 0 ? "" : violation.Pointer + ": ")}{ParseContext.Inner(violation.Message)}",
                "Change the arguments, or the tool's \"parameters\".");
        }
    }

    /// <summary>Reports where a value that takes the place of another does not fit the other's schema. One with templates is known only in the run, and is checked there.</summary>
    /// <param name="key">Where the value stands in the node, such as <c>human.onTimeout.value</c>.</param>
    /// <param name="value">The value.</param>
    /// <param name="schema">The schema.</param>
    /// <param name="what">What the value is, for the message.</param>
    public void Default(string key, ValueTemplate value, JsonSchema schema, string what)
    {
        if (!context.Values.TryGetValue(value, out var json) || json.GetRawText().Contains("{{", StringComparison.Ordinal))
        {
            return;
        }

        var path = $"{draft.Path}.{key}";
        path = context.Locations.ContainsKey(path) ? path : draft.Path;
        foreach (var violation in schema.Validate(json))
        {
            context.Error(
                "invalid_default",
                path,
                context.Locations.GetValueOrDefault(path, draft.Location),
                $"{what} does not fit the schema: {(violation.Pointer.Length == 0 ? "" : violation.Pointer + ": ")}{ParseContext.Inner(violation.Message)}",
                "Change the value or the schema.");
        }
    }
}
