using System.Globalization;
using Polyphony.Core.Interpreter;

namespace Polyphony.Activities.Errors;

/// <summary>Classifies what providers of the OpenAI protocol answer (https://platform.openai.com/docs/guides/error-codes).</summary>
public static class HttpErrors
{
    /// <summary>The longest wait that a provider can ask for; a longer one is cut to it: 1 hour.</summary>
    public static readonly TimeSpan LongestRetryAfter = TimeSpan.FromHours(1);

    /// <summary>Classifies an answer that is no success.</summary>
    /// <param name="failure">The answer.</param>
    /// <param name="now">The time, for a Retry-After that is a date.</param>
    /// <returns>The classified error.</returns>
    public static CallError Classify(HttpFailure failure, DateTimeOffset now)
    {
        var said = $"HTTP {failure.Status}{(failure.Code is null ? "" : $", {failure.Code}")}: {failure.Message}";
        return failure.Status switch
        {
            429 when Is(failure, "insufficient_quota") => Terminal(ErrorCodes.RateLimited, $"The account's quota is used up. {said}"),
            429 => new CallError(ErrorCodes.RateLimited, said, ErrorKind.RateLimited, RetryAfter(failure, now)),
            401 or 403 => Terminal(ErrorCodes.Authentication, $"The provider refused the key or identity. {said}"),
            404 => Terminal(ErrorCodes.ModelNotFound, $"The provider does not know this model, deployment or address. {said}"),
            408 => new CallError(ErrorCodes.Timeout, said, ErrorKind.Transient),
            409 or >= 500 => new CallError(ErrorCodes.ProviderUnavailable, said, ErrorKind.Transient, RetryAfter(failure, now)),
            _ when failure.Filtered is { } filtered => Terminal(ErrorCodes.ContentFilter, $"The provider filtered {filtered}. {said}"),
            _ when Is(failure, "content_filter") || Is(failure, "content_policy_violation") => Terminal(ErrorCodes.ContentFilter, said),
            413 => Terminal(ErrorCodes.ContextTooLong, said),
            _ when Is(failure, "context_length_exceeded") || Is(failure, "string_above_max_length") => Terminal(ErrorCodes.ContextTooLong, said),
            _ when Is(failure, "model_not_found") => Terminal(ErrorCodes.ModelNotFound, said),
            >= 400 => Terminal(ErrorCodes.BadRequest, said),
            _ => new CallError(ErrorCodes.ProviderInvalidAnswer, said, ErrorKind.Transient),
        };
    }

    private static bool Is(HttpFailure failure, string code) => failure.Code == code || failure.Type == code;

    private static CallError Terminal(string code, string message) => new(code, message, ErrorKind.Terminal);

    private static long? RetryAfter(HttpFailure failure, DateTimeOffset now)
    {
        if (Number(failure.RetryAfterMs) is { } milliseconds)
        {
            return Capped(milliseconds);
        }

        if (Number(failure.RetryAfter) is { } seconds)
        {
            return Capped(seconds * 1000);
        }

        return DateTimeOffset.TryParse(failure.RetryAfter, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date)
            ? Capped((date - now).TotalMilliseconds)
            : null;
    }

    private static double? Number(string? text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;

    private static long Capped(double milliseconds) => (long)Math.Ceiling(Math.Clamp(milliseconds, 0, LongestRetryAfter.TotalMilliseconds));
}
