using System.Text.Json;

namespace Polyphony.Activities.Providers.OpenAI;

/// <summary>Tells which schemas the provider can hold a model to (https://platform.openai.com/docs/guides/structured-outputs#supported-schemas).</summary>
internal static class StrictSchema
{
    private static readonly string[] Supported =
    [
        "type", "properties", "required", "additionalProperties", "items", "enum", "const", "description", "title", "anyOf", "$ref", "$defs", "minimum", "maximum",
        "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "pattern", "format",
    ];

    /// <summary>A schema can be sent at all if it is one of an object.</summary>
    public static bool IsObject(JsonElement schema) =>
        schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String && type.ValueEquals("object");

    /// <summary>It can be enforced if every object lists all its members as required and allows no others, and only known keywords are used.</summary>
    public static bool Allows(JsonElement schema)
    {
        if (schema.ValueKind != JsonValueKind.Object || schema.EnumerateObject().Any(member => !Supported.Contains(member.Name)))
        {
            return false;
        }

        if (schema.TryGetProperty("properties", out var properties) || IsObject(schema))
        {
            var names = properties.ValueKind == JsonValueKind.Object ? properties.EnumerateObject().Select(property => property.Name).ToHashSet(StringComparer.Ordinal) : [];
            var required = schema.TryGetProperty("required", out var list) ? list.EnumerateArray().Select(item => item.GetString()!) : [];
            if (!names.SetEquals(required)
                || !schema.TryGetProperty("additionalProperties", out var others)
                || others.ValueKind != JsonValueKind.False
                || (properties.ValueKind == JsonValueKind.Object && properties.EnumerateObject().Any(property => !Allows(property.Value))))
            {
                return false;
            }
        }

        return (!schema.TryGetProperty("items", out var items) || Allows(items))
            && (!schema.TryGetProperty("anyOf", out var options) || options.EnumerateArray().All(Allows))
            && (!schema.TryGetProperty("$defs", out var definitions) || definitions.EnumerateObject().All(definition => Allows(definition.Value)));
    }
}
