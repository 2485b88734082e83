using System.Text.Json;
using System.Text.Json.Serialization;

namespace Polyphony.DurableFunctions.Durable;

/// <summary>
/// A payload as it is written and read: JSON text that Core has made and that nothing on the way parses or formats again, so that both
/// engines store the same bytes. <see cref="RawJsonSerializer"/> and <see cref="RawJsonConverter"/> pass it through.
/// </summary>
/// <param name="text">The JSON.</param>
[JsonConverter(typeof(InsideOthers))]
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

    /// <summary>Reads a payload that travelled: one that is not there is an empty text or a JSON null on the way.</summary>
    internal static RawJson? Read(string? text) => text is null or "" or "null" ? null : new RawJson(text);

    /// <summary>Durable Task puts an activity's input into a list of arguments.</summary>
    private sealed class InsideOthers : JsonConverter<RawJson>
    {
        public override RawJson Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            new(JsonElement.ParseValue(ref reader).GetRawText());

        public override void Write(Utf8JsonWriter writer, RawJson value, JsonSerializerOptions options) =>
            writer.WriteRawValue(value.Text, skipInputValidation: true);
    }
}
