namespace Polyphony.Core.Definitions;

/// <summary>A tool of a workflow file that runs another workflow: its input are the arguments, and what it gives goes back to the model.</summary>
internal sealed record WorkflowToolDefinition
{
    /// <summary>Gets the name. It has no dot: names with one are of tool servers.</summary>
    public required string Name { get; init; }

    /// <summary>Gets what the tool does, for the model; <see langword="null"/>: what the workflow says of itself.</summary>
    public string? Description { get; init; }

    /// <summary>Gets the other workflow's name.</summary>
    public required string Workflow { get; init; }

    /// <summary>Gets limits that replace those of the other workflow where they are set.</summary>
    public WorkflowLimits? Limits { get; init; }
}
