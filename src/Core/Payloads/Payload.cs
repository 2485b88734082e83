using System.Text.Json;
using System.Text.Json.Serialization;
using Polyphony.Core.Json;

namespace Polyphony.Core.Payloads;

/// <summary>
/// A value that travels through history: in place when it is small, otherwise a reference into the payload store, optionally to a
/// part of what is stored there. Exactly one of <see cref="Json"/> and <see cref="Reference"/> is set.
/// </summary>
[JsonConverter(typeof(PayloadConverter))]
public sealed record Payload
{
    /// <summary>The largest value kept in place, in bytes of UTF-8 JSON: 4 KB. Small enough that some ten fit one history event.</summary>
    public const int InlineLimitBytes = 4 * 1024;

    /// <summary>Gets the JSON null.</summary>
    public static Payload Null { get; } = new() { Json = JsonDocument.Parse("null").RootElement };

    /// <summary>Gets the value in place.</summary>
    public JsonElement? Json { get; init; }

    /// <summary>Gets the reference.</summary>
    public PayloadReference? Reference { get; init; }

    /// <summary>Gets which part of the stored value is meant: a JSON pointer (RFC 6901), or <see langword="null"/> for all of it.</summary>
    public string? Pointer { get; init; }

    /// <summary>Gets a value indicating whether the value is in place.</summary>
    public bool IsInline => Reference is null;

    /// <summary>Wraps a small value.</summary>
    /// <param name="json">The value; must stay readable (not of a document to be disposed).</param>
    /// <returns>The payload.</returns>
    public static Payload Inline(JsonElement json) => new() { Json = json };

    /// <summary>Gets an item of an array, in place or by reference.</summary>
    /// <param name="index">Which.</param>
    /// <returns>The item.</returns>
    public Payload Item(int index) => IsInline
        ? Inline(Json!.Value[index])
        : new Payload { Reference = Reference, Pointer = $"{Pointer}/{index}" };
}
