using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Nodes.Agents;

/// <summary>Asks an agent.</summary>
internal sealed class AgentNodeKind : NodeKind
{
    public static readonly AgentNodeKind Instance = new();

    public override string Name => "agent";

    public override bool TakesSlot => true;

    public override bool IsDivisible => true;

    public override IReadOnlyList<ExpressionSiteKind> Reads { get; } = [ExpressionSiteKind.Prompt];

    public override object? ExpressionOf(NodeDefinition node, ExpressionSiteKind site) => ((AgentNode)node).Prompt;

    public override string? AgentOf(NodeDefinition node) => ((AgentNode)node).Agent;

    public override string? RoleOf(NodeDefinition node) => "assistant";

    public override INodeRunner CreateRunner(NodeRunnerServices services) => services.Agents;
}
