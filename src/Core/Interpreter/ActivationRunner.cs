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
        var work = NodeKinds.Waits(activation.Node) || activation.Node.Timeout is not { } limit
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
            Kind = NodeKinds.NameOf(activation.Node),
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

    private static Payload Json(string json) => Payload.Inline(JsonElement.Parse(Encoding.UTF8.GetBytes(json)));

    private static string Quote(string text) => JsonSerializer.Serialize(text, CoreJsonContext.Default.String);
}
