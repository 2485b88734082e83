namespace Polyphony.Core.Runs;

/// <summary>Until when a model call waits, and why.</summary>
/// <param name="Until">When it continues.</param>
/// <param name="Reason">Why: one of <see cref="CallWaitReasons"/>.</param>
/// <param name="Message">What the provider said, shortened; <see langword="null"/> if it was not the provider.</param>
public sealed record CallWait(DateTimeOffset Until, string Reason, string? Message = null)
{
    /// <summary>The maximum length of <see cref="Message"/>, in characters.</summary>
    public const int MaxMessageLength = 200;

    /// <summary>Shortens what a provider said to one line that fits a status.</summary>
    /// <param name="message">The words.</param>
    /// <returns>At most <see cref="MaxMessageLength"/> characters, none of them a control character.</returns>
    public static string Shorten(string message)
    {
        var kept = ErrorText.Beginning(message, MaxMessageLength);
        var line = string.Create(kept.Length, kept, static (span, text) =>
        {
            for (var i = 0; i < span.Length; i++)
            {
                span[i] = char.IsControl(text[i]) ? ' ' : text[i];
            }
        });
        return kept.Length < message.Length ? $"{line[..^1]}…" : line;
    }
}

/// <summary>Why a model call waits.</summary>
internal static class CallWaitReasons
{
    /// <summary>The provider asked for it: of this call, or of another one to the same deployment.</summary>
    public const string RetryAfter = "retry_after";

    /// <summary>The deployment has failed every call of late, and is tried by one call at that time.</summary>
    public const string CircuitOpen = "circuit_open";

    /// <summary>The delay of the retry policy, after a failure.</summary>
    public const string Retry = "retry";

    /// <summary>The model's <c>requestsPerMinute</c> are used up.</summary>
    public const string RequestsPerMinute = "requests_per_minute";

    /// <summary>The model's <c>tokensPerMinute</c> are used up.</summary>
    public const string TokensPerMinute = "tokens_per_minute";
}
