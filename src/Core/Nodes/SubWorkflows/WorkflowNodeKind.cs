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
        var attempts = node.Retry?.MaxAttempts ?? 1;
        var once = CallsOf(UseOf((WorkflowNode)node), proof);
        return attempts > 1 ? new NodeCalls(once.ModelCalls.Times(attempts), once.WithoutRetries, [.. once.Factors, ProofBuilder.Count(attempts, "attempt")]) : once;
    }

    /// <summary>Bounds the model calls of one run of another workflow.</summary>
    public static NodeCalls CallsOf(SubWorkflowUse use, ProofBuilder proof)
    {
        if (proof.ProofOf(use.Workflow) is not var (other, inner))
        {
            var unknown = CallBound.Of(1).Per($"call in each run of workflow \"{use.Workflow}\"");
            return new NodeCalls(unknown, unknown, [$"calls of {use.Workflow}"]);
        }

        var calls = (use.Limits?.MaxModelCalls ?? other.Limits.MaxModelCalls) is { } limit && inner.ModelCalls.MayExceed(limit) ? CallBound.Of(limit) : inner.ModelCalls;
        return new NodeCalls(calls, inner.WithoutRetries, [$"{calls} calls of {use.Workflow}"]);
    }

    public override object? ExpressionOf(NodeDefinition node, ExpressionSiteKind site) => ((WorkflowNode)node).Input;

    public override IEnumerable<SubWorkflowUse> SubWorkflowsOf(NodeDefinition node) => [UseOf((WorkflowNode)node)];

    private static SubWorkflowUse UseOf(WorkflowNode node) => new($"nodes.{node.Name}", node.Workflow, node.Limits);

    public override string? RoleOf(NodeDefinition node) => "assistant";

    public override INodeRunner CreateRunner(NodeRunnerServices services) => new WorkflowNodeRunner(services.Context, services.SubWorkflows);
}
