using Polyphony.Core.Definitions.Parsing;

namespace Polyphony.Core.Nodes.Tools;

/// <summary>Writes a tool node in the canonical form.</summary>
internal static class ToolNodeWriter
{
    public static void Write(ToolNode node, CanonicalText text)
    {
        text.Text("tool", node.Tool);
        text.Value("arguments", node.Arguments);
        ToolRulesReader.Write(node.Rules, text);
    }
}
