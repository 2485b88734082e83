using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;
using Polyphony.Core.Workflows;

namespace Polyphony.Core.Interpreter;

/// <content>Sub-workflows and other children.</content>
internal sealed partial class ActivationRunner
{
    private async Task<WorkResult> RunWorkflowAsync(Activation activation, WorkflowNode node, WorkLimit limit)
    {
        if (subWorkflows?.Find(node.Workflow) is not { } workflow)
        {
            return WorkResult.Failed(ErrorCodes.WorkflowFailed, $"Workflow \"{node.Workflow}\" was not pinned when the instance started.");
        }

        // A start refuses what runs itself; this holds whatever was pinned before, and on every engine.
        if (subWorkflows.Depth >= DurableLimits.MaxDepth)
        {
            return WorkResult.Failed(ErrorCodes.WorkflowFailed, $"Workflow \"{node.Workflow}\" would be more than {DurableLimits.MaxDepth} levels below the one that was started. Let the parts stand side by side.");
        }

        Payload? input = null;
        if (node.Input is not null)
        {
            var evaluated = await calls.EvaluateAsync(new ExpressionSite(ExpressionSiteKind.WorkflowInput), activation.Scope);
            if (evaluated.Error is not null)
            {
                return new WorkResult { Error = evaluated.Error, Attempts = 1 };
            }

            input = evaluated.Value;
        }

        var usage = Usage.None;
        var turns = budget.LimitsTurns ? MostCallsOf(node, workflow) : 0;
        for (var attempt = 1; ; attempt++)
        {
            await budget.WaitForTurnsAsync(turns, limit.Ending);
            if (limit.Ending.IsCancellationRequested || stop.IsRequested)
            {
                return WorkResult.Stopped;
            }

            if (budget.Reached is { } reached)
            {
                stop.RequestAtLimit(reached);
                return WorkResult.Stopped;
            }

            observer.OnAttempt(activation);
            var share = budget.Reserve(turns, 1);
            var result = await RunChildAsync(activation, node, workflow, input, share.Limits, attempt, limit);
            budget.Settle(share, result.Usage.Turns, result.Usage);
            stop.StopOthersAtLimit(budget);
            usage += result.Usage;
            if (result.StopReason == StopReason.Completed)
            {
                return new WorkResult { Output = result.Output, Attempts = attempt, Usage = usage };
            }

            if (stop.IsRequested || limit.Ending.IsCancellationRequested)
            {
                return WorkResult.Stopped with { Attempts = attempt, Usage = usage };
            }

            var error = new CallError(
                ErrorCodes.WorkflowFailed,
                $"Workflow \"{node.Workflow}\" ended with \"{StopReasons.Name(result.StopReason)}\"{(result.Error is { } inner ? $": {inner.Message}" : ".")}",
                ErrorKind.Transient);
            if (node.Retry is null || attempt >= node.Retry.MaxAttempts || !await DelayAsync(activation, node.Retry, attempt, error, limit.Ending))
            {
                // The child's work is not lost: its output so far comes with the error.
                return new WorkResult { Output = result.Output, Error = error with { Kind = ErrorKind.Terminal }, Attempts = attempt, Usage = usage };
            }
        }
    }

    /// <summary>Finds how many model calls a sub-workflow can make at most: what is set aside for it while it runs.</summary>
    private int MostCallsOf(WorkflowNode node, WorkflowDefinition workflow)
    {
        var own = node.Limits?.MaxTurns ?? workflow.Limits.MaxTurns ?? int.MaxValue;
        var proof = WorkflowProof.Of(workflow, subWorkflows);

        // A host's settings may give a model fallbacks, which the definition does not know.
        return proof.ModelCalls.MayExceed(own) || proof.UnknownModels.Count > 0 ? own : (int)proof.ModelCalls.Constant;
    }

    private async Task<WorkflowResult> RunChildAsync(
        Activation activation, WorkflowNode node, WorkflowDefinition workflow, Payload? input, RunLimits share, int attempt, WorkLimit limit)
    {
        var own = node.Limits;
        var inner = workflow.Limits;
        var run = new WorkflowRun
        {
            Workflow = node.Workflow,
            DefinitionHash = workflow.Hash,
            SubWorkflows = subWorkflows!.Hashes,
            Input = input,
            RootInstanceId = calls.RootInstanceId,
            LogicalId = $"{activation.Scope.InstanceId}/{activation.Id}",
            Depth = subWorkflows.Depth + 1,
            Rewinds = rewinds + attempt - 1,
            Limits = new RunLimits(
                own is { IsMaxConcurrencyGiven: true } ? own.MaxConcurrency : null,
                Least(own?.MaxTurns ?? inner.MaxTurns, share.MaxTurns),
                Least(own?.MaxTokens ?? inner.MaxTokens, share.MaxTokens),
                Least(own?.MaxCostUsd ?? inner.MaxCostUsd, share.MaxCostUsd),
                (long?)own?.Timeout?.TotalMilliseconds),
        };
        var childId = ChildId(activation, attempt);
        using var stopping = StopChildWith(childId, limit.Calls);
        try
        {
            var json = await calls.CallChildAsync(
                ActivityNames.WorkflowOrchestration, childId, JsonSerializer.Serialize(run, CoreJsonContext.Default.WorkflowRun));
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

    /// <summary>
    /// Asks a child to stop when its calls are not waited for any more, and to begin nothing new when the run fails. A limit on turns that is reached is nothing to it: what it may use of it
    /// was set aside for it.
    /// </summary>
    /// <returns>What ends that, once the child has ended.</returns>
    public IDisposable StopChildWith(string childId, CancellationToken cancelled)
    {
        var finishing = stop.Token.Register(() =>
        {
            if (stop is { Reason: not StopReason.MaxTurns, Finishes: true })
            {
                Context.SendEvent(childId, EventNames.Finish, null);
            }
        });
        var stopping = cancelled.Register(() => Context.SendEvent(childId, EventNames.Stop, null));
        return new Registrations(finishing, stopping);
    }

    /// <summary>Names a child: readable while it is short, and never twice the same in one instance.</summary>
    public string ChildId(Activation activation, int attempt, string part = "")
    {
        var name = $"{activation.Node.Name}{(activation.Scope.Index is { } index ? $".{index}" : "")}.{activation.Scope.Round}{part}";
        var suffix = (attempt > 1 ? $"-a{attempt}" : "") + (rewinds > 0 ? $"-r{rewinds}" : "");
        var id = $"{Context.InstanceId}:{name}{suffix}";
        return id.Length <= DurableLimits.MaxInstanceIdLength
            ? id
            : $"{id[..50]}:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(id)))[..32]}";
    }

    private sealed class Registrations(CancellationTokenRegistration one, CancellationTokenRegistration other) : IDisposable
    {
        public void Dispose()
        {
            one.Dispose();
            other.Dispose();
        }
    }
}
