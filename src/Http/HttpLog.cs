using Microsoft.Extensions.Logging;

namespace Polyphony.Http;

/// <summary>Log messages of this project: event ids 4000 to 4999, never reused.</summary>
internal static partial class HttpLog
{
    [LoggerMessage(4000, LogLevel.Error, "{Method} {Path} failed with {Code}")]
    public static partial void RequestFailed(this ILogger log, Exception exception, string method, string path, string code);

    [LoggerMessage(4001, LogLevel.Information, "{Method} {Path} {Status} {Milliseconds:0.0} ms")]
    public static partial void RequestServed(this ILogger log, string method, string path, int status, double milliseconds);

    [LoggerMessage(4002, LogLevel.Warning, "{Method} {Path} was refused with {Code}: {Reason}")]
    public static partial void RequestRefused(this ILogger log, string method, string path, string code, string? reason);
}
