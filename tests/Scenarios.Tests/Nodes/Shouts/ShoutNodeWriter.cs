using Polyphony.Core.Definitions.Parsing;

namespace Polyphony.Scenarios.Tests.Nodes.Shouts;

internal static class ShoutNodeWriter
{
    public static void Write(ShoutNode node, CanonicalText text)
    {
        text.Text("shout", node.Text.Text);
        text.Number("times", node.Times == 1 ? null : node.Times);
        text.Value("otherwise", node.Otherwise);
    }
}
