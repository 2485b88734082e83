using System.Text.Json;
using System.Text.Json.Serialization;
using Polyphony.Core.Payloads;

namespace Polyphony.Core.Json;

/// <summary>
/// Reads and writes payloads. A value in place is written with the text that it was read with, instead of token by token: values travel through calls,
/// results and lists many times and are not changed on the way, and text outside ASCII stays as short as it came. Unknown members are passed over.
/// </summary>
internal sealed class PayloadConverter : JsonConverter<Payload>
{
    private static readonly JsonEncodedText Json = JsonEncodedText.Encode("json");
    private static readonly JsonEncodedText Reference = JsonEncodedText.Encode("ref");
    private static readonly JsonEncodedText Pointer = JsonEncodedText.Encode("pointer");

    /// <inheritdoc/>
    public override Payload Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException($"A payload is an object; found {reader.TokenType}.");
        }

        Payload? value = null;
        PayloadReference? reference = null;
        string? pointer = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals(Json.EncodedUtf8Bytes))
            {
                reader.Read();
                value = ReadValue(ref reader);
            }
            else if (reader.ValueTextEquals(Reference.EncodedUtf8Bytes))
            {
                reader.Read();
                reference = JsonSerializer.Deserialize(ref reader, CoreJsonContext.Default.PayloadReference);
            }
            else if (reader.ValueTextEquals(Pointer.EncodedUtf8Bytes))
            {
                reader.Read();
                pointer = reader.GetString();
            }
            else
            {
                reader.Read();
                reader.Skip();
            }
        }

        // Exactly one is set; nothing at all stands for a JSON null.
        return reference is not null ? new Payload { Reference = reference, Pointer = pointer }
            : pointer is null ? value ?? Payload.Null
            : (value ?? Payload.Null) with { Pointer = pointer };
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, Payload value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        if (value.Text is { IsEmpty: false } text)
        {
            writer.WritePropertyName(Json);

            // It was read or parsed, so it is valid.
            writer.WriteRawValue(text, skipInputValidation: true);
        }

        if (value.Reference is not null)
        {
            writer.WritePropertyName(Reference);
            JsonSerializer.Serialize(writer, value.Reference, CoreJsonContext.Default.PayloadReference);
        }

        if (value.Pointer is not null)
        {
            writer.WriteString(Pointer, value.Pointer);
        }

        writer.WriteEndObject();
    }

    /// <summary>Reads a value in place. Texts, which most are, stay unchanged until somebody looks into them.</summary>
    internal static Payload ReadValue(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.String || reader.HasValueSequence)
        {
            return Payload.Inline(JsonElement.ParseValue(ref reader));
        }

        var content = reader.ValueSpan;
        var text = new byte[content.Length + 2];
        text[0] = (byte)'"';
        content.CopyTo(text.AsSpan(1));
        text[^1] = (byte)'"';
        return Payload.FromText(text);
    }
}
