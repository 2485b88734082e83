using System.ClientModel;
using System.Net.Sockets;
using System.Text.Json;
using Azure.Identity;
using Polyphony.Activities.Providers;
using Polyphony.Activities.Tools;
using Polyphony.Core.Runs;
using Polyphony.Expressions;

namespace Polyphony.Activities.Errors;

/// <summary>Says what a failure means, in one place: its code, and whether another attempt can help.</summary>
internal static class ErrorClassifier
{
    /// <summary>Classifies an exception.</summary>
    /// <param name="exception">The exception.</param>
    /// <param name="timeProvider">The clock, for a Retry-After that is a date; by default the system's.</param>
    /// <returns>The classified error.</returns>
    public static CallError Classify(Exception exception, TimeProvider? timeProvider = null) => exception switch
    {
        ModelException model => model.Error,
        ProviderException provider => HttpErrors.Classify(provider.Failure, (timeProvider ?? TimeProvider.System).GetUtcNow()),
        ToolException tool => new CallError(ErrorCodes.ToolFailed, tool.Message, tool.Kind),
        ExpressionException expression => new CallError(ErrorCodes.ExpressionError, expression.Message, ErrorKind.Terminal),
        ClientResultException { Status: > 0 } http => HttpErrors.Classify(HttpFailure.From(http), (timeProvider ?? TimeProvider.System).GetUtcNow()),
        AuthenticationFailedException identity => new CallError(ErrorCodes.Authentication, IdentityErrors.Describe(identity.Message), ErrorKind.Terminal),
        PolyphonyException known => new CallError(ErrorCodes.ActivityFailed, $"{known.Message} ({known.Code})", ErrorKind.Terminal),
        AggregateException { InnerExceptions: [.., var last] } => Classify(last, timeProvider),
        ClientResultException { InnerException: { } inner } => Classify(inner, timeProvider),
        ClientResultException => new CallError(ErrorCodes.ProviderUnavailable, $"The provider could not be reached: {exception.Message}", ErrorKind.Transient),
        _ => OfExchange(exception) ?? new CallError(ErrorCodes.ActivityFailed, $"{exception.GetType().Name}: {exception.Message}", ErrorKind.Transient),
    };

    // No answer in time, none at all, half of one, or one that is none: another attempt can bring a good one.
    private static CallError? OfExchange(Exception exception) => exception switch
    {
        TimeoutException or OperationCanceledException => new CallError(ErrorCodes.Timeout, "The provider did not answer in time.", ErrorKind.Transient),
        HttpIOException or HttpRequestException { InnerException: HttpIOException } => new CallError(
            ErrorCodes.ProviderUnavailable, $"The connection to the provider broke before its answer was there: {Innermost(exception).Message}", ErrorKind.Transient),
        HttpRequestException or IOException or SocketException => new CallError(
            ErrorCodes.ProviderUnavailable, $"The provider could not be reached: {Innermost(exception).Message}", ErrorKind.Transient),
        JsonException or FormatException => new CallError(ErrorCodes.ProviderInvalidAnswer, $"The provider's answer could not be read: {exception.Message}", ErrorKind.Transient),
        _ => null,
    };

    private static Exception Innermost(Exception exception)
    {
        while (exception.InnerException is { } inner)
        {
            exception = inner;
        }

        return exception;
    }
}
