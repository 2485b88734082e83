using System.Text.Json;
using System.Text.Json.Serialization;
using Polyphony.Core.Payloads;

namespace Polyphony.Core.Json;

/// <summary>Reads and writes a payload that is always in place as its bare value.</summary>
internal sealed class PayloadValueConverter : JsonConverter<Payload>
{
    /// <inheritdoc/>
    public override bool HandleNull => true;

    /// <inheritdoc/>
    public override Payload Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => PayloadConverter.ReadValue(ref reader);

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, Payload value, JsonSerializerOptions options) => writer.WriteRawValue(value.Text, skipInputValidation: true);
}
