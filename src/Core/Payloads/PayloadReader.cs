using System.Text.Json;
using Polyphony.Core.Json;
using Polyphony.Expressions;

namespace Polyphony.Core.Payloads;

/// <summary>Reads payloads, wherever their values are.</summary>
internal static class PayloadReader
{
    /// <summary>Reads a payload's value.</summary>
    /// <param name="store">The payload store.</param>
    /// <param name="payload">The payload.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The value.</returns>
    /// <exception cref="PayloadNotFoundException">It is not in the store.</exception>
    public static async ValueTask<JsonElement> ReadAsync(IPayloadStore store, Payload payload, CancellationToken cancellationToken = default)
    {
        if (payload.Reference is not { } reference)
        {
            return payload.Json!.Value;
        }

        var bytes = await store.GetAsync(reference.Hash, cancellationToken);
        return JsonPointer.Find(JsonDocument.Parse(bytes, JsonLimits.Document).RootElement, payload.Pointer) ?? throw new PayloadNotFoundException($"{reference.Hash}{payload.Pointer}");
    }

    /// <summary>Describes a value that is in the store.</summary>
    /// <param name="hash">Its hash.</param>
    /// <param name="bytes">Its size in bytes.</param>
    /// <param name="value">The value.</param>
    /// <returns>The reference.</returns>
    public static PayloadReference Describe(string hash, long bytes, JsonElement value) => new(
        hash,
        bytes,
        value.ValueKind switch
        {
            JsonValueKind.Object => "object",
            JsonValueKind.Array => "array",
            JsonValueKind.String => "string",
            JsonValueKind.Number => "number",
            JsonValueKind.True or JsonValueKind.False => "boolean",
            _ => "null",
        },
        value.ValueKind == JsonValueKind.Array ? value.GetArrayLength() : null);
}
