using System.Text.Json;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Scenarios.Tests.Nodes.Shouts;

internal sealed class ShoutNodeRunner(ActivationContext context) : INodeRunner
{
    public async Task<WorkResult> RunAsync(Activation activation, WorkLimit limit)
    {
        var node = (ShoutNode)activation.Node;
        var said = await context.Calls.EvaluateAsync(new ExpressionSite(ExpressionSiteKind.Prompt), activation.Scope);
        if (said.Value?.Json?.GetString() is { Length: 0 } && node.Otherwise is not null)
        {
            said = await context.Calls.EvaluateAsync(new ExpressionSite(ExpressionSiteKind.TimeoutValue), activation.Scope);
        }

        return said.Value?.Json?.GetString() is { } text
            ? new WorkResult { Output = Payload.Inline(JsonSerializer.SerializeToElement(string.Join(' ', Enumerable.Repeat(text.ToUpperInvariant() + "!", node.Times)))), Attempts = 1 }
            : new WorkResult { Error = said.Error, Attempts = 1 };
    }
}
