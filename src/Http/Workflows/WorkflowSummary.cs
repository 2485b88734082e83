using System.Text.Json;
using Polyphony.Core.Definitions;
using Polyphony.Core.Json;

namespace Polyphony.Http.Workflows;

/// <summary>A workflow that can be started.</summary>
internal sealed record WorkflowSummary
{
    /// <summary>Gets the name.</summary>
    public required string Name { get; init; }

    /// <summary>Gets the version.</summary>
    public required int Version { get; init; }

    /// <summary>Gets the description.</summary>
    public string? Description { get; init; }

    /// <summary>Gets the hash of the definition: what instances started now pin.</summary>
    public required string DefinitionHash { get; init; }

    /// <summary>Gets the JSON schema of the input.</summary>
    public JsonElement? Input { get; init; }

    /// <summary>Gets the names of its nodes, in graph order.</summary>
    public required IReadOnlyList<string> Nodes { get; init; }

    /// <summary>Gets where to start it.</summary>
    public required string StartPostUri { get; init; }

    /// <summary>Gets the definition as JSON; left out in lists.</summary>
    public JsonElement? Definition { get; init; }

    internal static WorkflowSummary From(WorkflowDefinition definition, string uri, bool whole) => new()
    {
        Name = definition.Name,
        Version = definition.Version,
        Description = definition.Description,
        DefinitionHash = definition.Hash,
        Input = definition.Input?.Json,
        Nodes = [.. definition.Graph.Order.Select(index => definition.Graph.Nodes[index].Name)],
        StartPostUri = $"{uri}/{definition.Name}/instances",
        Definition = whole ? JsonElement.Parse(definition.CanonicalJson, JsonLimits.Document) : null,
    };
}
