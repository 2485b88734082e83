using Polyphony.Core.Definitions;

namespace Polyphony.Core.Nodes;

/// <summary>A node that runs another workflow.</summary>
/// <param name="Node">The node's name.</param>
/// <param name="Workflow">The other workflow's name.</param>
/// <param name="Limits">Limits that replace those of the other workflow where they are set.</param>
internal sealed record SubWorkflowUse(string Node, string Workflow, WorkflowLimits? Limits);
