using System.Globalization;
using System.Text.Json;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;

namespace Polyphony.DurableFunctions.Durable;

/// <summary>
/// Starts at a time: the instance is begun at once with its input wrapped up, and waits by a durable timer. Azure Storage would hide the message
/// that starts it, for at most 7 days, and would drop every event that comes before that.
/// </summary>
internal static class DelayedStart
{
    /// <summary>The tag of such an instance that tells when it will start; until then it counts as pending.</summary>
    public const string Tag = "polyphony-start-at";

    private const string Mark = "{\"polyphony-start-at\":";

    public static bool IsAhead(DateTimeOffset? startAt, DateTimeOffset now) => startAt > now;

    public static string Wrap(string? input, DateTimeOffset startAt) => $"{Mark}\"{startAt.UtcDateTime:O}\",\"input\":{input ?? "null"}}}";

    public static (DateTimeOffset? StartAt, string? Input) Unwrap(string? input)
    {
        if (input is null || !input.StartsWith(Mark, StringComparison.Ordinal))
        {
            return (null, input);
        }

        var wrapped = JsonElement.Parse(input, JsonLimits.Document);
        var inner = wrapped.GetProperty("input").GetRawText();
        return (wrapped.GetProperty(Tag).GetDateTimeOffset(), inner == "null" ? null : inner);
    }

    public static bool IsWaiting(IReadOnlyDictionary<string, string> tags, DateTimeOffset now) =>
        tags.TryGetValue(Tag, out var text) && DateTimeOffset.Parse(text, CultureInfo.InvariantCulture) > now;

    public static async Task<string?> WaitAsync(OrchestrationContext context, string? input)
    {
        var (startAt, inner) = Unwrap(input);
        if (startAt is { } time)
        {
            await context.CreateTimerAsync(time);
        }

        return inner;
    }
}
