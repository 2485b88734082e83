namespace Polyphony.Functions.Durable;

/// <summary>
/// A payload as it is written and read: JSON text that Core has made and that nothing on the way parses or formats again.
/// <see cref="RawJsonSerializer"/> and <see cref="RawJsonConverter"/> pass it through, so that both engines store the same bytes.
/// </summary>
/// <param name="text">The JSON.</param>
public sealed class RawJson(string text)
{
    /// <summary>Gets the JSON.</summary>
    public string Text { get; } = text;

    /// <summary>Wraps a payload.</summary>
    /// <param name="text">JSON, or <see langword="null"/>.</param>
    /// <returns>The payload, or <see langword="null"/>.</returns>
    public static RawJson? Of(string? text) => text is null ? null : new RawJson(text);

    /// <inheritdoc/>
    public override string ToString() => Text;
}
