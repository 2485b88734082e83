using Polyphony.Core.Runs;

namespace Polyphony.Core.Nodes.SubWorkflows;

/// <summary>Runs another workflow as a node.</summary>
internal sealed class WorkflowNodeRunner(ActivationContext context, SubWorkflowRunner runner) : INodeRunner
{
    public async Task<WorkResult> RunAsync(Activation activation, WorkLimit limit)
    {
        var node = (WorkflowNode)activation.Node;
        var input = activation.Arguments is { } given ? new EvaluateResult(given) : node.Input is null ? new EvaluateResult(null) : await context.Calls.EvaluateAsync(new ExpressionSite(ExpressionSiteKind.WorkflowInput), activation.Scope);
        return input.Error is null
            ? await runner.RunAsync(activation, new SubWorkflowRun(node.Workflow, node.Limits, input.Value) { Retry = node.Retry }, limit)
            : new WorkResult { Error = input.Error, Attempts = 1 };
    }
}
