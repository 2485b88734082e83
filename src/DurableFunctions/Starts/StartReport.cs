using Microsoft.Extensions.Logging;
using Polyphony.Http.Instances;
using Polyphony.Http.Problems;

namespace Polyphony.DurableFunctions.Starts;

/// <summary>Starts for one delivery, and logs what came of it. Nothing of a message's content gets into the log, but at level Trace. Event ids of this project: 6000 to 6999.</summary>
internal static partial class StartReport
{
    /// <summary>Starts for one delivery.</summary>
    /// <param name="log">Where it is logged.</param>
    /// <param name="source">Where the delivery comes from, such as <c>queue/NAME</c>.</param>
    /// <param name="id">Its id there.</param>
    /// <param name="start">Starts.</param>
    /// <exception cref="StartRefusedException">It can't be started.</exception>
    public static async Task RunAsync(ILogger log, string source, string id, Func<Task<StartedInstance>> start)
    {
        try
        {
            var started = await start();
            if (started.IsNew)
            {
                log.Started(source, id, started.InstanceId, started.Workflow);
            }
            else
            {
                log.Repeated(source, id, started.InstanceId, started.Workflow);
            }
        }
        catch (PolyphonyException e) when (ProblemTable.Describe(e, null) is { Status: < 500 } problem)
        {
            var refused = new StartRefusedException(source, id, problem);
            log.Refused(source, id, refused.Code, refused.Problems);
            log.RefusedWithValues(source, id, e.Message);
            throw refused;
        }
    }

    [LoggerMessage(6000, LogLevel.Information, "{Source} {Id} started instance {InstanceId} of workflow {Workflow}")]
    private static partial void Started(this ILogger log, string source, string id, string instanceId, string workflow);

    [LoggerMessage(6001, LogLevel.Information, "{Source} {Id} was delivered again and starts nothing more: it started instance {InstanceId} of workflow {Workflow} before")]
    private static partial void Repeated(this ILogger log, string source, string id, string instanceId, string workflow);

    [LoggerMessage(6002, LogLevel.Error, "{Source} {Id} can't start a workflow ({Code}): {Problems}")]
    private static partial void Refused(this ILogger log, string source, string id, string code, string problems);

    [LoggerMessage(6003, LogLevel.Trace, "{Source} {Id} can't start a workflow: {Details}")]
    private static partial void RefusedWithValues(this ILogger log, string source, string id, string details);
}
