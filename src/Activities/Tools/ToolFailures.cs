using System.Net.Sockets;
using System.Text.Json;
using Polyphony.Activities.Errors;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Tools;

/// <summary>What the exception of a tool says about its call.</summary>
internal static class ToolFailures
{
    /// <summary>Whether the call has surely had no effect: the tool says so itself, its arguments were refused, or nobody could be reached.</summary>
    public static bool HadNoEffect(Exception exception) => exception switch
    {
        EffectUnknownException => false,
        PolyphonyException or ArgumentException => true,
        HttpRequestException { StatusCode: { } status } => (int)status is >= 400 and < 500 and not 408,
        HttpRequestException or SocketException => !Settlement.MayBePaid(exception),
        FileNotFoundException or DirectoryNotFoundException => true,
        _ => false,
    };

    /// <summary>Whether the call may have had its effect although no answer came: its time was over, or the connection broke.</summary>
    public static bool LostTheAnswer(Exception exception) => exception switch
    {
        EffectUnknownException unknown => unknown.IsLost,
        AggregateException { InnerExceptions: [.., var last] } => LostTheAnswer(last),
        TimeoutException or OperationCanceledException or IOException or SocketException => true,
        HttpRequestException { StatusCode: { } status } => (int)status is >= 500 or 408,
        HttpRequestException => true,
        _ => false,
    };

    /// <summary>Makes the error of a call.</summary>
    public static CallError Classify(string tool, Exception exception, TimeSpan timeout, TimeProvider timeProvider) => exception switch
    {
        TimeoutException => new CallError(ErrorCodes.Timeout, $"The tool \"{tool}\" did not return within {timeout.TotalSeconds:0.###} s.", ErrorKind.Transient),
        ArgumentException or JsonException => new CallError(ErrorCodes.ToolArgumentsInvalid, $"The tool \"{tool}\" refused its arguments: {exception.Message}", ErrorKind.Terminal),
        EffectUnknownException unknown => unknown.Error,
        PolyphonyException => ErrorClassifier.Classify(exception, timeProvider),
        UnauthorizedAccessException or NotSupportedException => new CallError(ErrorCodes.ToolFailed, $"The tool \"{tool}\" failed: {exception.Message}", ErrorKind.Terminal),
        _ => new CallError(ErrorCodes.ToolFailed, $"The tool \"{tool}\" failed: {exception.Message} ({exception.GetType().Name})", ErrorKind.Transient),
    };
}
