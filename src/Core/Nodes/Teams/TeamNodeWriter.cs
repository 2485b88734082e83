using Polyphony.Core.Definitions.Parsing;

namespace Polyphony.Core.Nodes.Teams;

/// <summary>Writes a team in the canonical form.</summary>
internal static class TeamNodeWriter
{
    public static void Write(TeamNode node, CanonicalText text)
    {
        text.Texts("team", node.Members);
        text.Text("prompt", node.Prompt.Text);
        text.Text("speaker", node.Speaker switch
        {
            SpeakerPolicy.Selector => "selector",
            SpeakerPolicy.Handoff => "handoff",
            SpeakerPolicy.Planner => "planner",
            _ => null,
        });
        text.Text("manager", node.Manager);
        text.Flag("allowRepeat", node.AllowRepeat ? true : null);
        text.Text("person", node.Person);
        text.Number("maxTurns", node.MaxTurns == TeamNode.DefaultMaxTurns ? null : node.MaxTurns);
        text.Number("maxStalls", node.MaxStalls == TeamNode.DefaultMaxStalls ? null : node.MaxStalls);
        text.Number("maxReplans", node.MaxReplans == TeamNode.DefaultMaxReplans ? null : node.MaxReplans);
        text.Termination("termination", node.Termination);
        text.Compaction(node.Compact);
    }
}
