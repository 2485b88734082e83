using Polyphony.Core.Definitions.Parsing;

namespace Polyphony.Core.Nodes.Agents;

/// <summary>Writes an agent node in the canonical form.</summary>
internal static class AgentNodeWriter
{
    public static void Write(AgentNode node, CanonicalText text)
    {
        text.Text("agent", node.Agent);
        text.Text("prompt", node.Prompt.Text);
        text.Value("attach", node.Attach);
        text.Json("output", node.Output?.Json);
        text.Time("maxWait", node.MaxWait);
        text.Truncation(node.OnTruncation);
    }
}
