using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Parsing;
using Polyphony.Core.Nodes.Agents;

namespace Polyphony.Core.Nodes.Teams;

/// <summary>Bounds the model calls of a team: every turn may be that of the member that makes most calls.</summary>
internal static class TeamNodeCalls
{
    public static NodeCalls Bound(TeamNode team, ProofBuilder proof)
    {
        var turns = MostTurnsOf(team);
        var members = team.Members.Select(member => AgentNodeCalls.Of(member, team, proof)).ToArray();
        var most = members.MaxBy(calls => calls.ModelCalls.Constant)!;
        var plain = members.MaxBy(calls => calls.WithoutRetries.Constant)!;
        var calls = most.ModelCalls.Times(turns);
        var without = plain.WithoutRetries.Times(turns);
        var factors = $"{ProofBuilder.Count(turns, "turn")} of {most.ModelCalls} calls";
        if (team.Manager is { } manager)
        {
            // A planner is asked once more at the end, and once for each new plan.
            var asked = turns + (team.Speaker == SpeakerPolicy.Planner ? 1 + team.MaxReplans : 0);
            var managing = AgentNodeCalls.Of(manager, team, proof);
            calls += managing.ModelCalls.Times(asked);
            without += managing.WithoutRetries.Times(asked);
            factors += $", and {asked:N0} times {managing.ModelCalls} by {manager}";
        }

        if (team.Compact is { } compact)
        {
            // Before each call of a member or a manager but the first.
            var summaries = AgentNodeCalls.Of(compact.Agent, team, proof);
            calls += summaries.ModelCalls.Times(turns);
            without += summaries.WithoutRetries.Times(turns);
            factors += $", and up to {turns:N0} summaries of {summaries.ModelCalls} calls";
        }

        return new NodeCalls(calls, without, [factors]);
    }

    // Each message but a manager's is a turn's, so that a limit of messages at the top is one of turns.
    private static int MostTurnsOf(TeamNode team) => team.Termination switch
    {
        MaxMessagesTermination max => Math.Min(team.MaxTurns, max.Count),
        AnyTermination any when any.Conditions.OfType<MaxMessagesTermination>().ToArray() is { Length: > 0 } limits => Math.Min(team.MaxTurns, limits.Min(limit => limit.Count)),
        _ => team.MaxTurns,
    };
}
