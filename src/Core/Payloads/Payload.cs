using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using Polyphony.Core.Json;

namespace Polyphony.Core.Payloads;

/// <summary>
/// A value that is passed through the history: in place when it is small, otherwise a reference into the payload store, optionally to a
/// part of what is stored there. Exactly one of <see cref="Json"/> and <see cref="Reference"/> is set.
/// </summary>
/// <remarks>Two payloads are equal if they are the same reference, or values in place with the same text.</remarks>
[JsonConverter(typeof(PayloadConverter))]
public sealed record Payload
{
    private readonly byte[]? _text;
    private readonly JsonElement? _json;

    // A value read from text is parsed when somebody looks into it: most are only passed on. Boxed, so that threads exchange it whole.
    private object? _parsed;

    /// <summary>The largest value kept in place, in bytes of UTF-8 JSON: 4 KB. Small enough that about ten fit into one history event.</summary>
    public const int InlineLimitBytes = 4 * 1024;

    /// <summary>Initializes a new instance of the <see cref="Payload"/> class.</summary>
    public Payload()
    {
    }

    private Payload(byte[] text) => _text = text;

    /// <summary>Gets the JSON null.</summary>
    public static Payload Null { get; } = new("null"u8.ToArray());

    /// <summary>Gets the value in place.</summary>
    public JsonElement? Json
    {
        get => _text is null ? _json : (JsonElement)(_parsed ??= JsonElement.Parse(_text, JsonLimits.Document));
        init
        {
            _json = value;
            _text = null;
            _parsed = null;
        }
    }

    /// <summary>Gets the reference.</summary>
    public PayloadReference? Reference { get; init; }

    /// <summary>Gets the JSON pointer (RFC 6901) to a part of the stored value, or <see langword="null"/> for the whole value.</summary>
    public string? Pointer { get; init; }

    /// <summary>Gets a value indicating whether the value is in place.</summary>
    public bool IsInline => Reference is null;

    /// <summary>Gets the text of the value in place, UTF-8 JSON; empty if there is none.</summary>
    internal ReadOnlySpan<byte> Text => _text is not null ? _text : _json is { } json ? JsonMarshal.GetRawUtf8Value(json) : default;

    /// <summary>Gets the size of the value, in bytes of UTF-8 JSON, wherever it is. Of a part of a stored value it is that of the whole.</summary>
    internal long Bytes => Reference?.Bytes ?? Text.Length;

    /// <summary>Determines whether a value may be kept in place: it is at most <see cref="InlineLimitBytes"/> long and <see cref="JsonLimits.MaxInlineDepth"/> deep.</summary>
    /// <param name="json">The value, UTF-8 JSON.</param>
    /// <returns><see langword="true"/> if so; otherwise, <see langword="false"/>.</returns>
    public static bool MayBeInline(ReadOnlySpan<byte> json) => json.Length <= InlineLimitBytes && JsonLimits.DepthOf(json) <= JsonLimits.MaxInlineDepth;

    /// <summary>Creates a payload of a small value.</summary>
    /// <param name="json">The value; must stay readable (not of a document to be disposed).</param>
    /// <returns>The payload.</returns>
    public static Payload Inline(JsonElement json) => new() { Json = json };

    /// <summary>Wraps a small value that is there as text.</summary>
    /// <param name="json">UTF-8 JSON that is known to be valid; not to be changed any more.</param>
    /// <returns>The payload.</returns>
    internal static Payload FromText(byte[] json) => new(json);

    /// <summary>Names the kind of the value in a message.</summary>
    internal string DescribeKind() => Reference?.Type ?? Json?.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "true or false",
        _ => "null",
    };

    /// <summary>Gets an item of an array, in place or by reference.</summary>
    /// <param name="index">Which.</param>
    /// <returns>The item.</returns>
    public Payload Item(int index) => IsInline
        ? Inline(Json!.Value[index])
        : new Payload { Reference = Reference, Pointer = $"{Pointer}/{index}" };

    /// <inheritdoc/>
    public bool Equals(Payload? other) =>
        ReferenceEquals(this, other)
        || (other is not null && Reference == other.Reference && Pointer == other.Pointer && Text.SequenceEqual(other.Text));

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Reference, Pointer, Text.Length);
}
