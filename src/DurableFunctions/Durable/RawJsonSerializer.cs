using System.Text;
using Azure.Core.Serialization;

namespace Polyphony.DurableFunctions.Durable;

/// <summary>Passes <see cref="RawJson"/> through unchanged; everything else goes to the serializer that the worker had. Durable bindings use it for all payloads.</summary>
/// <param name="inner">The serializer for everything else.</param>
internal sealed class RawJsonSerializer(ObjectSerializer inner) : ObjectSerializer
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    public override void Serialize(Stream stream, object? value, Type inputType, CancellationToken cancellationToken)
    {
        if (value is RawJson raw)
        {
            stream.Write(Utf8.GetBytes(raw.Text));
            return;
        }

        inner.Serialize(stream, value, inputType, cancellationToken);
    }

    public override ValueTask SerializeAsync(Stream stream, object? value, Type inputType, CancellationToken cancellationToken) =>
        value is RawJson raw
            ? stream.WriteAsync(Utf8.GetBytes(raw.Text), cancellationToken)
            : inner.SerializeAsync(stream, value, inputType, cancellationToken);

    public override object? Deserialize(Stream stream, Type returnType, CancellationToken cancellationToken)
    {
        if (returnType != typeof(RawJson))
        {
            return inner.Deserialize(stream, returnType, cancellationToken);
        }

        using var reader = new StreamReader(stream, Utf8, leaveOpen: true);
        return RawJson.Read(reader.ReadToEnd());
    }

    public override async ValueTask<object?> DeserializeAsync(Stream stream, Type returnType, CancellationToken cancellationToken)
    {
        if (returnType != typeof(RawJson))
        {
            return await inner.DeserializeAsync(stream, returnType, cancellationToken);
        }

        using var reader = new StreamReader(stream, Utf8, leaveOpen: true);
        return RawJson.Read(await reader.ReadToEndAsync(cancellationToken));
    }
}
