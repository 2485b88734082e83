using Polyphony.Core.Definitions.Parsing;

namespace Polyphony.Core.Nodes.Routers;

/// <summary>Writes a router in the canonical form.</summary>
internal static class RouterNodeWriter
{
    public static void Write(RouterNode node, CanonicalText text)
    {
        text.Text("router", node.Agent);
        text.Text("prompt", node.Prompt.Text);
        text.Begin("to");
        foreach (var route in node.Routes)
        {
            text.Text(route.Node, route.About ?? "");
        }

        text.End();
        text.Text("fallback", node.Fallback);
        text.Number("atMost", node.AtMost == 1 ? null : node.AtMost);
    }
}
