using Polyphony.Core.Runs;

namespace Polyphony.Core.Nodes.Tools;

/// <summary>Calls a tool, again by the node's retry policy.</summary>
internal sealed class ToolNodeRunner(ActivationContext context, RetryDelays delays) : INodeRunner
{
    public async Task<WorkResult> RunAsync(Activation activation, WorkLimit limit)
    {
        var tool = (ToolNode)activation.Node;
        var scope = await context.Calls.ShrinkAsync(activation.Scope, 0);
        var policy = tool.Retry ?? RetryDelays.Default;
        for (var attempt = 1; ; attempt++)
        {
            if (context.IsEnding(limit))
            {
                return WorkResult.Stopped;
            }

            context.Observer.OnAttempt(activation);
            var call = new ToolCall { Scope = scope, Tool = tool.Tool, Arguments = activation.Arguments, Attempt = attempt, Deadline = limit.Deadline };
            var result = await (activation.Gatherer?.CallToolAsync(call, RunCalls.SizeOf(scope), limit.Calls) ?? context.Calls.CallToolAsync(call, limit.Calls));
            if (result.IsCancelled)
            {
                return WorkResult.Stopped with { Attempts = attempt };
            }

            if (result.Error is not { } error)
            {
                return new WorkResult { Output = result.Output, Attempts = attempt };
            }

            if (!RetryDelays.MayRetry(error, attempt, policy, isExplicit: tool.Retry is not null) || !await delays.WaitAsync(activation, policy, attempt, error, limit.Ending))
            {
                return new WorkResult { Error = error, Attempts = attempt };
            }
        }
    }
}
