using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using Polyphony.Core.Payloads;

namespace Polyphony.Core.Json;

/// <summary>
/// Reads and writes payloads. A value in place is written with the text that it was read with, instead of token by token: values travel through calls,
/// results and lists many times and are not changed on the way, and text outside ASCII stays as short as it came. Unknown members are passed over.
/// </summary>
public sealed class PayloadConverter : JsonConverter<Payload>
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

        JsonElement? json = null;
        PayloadReference? reference = null;
        string? pointer = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals(Json.EncodedUtf8Bytes))
            {
                reader.Read();
                json = JsonElement.ParseValue(ref reader);
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
        return new Payload { Json = reference is null ? json ?? Payload.Null.Json : null, Reference = reference, Pointer = pointer };
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, Payload value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        if (value.Json is { } json)
        {
            writer.WritePropertyName(Json);

            // It was parsed, so it is valid.
            writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(json), skipInputValidation: true);
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
}
