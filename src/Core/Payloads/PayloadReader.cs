using System.Text.Json;
using Polyphony.Core.Json;

namespace Polyphony.Core.Payloads;

/// <summary>Reads payloads, wherever their values are.</summary>
public static class PayloadReader
{
    /// <summary>Reads a payload's value.</summary>
    /// <param name="store">The payload store.</param>
    /// <param name="payload">The payload.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The value.</returns>
    /// <exception cref="PayloadNotFoundException">It is not in the store.</exception>
    public static async ValueTask<JsonElement> ReadAsync(IPayloadStore store, Payload payload, CancellationToken cancellationToken = default)
    {
        if (payload.Reference is not { } reference)
        {
            return payload.Json!.Value;
        }

        var bytes = await store.GetAsync(reference.Hash, cancellationToken);
        return Select(JsonDocument.Parse(bytes, JsonLimits.Document).RootElement, payload.Pointer) ?? throw new PayloadNotFoundException($"{reference.Hash}{payload.Pointer}");
    }

    /// <summary>Finds a part of a value.</summary>
    /// <param name="value">The value.</param>
    /// <param name="pointer">A JSON pointer (RFC 6901); <see langword="null"/> or empty for all of it.</param>
    /// <returns>The part, or <see langword="null"/> if there is none.</returns>
    public static JsonElement? Select(JsonElement value, string? pointer)
    {
        if (string.IsNullOrEmpty(pointer))
        {
            return value;
        }

        foreach (var part in pointer[1..].Split('/'))
        {
            var name = part.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            if (value.ValueKind == JsonValueKind.Array && int.TryParse(name, out var index) && index >= 0 && index < value.GetArrayLength())
            {
                value = value[index];
            }
            else if (value.ValueKind == JsonValueKind.Object && value.TryGetProperty(name, out var member))
            {
                value = member;
            }
            else
            {
                return null;
            }
        }

        return value;
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
