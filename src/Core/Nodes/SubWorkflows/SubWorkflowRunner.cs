using System.Text.Json;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Nodes.SubWorkflows;

/// <summary>Runs other workflows as children: for a node, or for a tool call.</summary>
internal sealed class SubWorkflowRunner(ActivationContext context, RetryDelays delays, ChildRuns children)
{
    public async Task<WorkResult> RunAsync(Activation activation, SubWorkflowRun node, WorkLimit limit)
    {
        if (context.SubWorkflows?.Find(node.Workflow) is not { } workflow)
        {
            return WorkResult.Failed(ErrorCodes.WorkflowFailed, $"Workflow \"{node.Workflow}\" was not pinned when the instance started.");
        }

        // A start refuses what runs itself; this holds whatever was pinned before, and on every engine.
        if (context.SubWorkflows.Depth >= DurableLimits.MaxDepth)
        {
            return WorkResult.Failed(ErrorCodes.WorkflowFailed, $"Workflow \"{node.Workflow}\" would be more than {DurableLimits.MaxDepth} levels below the one that was started. Let the parts run side by side.");
        }

        return await RunAsync(activation, node, workflow, limit);
    }

    private async Task<WorkResult> RunAsync(Activation activation, SubWorkflowRun node, WorkflowDefinition workflow, WorkLimit limit)
    {
        var usage = Usage.None;
        var calls = context.Budget.LimitsCalls ? MostCallsOf(node, workflow) : 0;
        for (var attempt = 1; ; attempt++)
        {
            await context.Budget.WaitForCallsAsync(calls, limit.Ending);
            if (context.IsEnding(limit))
            {
                return WorkResult.Stopped;
            }

            if (context.Budget.Reached is { } reached)
            {
                context.Stop.RequestAtLimit(reached);
                return WorkResult.Stopped;
            }

            if (node.Call is null)
            {
                context.Observer.OnAttempt(activation);
            }

            var share = context.Budget.Reserve(calls, 1);
            var result = await RunChildAsync(activation, node, workflow, share.Limits, attempt, limit);
            context.Budget.Settle(share, result.Usage.ModelCalls, result.Usage);
            context.Stop.StopOthersAtLimit(context.Budget);
            usage += result.Usage;
            if (result.StopReason == StopReason.Completed)
            {
                if (context.Publications.Take(result.Published) is { } refused)
                {
                    return new WorkResult { Error = refused, Attempts = attempt, Usage = usage };
                }

                return new WorkResult { Output = result.Output, Attempts = attempt, Usage = usage };
            }

            if (context.IsEnding(limit))
            {
                return WorkResult.Stopped with { Attempts = attempt, Usage = usage };
            }

            var error = new CallError(
                ErrorCodes.WorkflowFailed,
                $"Workflow \"{node.Workflow}\" ended with \"{StopReasons.Name(result.StopReason)}\"{(result.Error is { } inner ? $": {inner.Message}" : ".")}",
                ErrorKind.Transient);
            if (node.Retry is null || attempt >= node.Retry.MaxAttempts || !await delays.WaitAsync(activation, node.Retry, attempt, error, limit.Ending))
            {
                // The child's work is not lost: its output so far comes with the error.
                return new WorkResult { Output = result.Output, Error = error with { Kind = ErrorKind.Terminal }, Attempts = attempt, Usage = usage };
            }
        }
    }

    /// <summary>Finds how many model calls a sub-workflow can make at most: what is set aside for it while it runs.</summary>
    private int MostCallsOf(SubWorkflowRun node, WorkflowDefinition workflow)
    {
        var own = node.Limits?.MaxModelCalls ?? workflow.Limits.MaxModelCalls ?? int.MaxValue;
        var proof = WorkflowProof.Of(workflow, context.SubWorkflows);

        // A host's settings may give a model fallbacks, which the definition does not know.
        return proof.ModelCalls.MayExceed(own) || proof.UnknownModels.Count > 0 ? own : (int)proof.ModelCalls.Constant;
    }

    private async Task<WorkflowResult> RunChildAsync(
        Activation activation, SubWorkflowRun node, WorkflowDefinition workflow, RunLimits share, int attempt, WorkLimit limit)
    {
        var own = node.Limits;
        var inner = workflow.Limits;
        var run = new WorkflowInput
        {
            Workflow = node.Workflow,
            DefinitionHash = workflow.Hash,
            SubWorkflows = context.SubWorkflows!.Hashes,
            Input = node.Input,
            RootInstanceId = context.Calls.RootInstanceId,
            RootWorkflow = context.Calls.RootWorkflow,
            LogicalId = node.Call is { } call ? $"{activation.Scope.InstanceId}/{call.QuestionId}" : $"{activation.Scope.InstanceId}/{activation.Id}",
            Depth = context.SubWorkflows.Depth + 1,
            Rewinds = context.Rewinds + attempt - 1,
            Trace = activation.Scope.Trace,
            HoldsPublications = context.Publications.AreHeld,
            HoldsLock = activation.HoldsLock || context.Locks?.AreHeldAbove == true,
            Limits = new RunLimits(
                own is { IsMaxConcurrencyGiven: true } ? own.MaxConcurrency : null,
                Least(own?.MaxModelCalls ?? inner.MaxModelCalls, share.MaxModelCalls),
                Least(own?.MaxTokens ?? inner.MaxTokens, share.MaxTokens),
                Least(own?.MaxCostUsd ?? inner.MaxCostUsd, share.MaxCostUsd),
                (long?)own?.Timeout?.TotalMilliseconds),
        };
        var childId = node.Call is { } made ? children.IdOf(made) : children.IdOf(activation, attempt);
        using var stopping = children.StopWith(childId, limit.Calls);
        try
        {
            var json = await context.Calls.CallChildAsync(
                TaskNames.WorkflowOrchestration, childId, JsonSerializer.Serialize(run, CoreJsonContext.Default.WorkflowInput));
            return JsonSerializer.Deserialize(json!, CoreJsonContext.Default.WorkflowResult)!;
        }
        catch (TaskFailedException failed)
        {
            return new WorkflowResult
            {
                StopReason = StopReason.Failed,
                Error = new WorkflowError(null, failed.FailureDetails.ErrorType, failed.FailureDetails.ErrorMessage),
            };
        }

        static T? Least<T>(T? a, T? b)
            where T : struct, IComparable<T> => a is null ? b : b is null || a.Value.CompareTo(b.Value) <= 0 ? a : b;
    }
}

/// <summary>What a child runs.</summary>
/// <param name="Workflow">The workflow's name.</param>
/// <param name="Limits">Limits that replace those of the workflow where they are set.</param>
/// <param name="Input">Its input.</param>
internal sealed record SubWorkflowRun(string Workflow, WorkflowLimits? Limits, Payload? Input)
{
    /// <summary>Gets how often it is run again when it fails; <see langword="null"/>: not at all.</summary>
    public RetryDefinition? Retry { get; init; }

    /// <summary>Gets the tool call that runs it; <see langword="null"/>: the node itself does.</summary>
    public ToolCall? Call { get; init; }
}
