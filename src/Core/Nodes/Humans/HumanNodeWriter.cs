using Polyphony.Core.Definitions.Parsing;

namespace Polyphony.Core.Nodes.Humans;

/// <summary>Writes a question to a person in the canonical form.</summary>
internal static class HumanNodeWriter
{
    public static void Write(HumanNode node, CanonicalText text)
    {
        text.Begin("human");
        text.Text("prompt", node.Prompt.Text);
        text.Json("schema", node.Schema?.Json);
        if (node.OnTimeout.Kind != HumanTimeoutKind.Fail)
        {
            // The timeout stands with the node; what follows it needs one there.
            text.Begin("onTimeout");
            text.Value("value", node.OnTimeout.Value);
            text.Text("escalate", node.OnTimeout.Escalation?.Text);
            text.Time("timeout", node.OnTimeout.EscalationTimeout);
            text.End();
        }

        text.Text("rejectWhen", node.RejectWhen?.Text);
        text.End();
    }
}
