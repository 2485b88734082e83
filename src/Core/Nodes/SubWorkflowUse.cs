using Polyphony.Core.Definitions;

namespace Polyphony.Core.Nodes;

/// <summary>A node that runs another workflow.</summary>
/// <param name="Node">The node's name.</param>
/// <param name="Workflow">The other workflow's name.</param>
/// <param name="Limits">Limits that replace the other workflow's own where they are given.</param>
internal sealed record SubWorkflowUse(string Node, string Workflow, WorkflowLimits? Limits);
