using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Nodes.Tools;

/// <summary>Calls a tool.</summary>
internal sealed class ToolNodeKind : NodeKind
{
    public static readonly ToolNodeKind Instance = new();

    public override string Name => "tool";

    public override bool TakesSlot => true;

    public override bool IsDivisible => true;

    public override IReadOnlyList<ExpressionSiteKind> Reads { get; } = [ExpressionSiteKind.Arguments];

    public override object? ExpressionOf(NodeDefinition node, ExpressionSiteKind site) => ((ToolNode)node).Arguments;

    public override string? RoleOf(NodeDefinition node) => "tool";

    public override INodeRunner CreateRunner(NodeRunnerServices services) => new ToolNodeRunner(services.Context, services.Delays);
}
