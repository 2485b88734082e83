using System.Text.Json;
using Polyphony.Core.Json;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Core.Definitions;

/// <summary>A tool that a workflow file describes.</summary>
internal abstract record ToolDefinition
{
    /// <summary>Gets what the arguments of a tool without parameters must fit: there are none.</summary>
    public static JsonSchema NoParameters { get; } = Parse("""{ "type": "object", "properties": {}, "additionalProperties": false }""");

    /// <summary>Gets the name. It has no dot: names with one are of tool servers.</summary>
    public required string Name { get; init; }

    /// <summary>Gets what the tool does, for the model.</summary>
    public string? Description { get; init; }

    private static JsonSchema Parse(string text) =>
        JsonSchema.TryParse(JsonElement.Parse(text, JsonLimits.Document), out var schema, out _) ? schema : throw new InvalidOperationException("The schema of no parameters is a schema.");
}

/// <summary>A tool whose arguments the file describes.</summary>
internal abstract record ParameterToolDefinition : ToolDefinition
{
    /// <summary>Gets what the arguments must fit; <see langword="null"/>: the tool takes none.</summary>
    public JsonSchema? Parameters { get; init; }
}

/// <summary>A tool that runs another workflow: its input are the arguments, and what it gives goes back to the model. Without a description, the workflow's own holds.</summary>
internal sealed record WorkflowToolDefinition : ToolDefinition
{
    /// <summary>Gets the other workflow's name.</summary>
    public required string Workflow { get; init; }

    /// <summary>Gets limits that replace those of the other workflow where they are set.</summary>
    public WorkflowLimits? Limits { get; init; }
}
