using Polyphony.Core.Runs;

namespace Polyphony.Activities.Errors;

/// <summary>Classifies what servers of the OpenAI protocol answer, each under its own names (<see cref="ErrorSignatures"/>).</summary>
internal static class HttpErrors
{
    /// <summary>The longest wait that a provider can ask for; a longer one is cut to it: 1 hour.</summary>
    public static readonly TimeSpan LongestRetryAfter = TimeSpan.FromHours(1);

    /// <summary>How much of the server's words is shown, in UTF-16 units.</summary>
    public const int LongestMessage = 500;

    /// <summary>Classifies an answer that is no success.</summary>
    /// <param name="failure">The answer.</param>
    /// <param name="now">The time, for a Retry-After that is a date.</param>
    /// <returns>The classified error.</returns>
    public static CallError Classify(HttpFailure failure, DateTimeOffset now)
    {
        var said = Said(failure);
        var wait = Wait(failure, now);

        // The order counts: one status has several meanings, and the narrowest is looked for first.
        return OfContent(failure, said) ?? OfAllowance(failure, said, wait) ?? failure.Status switch
        {
            401 or 403 => Terminal(ErrorCodes.Authentication, $"The provider refused the key or identity. {said}"),
            400 when ErrorSignatures.IsUnauthenticated(failure) => Terminal(ErrorCodes.Authentication, $"The provider refused the key or identity. {said}"),
            404 => Terminal(ErrorCodes.ModelNotFound, $"The provider does not know this model, deployment or address. {said}"),
            400 or 422 when ErrorSignatures.IsUnknownModel(failure) => Terminal(ErrorCodes.ModelNotFound, said),
            408 => new CallError(ErrorCodes.Timeout, said, ErrorKind.Transient),
            409 or 425 or 498 or >= 500 => new CallError(ErrorCodes.ProviderUnavailable, said, ErrorKind.Transient, Capped(wait)),
            >= 400 => Terminal(ErrorCodes.BadRequest, said),
            301 or 302 or 303 or 307 or 308 => Terminal(ErrorCodes.BadRequest, $"The address redirects, and prompts and keys do not follow a redirect. Use the final address. {said}"),
            _ => new CallError(ErrorCodes.ProviderInvalidAnswer, said, ErrorKind.Transient),
        };
    }

    // What was asked, or answered, is at fault: a filter stopped it, or it is too long.
    private static CallError? OfContent(HttpFailure failure, string said) => failure.Status switch
    {
        400 or 403 or 422 or 451 when failure.Filtered is { } filtered => Terminal(ErrorCodes.ContentFilter, $"The provider filtered {filtered}. {said}"),
        400 or 403 or 422 or 451 when ErrorSignatures.IsFiltered(failure) => Terminal(ErrorCodes.ContentFilter, said),
        413 => Terminal(ErrorCodes.ContextTooLong, said),
        429 when ErrorSignatures.IsAboveTheLimit(failure) => Terminal(ErrorCodes.ContextTooLong, said),
        400 or 422 or >= 500 when ErrorSignatures.IsContextTooLong(failure) => Terminal(ErrorCodes.ContextTooLong, said),
        _ => null,
    };

    // The account may not call any more: not at all, or not now.
    private static CallError? OfAllowance(HttpFailure failure, string said, TimeSpan? wait) => failure.Status switch
    {
        402 => OutOfQuota(said),
        400 or 401 or 403 or 429 when ErrorSignatures.IsOutOfQuota(failure) => OutOfQuota(said),
        403 when ErrorSignatures.IsOutOfCalls(failure) && wait > LongestRetryAfter => OutOfQuota(said),
        429 => RateLimited(said, wait),
        403 when ErrorSignatures.IsOutOfCalls(failure) => RateLimited(said, wait),
        _ => null,
    };

    /// <summary>Gets status, code, words and request id of a failure.</summary>
    /// <param name="failure">The failure.</param>
    public static string Said(HttpFailure failure) =>
        $"HTTP {failure.Status}{(failure.Code is null ? "" : $", {failure.Code}")}: {ProviderText.Shorten(failure.Message, LongestMessage)}{(failure.RequestId is null ? "" : $" (request {failure.RequestId})")}";

    private static CallError OutOfQuota(string said) => Terminal(ErrorCodes.RateLimited, $"The account's quota or budget is used up. {said}");

    private static CallError RateLimited(string said, TimeSpan? wait) => new(ErrorCodes.RateLimited, said, ErrorKind.RateLimited, Capped(wait));

    private static CallError Terminal(string code, string message) => new(code, message, ErrorKind.Terminal);

    // Whichever is longest of what header and body say: an attempt before is refused, and prolongs the wait.
    private static TimeSpan? Wait(HttpFailure failure, DateTimeOffset now)
    {
        var header = Waits.OfHeaders(failure.Headers, now);
        var body = failure.Wait ?? Waits.OfWords(failure.Message);
        return (header, body) switch
        {
            (null, null) => failure.Status == 429 ? Waits.OfLimits(failure.Headers, now) : null,
            (null, _) => body,
            (_, null) => header,
            _ => header > body ? header : body,
        };
    }

    private static long? Capped(TimeSpan? wait) =>
        wait is { } span ? (long)Math.Ceiling(Math.Clamp(span.TotalMilliseconds, 0, LongestRetryAfter.TotalMilliseconds)) : null;
}
