using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Parsing;
using Polyphony.Core.Runs;
using Polyphony.Expressions;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Core.Nodes.Agents;

/// <summary>Asks an agent.</summary>
internal sealed class AgentNodeKind : NodeKind
{
    public static readonly AgentNodeKind Instance = new();

    public override string Name => "agent";

    public override IReadOnlyList<string> Keys { get; } = ["prompt", "attach", "output", "maxWait", "onTruncation"];

    public override bool TakesSlot => true;

    public override bool SharesActivities => true;

    public override bool IsDivisible => true;

    public override IReadOnlyList<ExpressionSiteKind> Reads { get; } = [ExpressionSiteKind.Prompt, ExpressionSiteKind.Attachments];

    public override NodeDefinition? Read(string name, MapReader map) => AgentNodeReader.Read(name, map);

    public override void Write(NodeDefinition node, CanonicalText text) => AgentNodeWriter.Write((AgentNode)node, text);

    public override ExpressionType OutputType(NodeDefinition node, IFileTypes types)
    {
        var agent = (AgentNode)node;
        return agent.Output?.ToExpressionType() ?? types.OfAgent(agent.Agent);
    }

    public override JsonSchema? OutputSchema(NodeDefinition node, IReadOnlyDictionary<string, AgentDefinition> agents)
    {
        var agent = (AgentNode)node;
        return agent.Output ?? agents.GetValueOrDefault(agent.Agent)?.Output;
    }

    public override NodeCalls BoundCalls(NodeDefinition node, ProofBuilder proof) => AgentNodeCalls.Bound((AgentNode)node, proof);

    public override object? ExpressionOf(NodeDefinition node, ExpressionSiteKind site) => site == ExpressionSiteKind.Attachments ? ((AgentNode)node).Attach : ((AgentNode)node).Prompt;

    public override string? AgentOf(NodeDefinition node) => ((AgentNode)node).Agent;

    /// <inheritdoc/>
    /// <remarks>A node's output schema is for its own agent, not for one that stands in for it.</remarks>
    public override AgentDefinition Adjust(AgentDefinition agent, NodeDefinition node)
    {
        var at = (AgentNode)node;
        return at.Output is null && at.MaxWait is null && at.OnTruncation is null ? agent : agent with
        {
            Output = at.Agent == agent.Name ? at.Output ?? agent.Output : agent.Output,
            MaxWait = at.MaxWait ?? agent.MaxWait,
            OnTruncation = at.OnTruncation ?? agent.OnTruncation,
        };
    }

    public override string? RoleOf(NodeDefinition node) => "assistant";

    public override INodeRunner CreateRunner(NodeRunnerServices services) => services.Agents;
}
