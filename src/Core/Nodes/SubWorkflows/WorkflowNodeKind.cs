using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Nodes.SubWorkflows;

/// <summary>Runs another workflow as a child.</summary>
internal sealed class WorkflowNodeKind : NodeKind
{
    public static readonly WorkflowNodeKind Instance = new();

    public override string Name => "workflow";

    public override bool TakesSlot => true;

    public override bool MayTakeLong => true;

    public override IReadOnlyList<ExpressionSiteKind> Reads { get; } = [ExpressionSiteKind.WorkflowInput];

    public override object? ExpressionOf(NodeDefinition node, ExpressionSiteKind site) => ((WorkflowNode)node).Input;

    public override string? RoleOf(NodeDefinition node) => "assistant";

    public override INodeRunner CreateRunner(NodeRunnerServices services) => new WorkflowNodeRunner(services.Context, services.Delays, services.Children);
}
