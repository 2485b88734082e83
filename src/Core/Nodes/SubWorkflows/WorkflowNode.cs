using Polyphony.Core.Definitions;
using Polyphony.Expressions;

namespace Polyphony.Core.Nodes.SubWorkflows;

/// <summary>Runs another workflow as a child.</summary>
public sealed record WorkflowNode : NodeDefinition
{
    /// <summary>Gets the other workflow's name.</summary>
    public required string Workflow { get; init; }

    /// <summary>Gets its input.</summary>
    public ValueTemplate? Input { get; init; }

    /// <summary>Gets limits that replace those of the other workflow where they are set.</summary>
    public WorkflowLimits? Limits { get; init; }

    internal override NodeKind Kind => WorkflowNodeKind.Instance;
}
