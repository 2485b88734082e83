using Microsoft.Extensions.Logging;

namespace Polyphony.Hosting;

/// <summary>What the host logs.</summary>
internal static partial class HostingLog
{
    [LoggerMessage(7000, LogLevel.Information, "Polyphony has started on {Data}; {Unfinished} unfinished instances continue")]
    public static partial void EngineStarted(this ILogger log, string data, int unfinished);

    [LoggerMessage(7001, LogLevel.Critical, "The engine has stopped, and the app stops too. What was committed is safe, and continues at the next start. {Reason}")]
    public static partial void EngineFailed(this ILogger log, Exception exception, string reason);

    [LoggerMessage(7002, LogLevel.Warning, "ApiKey is set, and no routes are mapped that would ask for it: call app.MapPolyphony(), or leave ApiKey out")]
    public static partial void KeyWithoutRoutes(this ILogger log);

    [LoggerMessage(7003, LogLevel.Warning, "In the workflow folder {Folder}: {Problem}")]
    public static partial void WorkflowProblem(this ILogger log, string folder, string problem);

    [LoggerMessage(7004, LogLevel.Warning, "The schedules could not be compared with what runs; it is tried again in seconds. {Reason}")]
    public static partial void SchedulesNotKept(this ILogger log, Exception exception, string reason);
}
