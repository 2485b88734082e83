using Polyphony.Core.Definitions;

namespace Polyphony.Core.Nodes;

/// <summary>A node or a tool that runs another workflow.</summary>
/// <param name="Place">Where it stands in the file: <c>nodes.NAME</c> or <c>tools.NAME</c>.</param>
/// <param name="Workflow">The other workflow's name.</param>
/// <param name="Limits">Limits that replace those of the workflow where they are set.</param>
internal sealed record SubWorkflowUse(string Place, string Workflow, WorkflowLimits? Limits)
{
    /// <summary>Gets a value indicating whether it is a tool: then a model gives the input.</summary>
    public bool IsTool { get; init; }
}
