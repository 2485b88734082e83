using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Parsing;
using Polyphony.Core.Runs;
using Polyphony.Expressions;

namespace Polyphony.Core.Nodes.SubWorkflows;

/// <summary>Runs another workflow as a child.</summary>
internal sealed class WorkflowNodeKind : NodeKind
{
    public static readonly WorkflowNodeKind Instance = new();

    public override string Name => "workflow";

    public override IReadOnlyList<string> Keys { get; } = ["input", "limits"];

    public override bool TakesSlot => true;

    public override bool MayTakeLong => true;

    public override IReadOnlyList<ExpressionSiteKind> Reads { get; } = [ExpressionSiteKind.WorkflowInput];

    public override NodeDefinition? Read(string name, MapReader map) => WorkflowNodeReader.Read(name, map);

    public override void Write(NodeDefinition node, CanonicalText text) => WorkflowNodeWriter.Write((WorkflowNode)node, text);

    public override ExpressionType OutputType(NodeDefinition node, IFileTypes types) => ExpressionType.Any;

    public override NodeCalls BoundCalls(NodeDefinition node, ProofBuilder proof)
    {
        var (use, attempts) = (UseOf((WorkflowNode)node), node.Retry?.MaxAttempts ?? 1);
        if (proof.ProofOf(use.Workflow) is not var (other, inner))
        {
            var unknown = CallBound.Of(1).Per($"call in each run of workflow \"{use.Workflow}\"");
            return new NodeCalls(unknown, unknown, [$"calls of {use.Workflow}"]);
        }

        var calls = (use.Limits?.MaxModelCalls ?? other.Limits.MaxModelCalls) is { } limit && inner.ModelCalls.MayExceed(limit) ? CallBound.Of(limit) : inner.ModelCalls;
        var factor = $"{calls} calls of {use.Workflow}";
        return new NodeCalls(calls.Times(attempts), inner.WithoutRetries, attempts > 1 ? [factor, ProofBuilder.Count(attempts, "attempt")] : [factor]);
    }

    public override object? ExpressionOf(NodeDefinition node, ExpressionSiteKind site) => ((WorkflowNode)node).Input;

    public override IEnumerable<SubWorkflowUse> SubWorkflowsOf(NodeDefinition node) => [UseOf((WorkflowNode)node)];

    private static SubWorkflowUse UseOf(WorkflowNode node) => new(node.Name, node.Workflow, node.Limits);

    public override string? RoleOf(NodeDefinition node) => "assistant";

    public override INodeRunner CreateRunner(NodeRunnerServices services) => new WorkflowNodeRunner(services.Context, services.Delays, services.Children);
}
