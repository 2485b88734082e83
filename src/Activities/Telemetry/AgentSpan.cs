using System.Diagnostics;
using Polyphony.Core.Runs;
using Polyphony.Core.Telemetry;

namespace Polyphony.Activities.Telemetry;

/// <summary>The span of one step of an agent: a model call with what it took to prepare and read it. An agent's steps run on any host, so each has one.</summary>
internal static class AgentSpan
{
    /// <summary>Begins it.</summary>
    /// <param name="call">The call.</param>
    /// <returns>The span; <see langword="null"/> if nobody listens.</returns>
    public static Activity? Begin(AgentCall call)
    {
        if (!PolyphonyTelemetry.Source.HasListeners())
        {
            return null;
        }

        var span = RunTrace.Begin(
            $"{SpanNames.InvokeAgent} {call.Agent}",
            ActivityKind.Internal,
            call.Scope.Trace,
            [new(SpanNames.Operation, SpanNames.InvokeAgent), new(SpanNames.Agent, call.Agent)]);
        return span?.AddRun(call.Scope).SetTag(SpanNames.Attempt, call.Attempt).SetTag(SpanNames.Call, call.Call);
    }

    /// <summary>Says what the step came to.</summary>
    /// <param name="span">The span.</param>
    /// <param name="result">The result.</param>
    public static void End(Activity? span, AgentCallResult result)
    {
        if (span is not { IsAllDataRequested: true })
        {
            return;
        }

        if (result.FromLedger)
        {
            span.SetTag(SpanNames.Reused, true);
        }
        else if (result.Usage.ModelCalls > 0)
        {
            span.SetTag(SpanNames.InputTokens, result.Usage.InputTokens).SetTag(SpanNames.OutputTokens, result.Usage.OutputTokens);
        }

        if (result.Wait is { } wait)
        {
            span.SetTag(SpanNames.WaitReason, wait.Reason).SetTag(SpanNames.WaitUntil, wait.Until.ToString("O"));
        }

        if (result.Error is { } error)
        {
            span.Fail(error.Code);
        }
    }

    /// <summary>Says which activation of which run a span is about.</summary>
    public static Activity AddRun(this Activity span, CallScope scope) => span
        .SetTag(SpanNames.Instance, scope.RootInstanceId)
        .SetTag(SpanNames.Node, scope.Node)
        .SetTag(SpanNames.Activation, scope.Activation);

    /// <summary>Marks a span as failed. The message may quote a prompt or an answer, and stays in the history.</summary>
    public static void Fail(this Activity span, string code) => span.SetTag(SpanNames.ErrorType, code).SetStatus(ActivityStatusCode.Error);
}
