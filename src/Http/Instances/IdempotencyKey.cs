using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Polyphony.Http.Problems;

namespace Polyphony.Http.Instances;

/// <summary>
/// Makes a start repeatable: workflow and key determine the instance's id, so that of any number of equal requests, at once or after a crash,
/// one starts; a hash of the body, kept as a tag, tells a repeat from another request under the same key.
/// </summary>
/// <param name="InstanceId">The id that follows from workflow and key.</param>
/// <param name="BodyHash">Lower-case hex SHA-256 of the body, whatever its spacing and order of fields.</param>
/// <param name="IsGivenId">Whether the id itself was given, and is what is repeated.</param>
internal sealed record IdempotencyKey(string InstanceId, string BodyHash, bool IsGivenId = false)
{
    /// <summary>The header.</summary>
    public const string Header = "Idempotency-Key";

    /// <summary>The tag that keeps the body's hash.</summary>
    public const string Tag = "idempotency";

    private const int MaxLength = 200;
    private const int IdBytes = 16;

    public static IdempotencyKey? Read(HttpRequest request, string workflow, JsonElement? body)
    {
        if (!request.Headers.TryGetValue(Header, out var values))
        {
            return null;
        }

        if (values is not [{ Length: > 0 and <= MaxLength } key] || key.Any(character => character is < '!' or > '~'))
        {
            throw RequestProblemException.Of(
                [new ProblemItem($"Header {Header} must be one text of 1 to {MaxLength} printable ASCII characters without spaces.", ProblemCodes.InvalidParameter, Parameter: Header)]);
        }

        return Of(workflow, key, body);
    }

    /// <summary>Makes a key of any text.</summary>
    /// <param name="scope">The scope within which the text is unique; without line breaks.</param>
    /// <param name="key">The text.</param>
    /// <param name="body">The body that every repeat must have.</param>
    public static IdempotencyKey Of(string scope, string key, JsonElement? body)
    {
        var id = SHA256.HashData(Encoding.UTF8.GetBytes($"{scope}\n{key}")).AsSpan(0, IdBytes);
        return new IdempotencyKey($"key-{Convert.ToHexStringLower(id)}", Hash(body));
    }

    /// <summary>Makes an id that was given the key.</summary>
    /// <param name="instanceId">The id.</param>
    /// <param name="body">The body that every repeat must have.</param>
    public static IdempotencyKey OfId(string instanceId, JsonElement? body) => new(instanceId, Hash(body), IsGivenId: true);

    private static string Hash(JsonElement? body) => Convert.ToHexStringLower(SHA256.HashData(Canonical(body)));

    private static byte[] Canonical(JsonElement? body)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            Write(writer, body ?? JsonElement.Parse("{}"));
        }

        return stream.ToArray();
    }

    private static void Write(Utf8JsonWriter writer, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var property in value.EnumerateObject().OrderBy(property => property.Name, StringComparer.Ordinal))
                {
                    writer.WritePropertyName(property.Name);
                    Write(writer, property.Value);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in value.EnumerateArray())
                {
                    Write(writer, item);
                }

                writer.WriteEndArray();
                break;
            case JsonValueKind.String:
                writer.WriteStringValue(value.GetString());
                break;
            default:
                value.WriteTo(writer);
                break;
        }
    }
}
