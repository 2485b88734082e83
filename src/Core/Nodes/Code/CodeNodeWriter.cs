using Polyphony.Core.Definitions.Parsing;

namespace Polyphony.Core.Nodes.Code;

/// <summary>Writes a node that runs a C# function in the canonical form.</summary>
internal static class CodeNodeWriter
{
    public static void Write(CodeNode node, CanonicalText text)
    {
        text.Text("code", node.Function);
        text.Value("input", node.Input);
        text.Texts("workflows", node.Workflows);
    }
}
