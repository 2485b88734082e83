using System.Diagnostics;
using Polyphony.Core.Runs;
using Polyphony.Core.Telemetry;

namespace Polyphony.Activities.Telemetry;

/// <summary>Makes the span of a whole run, once it has ended.</summary>
internal static class TraceEndActivity
{
    /// <summary>Makes it.</summary>
    /// <param name="end">How the run ended.</param>
    public static void Run(TracedEnd end)
    {
        using var span = RunTrace.Begin(
            $"{SpanNames.InvokeWorkflow} {end.Workflow}",
            ActivityKind.Internal,
            end.Trace,
            [new(SpanNames.Operation, SpanNames.InvokeWorkflow), new(SpanNames.Workflow, end.Workflow)],
            end.StartedTime);
        if (span is null)
        {
            return;
        }

        span.SetEndTime(end.EndedTime.UtcDateTime);
        span.SetTag(SpanNames.Instance, end.RootInstanceId)
            .SetTag(SpanNames.StopReason, StopReasons.Name(end.StopReason))
            .SetTag(SpanNames.InputTokens, end.Usage.InputTokens)
            .SetTag(SpanNames.OutputTokens, end.Usage.OutputTokens)
            .SetTag(SpanNames.Cost, (double)end.Usage.CostUsd);
        if (end.StopReason == StopReason.Failed)
        {
            span.Fail(end.ErrorCode ?? StopReasons.Name(end.StopReason));
        }
    }
}
