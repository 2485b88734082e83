using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.DurableTask;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;

namespace Polyphony.DurableFunctions.Durable;

/// <summary>
/// The activities under way of one generation of an instance that can be cancelled. Durable Task does not end an orchestration before every activity that it has called has returned,
/// and has no message that cancels one. So each of these calls has a number, which goes with its input, and the custom status names those that were cancelled until they have returned:
/// that is where an activity looks (<see cref="InstanceWatch"/>).
/// </summary>
/// <remarks>Deterministic: numbers follow the order of the calls. A generation ends when its calls have returned, so that numbers of two generations do not meet.</remarks>
/// <param name="context">Durable Task's context.</param>
internal sealed class CancellableCalls(TaskOrchestrationContext context)
{
    /// <summary>How many cancelled calls the status names at a time; the next follow as these return.</summary>
    internal const int MaxNamed = 100;

    private const string CallKey = "polyphony-call";
    private const string CancelledKey = "polyphony-cancelled";
    private const string InputKey = "input";
    private const string StatusKey = "status";

    private readonly SortedSet<long> _cancelled = [];
    private long _last;
    private string? _status;

    /// <summary>Sets the orchestration's own status.</summary>
    public void SetStatus(string? status)
    {
        _status = status;
        Publish();
    }

    /// <summary>Calls an activity.</summary>
    /// <param name="input">The activity's own input.</param>
    /// <param name="call">Calls it with the input that it is given.</param>
    /// <param name="cancellationToken">Ends the wait, and then the activity.</param>
    public async Task<string?> CallAsync(string? input, Func<string, Task<string?>> call, CancellationToken cancellationToken)
    {
        var number = ++_last;
        var activity = call($"{{\"{CallKey}\":{number.ToString(CultureInfo.InvariantCulture)},\"{InputKey}\":{input ?? "null"}}}");

        // Continuations run where the code cancels: on the orchestrator's own turn.
        var cancelled = new TaskCompletionSource<string?>();
        using var registration = cancellationToken.Register(() =>
        {
            if (!activity.IsCompleted && cancelled.TrySetCanceled(cancellationToken))
            {
                _cancelled.Add(number);
                Publish();
                _ = ReturnAsync(number, activity);
            }
        });
        return await await Task.WhenAny(activity, cancelled.Task);
    }

    /// <summary>Takes note that all calls have returned.</summary>
    public void End()
    {
        if (_cancelled.Count > 0)
        {
            _cancelled.Clear();
            Publish();
        }
    }

    /// <summary>Finds the number and the activity's own input.</summary>
    /// <param name="input">What an activity was given.</param>
    /// <returns>The number, or <see langword="null"/> for a call that can't be cancelled; and the input.</returns>
    public static (long? Number, RawJson? Input) Unwrap(RawJson? input) =>
        input is not null && Read(input.Text, CallKey) is { } wrapped ? (wrapped.GetProperty(CallKey).GetInt64(), RawJson.Read(wrapped.GetProperty(InputKey).GetRawText())) : (null, input);

    /// <summary>Finds the orchestration's own status.</summary>
    /// <param name="status">The custom status, JSON or <see langword="null"/>.</param>
    public static string? StatusOf(string? status) =>
        status is not null && Read(status, CancelledKey) is { } marked ? RawJson.Read(marked.GetProperty(StatusKey).GetRawText())?.Text : status;

    /// <summary>Finds the numbers of the calls that were cancelled and have not returned.</summary>
    /// <param name="status">The custom status, JSON or <see langword="null"/>.</param>
    public static IReadOnlySet<long> CancelledOf(string? status) =>
        status is not null && Read(status, CancelledKey) is { } marked ? marked.GetProperty(CancelledKey).EnumerateArray().Select(number => number.GetInt64()).ToHashSet() : new HashSet<long>();

    // A key stands near the beginning, whoever has formatted the text on its way; most texts are none of these and are not parsed.
    private static JsonElement? Read(string text, string key)
    {
        const int Near = 48;
        return text.AsSpan(0, Math.Min(Near, text.Length)).Contains(key, StringComparison.Ordinal)
            && JsonElement.Parse(text, JsonLimits.Document) is { ValueKind: JsonValueKind.Object } found
            && found.EnumerateObject().First().NameEquals(key)
                ? found
                : null;
    }

    private async Task ReturnAsync(long number, Task<string?> activity)
    {
        try
        {
            await activity;
        }
        catch (Exception)
        {
            // Nobody waits for what it returns or throws.
        }

        _cancelled.Remove(number);
        Publish();
    }

    private void Publish() => context.SetCustomStatus(RawJson.Of(_cancelled.Count == 0 ? _status : Marked(_status) ?? Marked(null)));

    private string? Marked(string? status)
    {
        var marked = $"{{\"{CancelledKey}\":[{string.Join(',', _cancelled.Take(MaxNamed))}],\"{StatusKey}\":{status ?? "null"}}}";
        return Encoding.UTF8.GetByteCount(marked) <= DurableLimits.MaxCustomStatusBytes ? marked : null;
    }
}
