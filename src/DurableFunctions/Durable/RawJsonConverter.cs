using Microsoft.DurableTask;
using Microsoft.DurableTask.Converters;

namespace Polyphony.DurableFunctions.Durable;

/// <summary>Passes <see cref="RawJson"/> through unchanged; everything else goes by the Durable Task default. For hosts without Azure Functions, such as the test host.</summary>
internal sealed class RawJsonConverter : DataConverter
{
    /// <inheritdoc/>
    public override string? Serialize(object? value) => value is RawJson raw ? raw.Text : JsonDataConverter.Default.Serialize(value);

    /// <inheritdoc/>
    public override object? Deserialize(string? data, Type targetType) =>
        targetType == typeof(RawJson) ? RawJson.Read(data) : JsonDataConverter.Default.Deserialize(data, targetType);
}
