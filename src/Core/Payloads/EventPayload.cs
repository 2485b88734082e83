using System.Text.Json;
using Polyphony.Core.Json;

namespace Polyphony.Core.Payloads;

/// <summary>
/// The payload of an event that is too large for a message: it goes to the payload store, and the event carries <c>{"polyphony-payload": REFERENCE}</c>. Workflows from
/// files read through it; C# code that waits for events of that size by itself reads them with <see cref="Read"/> and <see cref="PayloadReader"/>.
/// </summary>
internal static class EventPayload
{
    /// <summary>The largest payload that an event carries itself, in bytes of UTF-8 JSON: 32 KB.</summary>
    public const int MaxCarriedBytes = 32 * 1024;

    private const string Mark = "polyphony-payload";

    /// <summary>
    /// Determines whether an event may carry a value itself. One that looks like a reference may not, whatever its size: who sends an event must not be able to name values
    /// of others.
    /// </summary>
    /// <param name="value">The value.</param>
    /// <param name="json">Its text, UTF-8.</param>
    /// <returns><see langword="true"/> if so; otherwise, <see langword="false"/>.</returns>
    public static bool MayBeCarried(JsonElement value, ReadOnlySpan<byte> json) =>
        json.Length <= MaxCarriedBytes && JsonLimits.DepthOf(json) <= JsonLimits.MaxInlineDepth && !IsReference(value);

    /// <summary>Writes the payload of an event whose value is in the store.</summary>
    /// <param name="reference">Where it is.</param>
    /// <returns>The payload, JSON.</returns>
    public static string Write(Payload reference) => $"{{\"{Mark}\":{JsonSerializer.Serialize(reference, CoreJsonContext.Default.Payload)}}}";

    /// <summary>Reads the payload of an event.</summary>
    /// <param name="payload">The payload.</param>
    /// <returns>Where its value is, or <see langword="null"/> if the payload is the value itself.</returns>
    public static Payload? Read(JsonElement payload) =>
        IsReference(payload) && payload.GetProperty(Mark).Deserialize(CoreJsonContext.Default.Payload) is { IsInline: false } reference ? reference : null;

    private static bool IsReference(JsonElement value) =>
        value.ValueKind == JsonValueKind.Object && value.GetPropertyCount() == 1 && value.TryGetProperty(Mark, out var inner) && inner.ValueKind == JsonValueKind.Object;
}
