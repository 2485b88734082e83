using System.Buffers;
using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Polyphony.Activities.Errors;

/// <summary>Reads how long a provider asks to wait, in the forms that providers have for it.</summary>
internal static partial class Waits
{
    /// <summary>The headers that <see cref="OfHeaders"/> reads.</summary>
    public static readonly IReadOnlyList<string> Headers =
    [
        RetryAfterMs, RetryAfter, Date, .. Limits.SelectMany(limit => (string[])[limit.Reset, limit.Remaining]),
    ];

    private const string RetryAfterMs = "retry-after-ms";
    private const string RetryAfter = "retry-after";
    private const string Date = "date";

    // Above these a number is a point in time, in seconds or milliseconds since 1970.
    private const double EarliestEpochSeconds = 1e9;
    private const double EarliestEpochMilliseconds = 1e12;

    private static readonly FrozenDictionary<string, double> MillisecondsOf = new (double Milliseconds, string[] Names)[]
    {
        (1, ["ms", "millisecond", "milliseconds"]),
        (1000, ["s", "sec", "secs", "second", "seconds"]),
        (60_000, ["m", "min", "mins", "minute", "minutes"]),
        (3_600_000, ["h", "hr", "hrs", "hour", "hours"]),
        (86_400_000, ["d", "day", "days"]),
    }.SelectMany(unit => unit.Names.Select(name => (Name: name, unit.Milliseconds))).ToFrozenDictionary(unit => unit.Name, unit => unit.Milliseconds, StringComparer.Ordinal);

    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789.");

    private static IReadOnlyList<(string Reset, string Remaining)> Limits =>
    [
        ("x-ratelimit-reset-requests", "x-ratelimit-remaining-requests"),
        ("x-ratelimit-reset-tokens", "x-ratelimit-remaining-tokens"),
        ("x-ratelimit-reset", "x-ratelimit-remaining"),
        ("ratelimit-reset", "ratelimit-remaining"),
        ("ratelimitbysize-reset", "ratelimitbysize-remaining"),
        ("anthropic-ratelimit-requests-reset", "anthropic-ratelimit-requests-remaining"),
        ("anthropic-ratelimit-tokens-reset", "anthropic-ratelimit-tokens-remaining"),
    ];

    /// <summary>Gets what <c>retry-after-ms</c> or else <c>Retry-After</c> says.</summary>
    /// <param name="headers">The headers by lower-case name.</param>
    /// <param name="now">The time, for a date; that of the server counts if it says it.</param>
    public static TimeSpan? OfHeaders(IReadOnlyDictionary<string, string> headers, DateTimeOffset now)
    {
        if (Number(headers.GetValueOrDefault(RetryAfterMs)) is { } milliseconds)
        {
            return Span(milliseconds);
        }

        return Moment(headers.GetValueOrDefault(RetryAfter), ServerTime(headers) ?? now);
    }

    /// <summary>Gets when the limit that was hit is renewed, from the headers that describe limits: for a 429 that says nothing else.</summary>
    /// <param name="headers">The headers by lower-case name.</param>
    /// <param name="now">The time, for a date.</param>
    public static TimeSpan? OfLimits(IReadOnlyDictionary<string, string> headers, DateTimeOffset now)
    {
        var resets = Limits
            .Select(limit => (Wait: Moment(headers.GetValueOrDefault(limit.Reset), ServerTime(headers) ?? now), Remaining: Number(headers.GetValueOrDefault(limit.Remaining))))
            .Where(limit => limit.Wait is not null)
            .ToArray();

        // A limit with something left was not the one that was hit.
        var hit = resets.Where(limit => limit.Remaining <= 0).ToArray();
        return hit.Length > 0 ? hit.Max(limit => limit.Wait) : resets.Where(limit => limit.Remaining is null).Max(limit => limit.Wait);
    }

    /// <summary>Gets what a member of an error says, such as <c>"retryDelay": "4.5s"</c> or <c>"retry_after_ms": 250</c>.</summary>
    /// <param name="name">The member's name.</param>
    /// <param name="value">Its value.</param>
    public static TimeSpan? OfMember(string name, JsonElement value)
    {
        switch (name.Replace("_", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal).ToLowerInvariant())
        {
            case "retryafterms" or "retryaftermilliseconds":
                return Number(ErrorBody.Scalar(value)) is { } milliseconds ? Span(milliseconds) : null;
            case "retryafter" or "retryafterseconds" or "retryinseconds" or "retrydelay":
                return value.ValueKind == JsonValueKind.Object ? Protobuf(value) : Duration(ErrorBody.Scalar(value));
            default:
                return null;
        }
    }

    /// <summary>Gets what a sentence says, such as "Please try again in 1m26.4s."</summary>
    /// <param name="message">The sentence.</param>
    public static TimeSpan? OfWords(string message) => Sentence().Match(message) is { Success: true } match ? Duration(match.Groups["wait"].Value) : null;

    private static DateTimeOffset? ServerTime(IReadOnlyDictionary<string, string> headers) =>
        DateTimeOffset.TryParse(headers.GetValueOrDefault(Date), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date) ? date : null;

    // A duration, a number of seconds, or a point in time.
    private static TimeSpan? Moment(string? text, DateTimeOffset now)
    {
        if (Number(text) is { } number and >= EarliestEpochSeconds)
        {
            return Span(number * (number >= EarliestEpochMilliseconds ? 1 : 1000)) - (now - DateTimeOffset.UnixEpoch);
        }

        return Duration(text)
            ?? (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date) ? date - now : null);
    }

    // 4.5s, 250ms, 1m26.4s, 2 minutes, 7 (seconds), 01:02:03
    private static TimeSpan? Duration(string? text)
    {
        if (text is null || text.Length > 60)
        {
            return null;
        }

        if (text.Contains(':', StringComparison.Ordinal))
        {
            return TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var clock) ? clock : null;
        }

        if (Number(text) is { } seconds)
        {
            return Span(seconds * 1000);
        }

        return SumOfUnits(text);
    }

    private static TimeSpan? SumOfUnits(string text)
    {
        TimeSpan? sum = null;
        for (var rest = text.ToLowerInvariant().AsSpan().Trim(); rest.Length > 0; rest = rest.TrimStart())
        {
            var digits = rest.IndexOfAnyExcept(Digits);
            if (digits <= 0 || Number(rest[..digits].ToString()) is not { } count)
            {
                return null;
            }

            rest = rest[digits..].TrimStart();
            var letters = rest.IndexOfAnyExceptInRange('a', 'z') is var end && end < 0 ? rest.Length : end;
            if (!MillisecondsOf.TryGetValue(rest[..letters].ToString(), out var unit))
            {
                return null;
            }

            sum = (sum ?? TimeSpan.Zero) + Span(count * unit);
            rest = rest[letters..];
        }

        return sum;
    }

    private static TimeSpan? Protobuf(JsonElement value)
    {
        var seconds = value.TryGetProperty("seconds", out var whole) ? Number(ErrorBody.Scalar(whole)) : null;
        var nanos = value.TryGetProperty("nanos", out var part) ? Number(ErrorBody.Scalar(part)) : null;
        return seconds is null && nanos is null ? null : Span(((seconds ?? 0) * 1000) + ((nanos ?? 0) / 1e6));
    }

    private static double? Number(string? text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;

    private static TimeSpan Span(double milliseconds) => TimeSpan.FromMilliseconds(Math.Clamp(milliseconds, 0, TimeSpan.FromDays(36_500).TotalMilliseconds));

    // Only "after 12" says seconds without saying so.
    [GeneratedRegex(
        @"\b(try again|retry|retrying|replenished|wait|resets?)( your request| this request| again)?( in| after| for)?( at least| about)?:? (?<wait>(\d+\.)?\d+:\d\d:\d\d(\.\d+)?|(\d+(\.\d+)? ?(milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d) ?)+)\b|\bretry after (?<wait>\d+(\.\d+)?)\b",
        RegexOptions.NonBacktracking | RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Sentence();
}
