using Microsoft.Extensions.Logging;

namespace Polyphony.Engine.Runtime;

/// <summary>The engine's log messages; event ids 2000 to 2099.</summary>
internal static partial class Log
{
    [LoggerMessage(2000, LogLevel.Information, "Engine started on {File}: {Unfinished} unfinished instances in {Milliseconds} ms")]
    internal static partial void Started(ILogger logger, string file, int unfinished, long milliseconds);

    [LoggerMessage(2001, LogLevel.Critical, "The engine on {File} stops because of an error; what was committed is safe")]
    internal static partial void Fatal(ILogger logger, Exception cause, string file);

    [LoggerMessage(2013, LogLevel.Critical, "The engine stops: {Reason}")]
    internal static partial void FileFailed(ILogger logger, string reason);

    [LoggerMessage(2002, LogLevel.Warning, "The failed transaction on {File} could not be rolled back; it is, when the file is opened again: {Reason}")]
    internal static partial void RollbackFailed(ILogger logger, string file, string reason);

    [LoggerMessage(2003, LogLevel.Error, "Instance {Instance} was stopped: {Reason}")]
    internal static partial void Stopped(ILogger logger, string instance, string reason);

    [LoggerMessage(2004, LogLevel.Information, "Instance {Instance} of {Name} ended as {Status}")]
    internal static partial void Ended(ILogger logger, string instance, string name, string status);

    [LoggerMessage(2006, LogLevel.Warning, "{Reason}. The host waits; nothing is lost, and nothing is acknowledged meanwhile")]
    internal static partial void Waiting(ILogger logger, string reason);

    [LoggerMessage(2007, LogLevel.Warning, "The data file {File} can be written again after {Seconds:0.0} s; the host continues")]
    internal static partial void WaitEnded(ILogger logger, string file, double seconds);

    [LoggerMessage(2008, LogLevel.Warning, "The engine stops without a last note in {File}; what was committed is safe, and the next start takes a little longer: {Reason}")]
    internal static partial void StoppedWithoutNote(ILogger logger, string file, string reason);

    [LoggerMessage(2009, LogLevel.Error, "Instance {Instance} is stopped: a part of the data file is damaged: {Found}. The others continue; \"polyphony check\" lists everything that is damaged")]
    internal static partial void InstanceDamaged(ILogger logger, string instance, string found);

    [LoggerMessage(2010, LogLevel.Error, "The data file {File} is damaged: {Found}. Instances on the damaged parts are stopped, the others continue; \"polyphony check\" lists everything")]
    internal static partial void FileDamaged(ILogger logger, string file, string found);

    [LoggerMessage(2011, LogLevel.Error, "Table {Table} of the data file {File} took no new rows because a page of it is damaged. It was rebuilt from what can be read; what was between {Rows} is lost")]
    internal static partial void TableRepaired(ILogger logger, string file, string table, string rows);

    [LoggerMessage(2005, LogLevel.Error, "Operation {Operation} of entity {Entity} was dropped: {Reason}")]
    internal static partial void OperationDropped(ILogger logger, string operation, string entity, string reason);

    [LoggerMessage(2012, LogLevel.Warning, "An activity of instance {Instance} was cancelled, and threw on the notification")]
    internal static partial void CancellationFailed(ILogger logger, Exception cause, string instance);
}
