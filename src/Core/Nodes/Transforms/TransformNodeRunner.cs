using Polyphony.Core.Runs;

namespace Polyphony.Core.Nodes.Transforms;

/// <summary>Computes a value.</summary>
internal sealed class TransformNodeRunner(ActivationContext context) : INodeRunner
{
    public async Task<WorkResult> RunAsync(Activation activation, WorkLimit limit)
    {
        var value = await context.Calls.EvaluateAsync(new ExpressionSite(ExpressionSiteKind.Transform), activation.Scope);
        return new WorkResult { Output = value.Value, Error = value.Error, Attempts = 1 };
    }
}
