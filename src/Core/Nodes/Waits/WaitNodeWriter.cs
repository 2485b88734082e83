using Polyphony.Core.Definitions.Parsing;

namespace Polyphony.Core.Nodes.Waits;

/// <summary>Writes a wait in the canonical form.</summary>
internal static class WaitNodeWriter
{
    public static void Write(WaitNode node, CanonicalText text)
    {
        text.Begin("wait");
        text.Time("for", node.For);
        text.Text("until", node.Until?.Text);
        text.Text("event", node.Event);
        text.Json("schema", node.Schema?.Json);
        text.End();
    }
}
