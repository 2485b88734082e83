using Polyphony.Core.Runs;

namespace Polyphony.Core.Nodes.Tools;

/// <summary>Calls a tool, again by the node's retry policy.</summary>
internal sealed class ToolNodeRunner(ActivationContext context, ToolCaller caller) : INodeRunner
{
    public async Task<WorkResult> RunAsync(Activation activation, WorkLimit limit)
    {
        var tool = (ToolNode)activation.Node;
        var scope = await context.Calls.ShrinkAsync(activation.Scope, 0);
        var call = new ToolCall { Scope = scope, Tool = tool.Tool, Arguments = activation.Arguments, Deadline = limit.Deadline };
        var attempts = 0;
        var end = await caller.CallAsync(activation, call, tool.Retry, limit, SendAsync);
        return end.Result switch
        {
            { IsCancelled: true } => WorkResult.Stopped with { Attempts = attempts },
            { Error: { } error } => new WorkResult { Error = error, Attempts = attempts },
            var result => new WorkResult { Output = result.Output, Attempts = attempts, Written = StateChange.Restore(result.Written) },
        };

        async Task<ToolCallResult> SendAsync(ToolCall attempt)
        {
            if (context.IsEnding(limit))
            {
                return new ToolCallResult(null, CallError.Cancelled);
            }

            attempts = attempt.Attempt;
            context.Observer.OnAttempt(activation);
            return await (activation.Gatherer?.CallToolAsync(attempt, RunCalls.SizeOf(scope) + RunCalls.SizeOf(attempt.Approval) + RunCalls.SizeOf(attempt.Verdict), limit.Calls)
                ?? context.Calls.CallToolAsync(attempt, limit.Calls));
        }
    }
}
