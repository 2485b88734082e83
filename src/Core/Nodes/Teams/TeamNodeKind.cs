using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Parsing;
using Polyphony.Core.Runs;
using Polyphony.Expressions;

namespace Polyphony.Core.Nodes.Teams;

/// <summary>Lets several agents talk. Their turns take slots and count against the limit of model calls, not the team itself.</summary>
internal sealed class TeamNodeKind : NodeKind
{
    public static readonly TeamNodeKind Instance = new();

    public override string Name => "team";

    public override IReadOnlyList<string> Keys { get; } = ["prompt", "speaker", "manager", "allowRepeat", "person", "maxTurns", "maxStalls", "maxReplans", "termination", "compact"];

    public override bool TakesLock => true;

    public override bool MayTakeLong => true;

    public override IReadOnlyList<ExpressionSiteKind> Reads { get; } = [ExpressionSiteKind.Prompt, ExpressionSiteKind.TeamTermination];

    public override NodeDefinition? Read(string name, MapReader map) => new TeamNodeReader(name, map).Read();

    public override void Write(NodeDefinition node, CanonicalText text) => TeamNodeWriter.Write((TeamNode)node, text);

    public override void Check(NodeDefinition node, NodeCheck check)
    {
        var team = (TeamNode)node;
        foreach (var member in team.Speaker == SpeakerPolicy.Handoff ? team.Members : [])
        {
            if (check.Agents.GetValueOrDefault(member)?.Tools.Contains(HandoffTool.Name) == true)
            {
                check.Invalid("team", $"the agent \"{member}\" has a tool \"{HandoffTool.Name}\" of its own, by which members hand off", "Give the tool another name.");
            }
        }
    }

    public override ExpressionType OutputType(NodeDefinition node, IFileTypes types) => Map(
        ("stopReason", ExpressionType.String),
        ("turns", ExpressionType.Int),
        ("handoff", ExpressionType.Union(ExpressionType.String, ExpressionType.Null)),
        ("last", ExpressionType.Any),
        ("messages", ExpressionType.ListOf(Map(("agent", ExpressionType.Union(ExpressionType.String, ExpressionType.Null)), ("role", ExpressionType.String), ("content", ExpressionType.Any)))));

    public override NodeCalls BoundCalls(NodeDefinition node, ProofBuilder proof) => TeamNodeCalls.Bound((TeamNode)node, proof);

    public override object? ExpressionOf(NodeDefinition node, ExpressionSiteKind site) => ((TeamNode)node).Prompt;

    public override TerminationCondition? TerminationOf(NodeDefinition node) => ((TeamNode)node).Termination;

    /// <inheritdoc/>
    /// <remarks>A manager's answers say who is next, whatever it answers elsewhere.</remarks>
    public override AgentDefinition Adjust(AgentDefinition agent, NodeDefinition node) =>
        agent.Name == ((TeamNode)node).Manager ? agent with { Output = ((TeamNode)node).ManagerAnswer } : agent;

    public override IEnumerable<string> AgentsOf(NodeDefinition node, IEnumerable<string> all)
    {
        var team = (TeamNode)node;
        return [.. team.Members, .. new[] { team.Manager, team.Compact?.Agent }.OfType<string>().Distinct(StringComparer.Ordinal)];
    }

    public override string? RoleOf(NodeDefinition node) => "assistant";

    /// <summary>The task is what a conversation begins with; a manager is asked something about it.</summary>
    public override bool BeginsWithPrompt(NodeDefinition node, string agent) => ((TeamNode)node).Members.Contains(agent);

    public override HandoffOffer? HandoffOf(NodeDefinition node, string agent, IReadOnlyDictionary<string, AgentDefinition> agents)
    {
        var team = (TeamNode)node;
        return team.HandoffsOf(agent) is { Count: > 0 } targets ? new HandoffOffer(HandoffTool.Describe(team, agent, agents), HandoffTool.Parameters(targets)) : null;
    }

    public override INodeRunner CreateRunner(NodeRunnerServices services) => new TeamNodeRunner(services.Context);

    private static ExpressionType Map(params (string Name, ExpressionType Type)[] members) =>
        ExpressionType.Object(members.ToDictionary(member => member.Name, member => member.Type, StringComparer.Ordinal));
}
