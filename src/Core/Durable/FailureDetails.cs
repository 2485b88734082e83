namespace Polyphony.Core.Durable;

/// <summary>What is persisted of an exception: exceptions themselves never are.</summary>
/// <param name="ErrorType">A stable code of this product (see <see cref="PolyphonyException.Code"/>) or the full name of the exception's type.</param>
/// <param name="ErrorMessage">The message.</param>
/// <param name="StackTrace">Where it was thrown, for logs and history; never shown by default.</param>
/// <param name="InnerFailure">The cause, if there was one.</param>
public sealed record FailureDetails(string ErrorType, string ErrorMessage, string? StackTrace = null, FailureDetails? InnerFailure = null)
{
    /// <summary>Creates the record of an exception.</summary>
    /// <param name="exception">The exception.</param>
    /// <returns>The record.</returns>
    public static FailureDetails FromException(Exception exception) => exception is TaskFailedException { FailureDetails: var details } failed
        ? new FailureDetails(failed.Code, failed.Message, failed.StackTrace, details)
        : new FailureDetails(
            (exception as PolyphonyException)?.Code ?? exception.GetType().FullName ?? exception.GetType().Name,
            exception.Message,
            exception.StackTrace,
            exception.InnerException is { } inner ? FromException(inner) : null);
}
