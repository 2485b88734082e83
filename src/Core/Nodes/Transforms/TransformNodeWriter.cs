using Polyphony.Core.Definitions.Parsing;

namespace Polyphony.Core.Nodes.Transforms;

/// <summary>Writes a computation in the canonical form.</summary>
internal static class TransformNodeWriter
{
    public static void Write(TransformNode node, CanonicalText text) => text.Value("transform", node.Value);
}
