using Polyphony.Core.Definitions.Parsing;

namespace Polyphony.Core.Nodes.SubWorkflows;

/// <summary>Writes a node that runs another workflow in the canonical form.</summary>
internal static class WorkflowNodeWriter
{
    public static void Write(WorkflowNode node, CanonicalText text)
    {
        text.Text("workflow", node.Workflow);
        text.Value("input", node.Input);
        text.Limits(node.Limits);
    }
}
