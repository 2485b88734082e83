using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;
using Polyphony.Core.Workflows;

namespace Polyphony.Core.Interpreter;

/// <summary>
/// Runs single activations: attempts, delays, timeouts, fallbacks, tool rounds, repairs. Everything that takes time is a durable task, so a waiting
/// activation holds nothing but memory.
/// </summary>
/// <param name="calls">The calls to activities.</param>
/// <param name="plan">The workflow.</param>
/// <param name="budget">What may still be used.</param>
/// <param name="stop">Whether to begin nothing new.</param>
/// <param name="observer">Who is told of progress.</param>
/// <param name="subWorkflows">The pinned sub-workflows.</param>
/// <param name="rewinds">How many times the run was set back after a failure.</param>
internal sealed partial class ActivationRunner(
    RunCalls calls,
    WorkflowPlan plan,
    RunBudget budget,
    RunStop stop,
    IRunObserver observer,
    PinnedWorkflows? subWorkflows,
    int rewinds)
{
    private static readonly RetryDefinition DefaultRetry = new();

    private OrchestrationContext Context => calls.Context;

    /// <summary>Runs an activation to its end, error policy included.</summary>
    public async Task<ActivationEnd> RunAsync(Activation activation)
    {
        var started = Context.CurrentUtcDateTime;
        var work = activation.Node is HumanNode or WaitNode || activation.Node.Timeout is not { } limit
            ? await WorkAsync(activation, stop.Limit)
            : await WithTimeoutAsync(activation, started + limit);
        var status = NodeResult.Completed;
        var error = work.Error;
        if (error is not null && !work.IsStopped)
        {
            (work, status) = await HandleAsync(activation, work, error);
        }

        if (work.IsStopped)
        {
            return new ActivationEnd(null, work.Lingering) { Stopped = work };
        }

        var lingering = work.Lingering;

        return new ActivationEnd(new Outcome
        {
            Activation = activation.Id,
            Node = activation.Node.Name,
            Order = activation.Order,
            Index = activation.Scope.Index,
            Kind = KindOf(activation.Node),
            Agent = work.Agent,
            Status = status,
            Result = status == NodeResult.Completed ? work.Output ?? Payload.Null : null,
            Error = error is null ? null : ErrorText.Shorten(error),
            Attempts = work.Attempts,
            Usage = work.Usage,
            Provider = work.Provider,
            Model = work.Model,
            FinishReason = work.FinishReason,
            StartedTime = started,
            EndedTime = Context.CurrentUtcDateTime,
        }, lingering);
    }

    public static string KindOf(NodeDefinition node) => node switch
    {
        AgentNode => "agent",
        ToolNode => "tool",
        HumanNode => "human",
        WorkflowNode => "workflow",
        WaitNode => "wait",
        _ => "transform",
    };

    /// <summary>Applies the node's error policy.</summary>
    private async Task<(WorkResult Work, string Status)> HandleAsync(Activation activation, WorkResult work, CallError error)
    {
        switch (activation.Node.OnError)
        {
            case { Kind: ErrorPolicyKind.Skip }:
                return (work, NodeResult.Skipped);
            case { Kind: ErrorPolicyKind.Value }:
                var variables = new Dictionary<string, Payload>(activation.Scope.Variables ?? new Dictionary<string, Payload>(), StringComparer.Ordinal)
                {
                    ["error"] = Json($$"""{"code":{{Quote(error.Code)}},"message":{{Quote(ErrorText.Shorten(error.Message))}}}"""),
                };
                var value = await calls.EvaluateAsync(new ExpressionSite(ExpressionSiteKind.ErrorValue), activation.Scope with { Variables = variables });
                return value.Error is null
                    ? (work with { Output = value.Value, Error = null }, NodeResult.Completed)
                    : (work with { Error = value.Error }, NodeResult.Failed);
            case { Kind: ErrorPolicyKind.Agent, Agent: { } agent } when !stop.IsRequested:
                if (work.Lingering is not null)
                {
                    await work.Lingering;
                }

                var other = await StandInAsync(activation, agent, work.NextCall);
                return (other with { Attempts = other.Attempts + work.Attempts, Usage = other.Usage + work.Usage }, other.Error is null ? NodeResult.Completed : NodeResult.Failed);
            default:
                return (work, NodeResult.Failed);
        }
    }

    private async Task<WorkResult> StandInAsync(Activation activation, string agent, int firstCall)
    {
        try
        {
            return await RunAgentAsync(activation, agent, firstCall, stop.Limit);
        }
        catch (Exception exception) when (RunCalls.ErrorOf(exception) is { } error)
        {
            return new WorkResult { Error = error, Attempts = 1, Agent = agent };
        }
    }

    private async Task<WorkResult> WithTimeoutAsync(Activation activation, DateTimeOffset deadline)
    {
        // Not disposed: work that lingers still looks at them.
        var ending = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
        var cancelled = CancellationTokenSource.CreateLinkedTokenSource(stop.Calls);
        var work = WorkAsync(activation, new WorkLimit(ending.Token, cancelled.Token, deadline));
        if (work.IsCompleted)
        {
            return await work;
        }

        var timer = calls.CreateTimerAsync(deadline, cancelled.Token);
        if (await Task.WhenAny(work, timer) == timer && !work.IsCompleted && !stop.Calls.IsCancellationRequested)
        {
            // A child is asked to stop and lingers until it has; calls end here and now.
            ending.Cancel();
            cancelled.Cancel();
            return TimedOut(activation, work.IsCompleted ? await work : new WorkResult { Attempts = 1, Lingering = work });
        }

        var result = await work;
        cancelled.Cancel();

        // A call knows the deadline too, and may find it over before the timer does.
        return result.IsStopped && !stop.IsRequested ? TimedOut(activation, result) : result;
    }

    private static WorkResult TimedOut(Activation activation, WorkResult work) => work with
    {
        IsStopped = false,
        Output = null,
        Error = new CallError(
            ErrorCodes.Timeout,
            $"\"{activation.Id}\" took longer than its limit of {Duration.Format(activation.Node.Timeout!.Value)}.",
            ErrorKind.Terminal),
    };

    /// <summary>Does a node's own work. What has to be passed on and is too large, or a value that is lost, ends this activation and not the run.</summary>
    private async Task<WorkResult> WorkAsync(Activation activation, WorkLimit limit)
    {
        try
        {
            return await BeginAsync(await WithGivenStoredAsync(activation), limit);
        }
        catch (Exception exception) when (RunCalls.ErrorOf(exception) is { } error)
        {
            return new WorkResult { Error = error, Attempts = 1 };
        }
    }

    /// <summary>Moves what C# code gives a call to the payload store where it is large.</summary>
    private async Task<Activation> WithGivenStoredAsync(Activation activation) =>
        activation.Prompt is { IsInline: true } prompt && !Payload.MayBeInline(prompt.Text) ? activation with { Prompt = await calls.StoreAsync(prompt) }
        : activation.Arguments is { IsInline: true } arguments && !Payload.MayBeInline(arguments.Text) ? activation with { Arguments = await calls.StoreAsync(arguments) }
        : activation;

    private Task<WorkResult> BeginAsync(Activation activation, WorkLimit limit) => activation.Node switch
    {
        AgentNode agent => RunAgentAsync(activation, agent.Agent, 1, limit),
        ToolNode tool => RunToolAsync(activation, tool, limit),
        HumanNode human => RunHumanAsync(activation, human),
        WorkflowNode workflow => RunWorkflowAsync(activation, workflow, limit),
        WaitNode wait => RunWaitAsync(activation, wait),
        TransformNode => RunTransformAsync(activation),
        var other => throw new NotSupportedException(other.GetType().Name),
    };

    private async Task<WorkResult> RunTransformAsync(Activation activation)
    {
        var value = await calls.EvaluateAsync(new ExpressionSite(ExpressionSiteKind.Transform), activation.Scope);
        return new WorkResult { Output = value.Value, Error = value.Error, Attempts = 1 };
    }

    private async Task<WorkResult> RunToolAsync(Activation activation, ToolNode tool, WorkLimit limit)
    {
        var scope = await calls.ShrinkAsync(activation.Scope, 0);
        var policy = tool.Retry ?? DefaultRetry;
        for (var attempt = 1; ; attempt++)
        {
            if (limit.Ending.IsCancellationRequested || stop.IsRequested)
            {
                return WorkResult.Stopped;
            }

            observer.OnAttempt(activation);
            var call = new ToolCall { Scope = scope, Tool = tool.Tool, Arguments = activation.Arguments, Attempt = attempt, Deadline = limit.Deadline };
            var result = await (activation.Gatherer?.CallToolAsync(call, RunCalls.SizeOf(scope), limit.Calls) ?? calls.CallToolAsync(call, limit.Calls));
            if (IsCancelled(result))
            {
                return WorkResult.Stopped with { Attempts = attempt };
            }

            if (result.Error is not { } error)
            {
                return new WorkResult { Output = result.Output, Attempts = attempt };
            }

            if (!MayRetry(error, attempt, policy, isExplicit: tool.Retry is not null) || !await DelayAsync(activation, policy, attempt, error, limit.Ending))
            {
                return new WorkResult { Error = error, Attempts = attempt };
            }
        }
    }

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
            Revision = WorkflowRun.CurrentRevision,
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

    private static bool MayRetry(CallError error, int attempt, RetryDefinition policy, bool isExplicit) =>
        error.Kind != ErrorKind.Terminal
        && attempt < policy.MaxAttempts
        && (error.Code != ErrorCodes.Timeout || isExplicit);

    /// <summary>Waits before the next attempt on a durable timer. False: the run or the activation is ending.</summary>
    private async Task<bool> DelayAsync(Activation activation, RetryDefinition policy, int attempt, CallError error, CancellationToken ending)
    {
        var delay = Delay(policy, attempt, activation.Scope.InstanceId + activation.Id);
        if (error.RetryAfterMs is { } asked && asked > delay.TotalMilliseconds)
        {
            delay = TimeSpan.FromMilliseconds(asked);
        }

        var reason = error.RetryAfterMs is { } after && after >= delay.TotalMilliseconds ? CallWaitReasons.RetryAfter : CallWaitReasons.Retry;
        return await DelayAsync(activation, new CallWait(Context.CurrentUtcDateTime + delay, reason, CallWait.Shorten(error.Message)), error, ending);
    }

    /// <summary>Waits on a durable timer, and lets the status say until when and why. False: the run or the activation is ending.</summary>
    private async Task<bool> DelayAsync(Activation activation, CallWait wait, CallError? error, CancellationToken ending)
    {
        observer.OnDelayed(activation, wait, error);
        try
        {
            ending.ThrowIfCancellationRequested();
            await calls.CreateTimerAsync(wait.Until, ending);
            return !stop.IsRequested;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
        finally
        {
            observer.OnDelayEnded(activation);
        }
    }

    /// <summary>
    /// Exponential backoff with up to a fifth taken off, so that many who failed together don't come back together. The part taken off
    /// depends on who asks: it is the same on every replay.
    /// </summary>
    internal static TimeSpan Delay(RetryDefinition policy, int attempt, string seed)
    {
        var milliseconds = Math.Min(policy.FirstDelay.TotalMilliseconds * Math.Pow(policy.Backoff, attempt - 1), policy.MaxDelay.TotalMilliseconds);
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{seed}:{attempt}"));
        return TimeSpan.FromMilliseconds(milliseconds * (1 - hash[0] / 255.0 / 5));
    }

    private sealed class Registrations(CancellationTokenRegistration one, CancellationTokenRegistration other) : IDisposable
    {
        public void Dispose()
        {
            one.Dispose();
            other.Dispose();
        }
    }

    private static Payload Json(string json) => Payload.Inline(JsonElement.Parse(Encoding.UTF8.GetBytes(json)));

    private static string Quote(string text) => JsonSerializer.Serialize(text, CoreJsonContext.Default.String);
}
