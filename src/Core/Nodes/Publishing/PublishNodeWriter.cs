using Polyphony.Core.Definitions.Parsing;

namespace Polyphony.Core.Nodes.Publishing;

/// <summary>Writes a node that publishes a message in the canonical form.</summary>
internal static class PublishNodeWriter
{
    public static void Write(PublishNode node, CanonicalText text)
    {
        text.Text("publish", node.Topic);
        text.Members(node.Message);
    }
}
