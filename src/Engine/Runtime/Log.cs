using Microsoft.Extensions.Logging;

namespace Polyphony.Engine.Runtime;

/// <summary>The engine's log messages; event ids 2000 to 2099.</summary>
internal static partial class Log
{
    [LoggerMessage(2000, LogLevel.Information, "Engine started on {File}: {Unfinished} unfinished instances in {Milliseconds} ms")]
    internal static partial void Started(ILogger logger, string file, int unfinished, long milliseconds);

    [LoggerMessage(2001, LogLevel.Critical, "The engine on {File} stops because of an error; what was committed is safe")]
    internal static partial void Fatal(ILogger logger, Exception cause, string file);

    [LoggerMessage(2002, LogLevel.Warning, "The failed transaction on {File} could not be rolled back; it is, when the file is opened again")]
    internal static partial void RollbackFailed(ILogger logger, Exception cause, string file);

    [LoggerMessage(2003, LogLevel.Error, "Instance {Instance} was stopped: {Reason}")]
    internal static partial void Stopped(ILogger logger, string instance, string reason);

    [LoggerMessage(2004, LogLevel.Information, "Instance {Instance} of {Name} ended as {Status}")]
    internal static partial void Ended(ILogger logger, string instance, string name, string status);

    [LoggerMessage(2005, LogLevel.Error, "Operation {Operation} of entity {Entity} was dropped: {Reason}")]
    internal static partial void OperationDropped(ILogger logger, string operation, string entity, string reason);
}
