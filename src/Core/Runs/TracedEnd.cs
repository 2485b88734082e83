namespace Polyphony.Core.Runs;

/// <summary>The input of <see cref="TaskNames.TraceEnd"/>: how a traced run has ended. Only these have it, so that runs cost nothing more where nobody traces.</summary>
/// <param name="Trace">The trace, as in <see cref="WorkflowInput.Trace"/>.</param>
/// <param name="Workflow">The workflow.</param>
/// <param name="RootInstanceId">The instance at the root.</param>
/// <param name="StartedTime">When the run began.</param>
/// <param name="EndedTime">When it ended; what it came to is known then.</param>
/// <param name="StopReason">Why it ended.</param>
/// <param name="Usage">The usage of its model calls.</param>
/// <param name="ErrorCode">The code of the error that ended it, if one did.</param>
internal sealed record TracedEnd(
    string Trace, string Workflow, string RootInstanceId, DateTimeOffset StartedTime, DateTimeOffset EndedTime, StopReason StopReason, Usage Usage, string? ErrorCode)
{
    public static TracedEnd Of(RunContext run, WorkflowResult result) => new(
        run.Input.Trace!, run.Input.Workflow, run.Calls.RootInstanceId, run.StartedTime, run.Now, result.StopReason, result.Usage, result.Error?.Code);
}
