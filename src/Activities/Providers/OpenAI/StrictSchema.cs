using System.Text.Json;

namespace Polyphony.Activities.Providers.OpenAI;

/// <summary>
/// Tells which schemas a server can hold a model to (https://platform.openai.com/docs/guides/structured-outputs#supported-schemas). One that does not qualify is sent without <c>strict</c>: servers refuse it
/// with it, and the answer is checked in any case.
/// </summary>
internal static class StrictSchema
{
    private const int Deepest = 10;
    private const int MostProperties = 5000;
    private const int MostChoices = 1000;

    private static readonly string[] Supported =
    [
        "type", "properties", "required", "additionalProperties", "items", "enum", "const", "description", "title", "anyOf", "$ref", "$defs", "minimum", "maximum",
        "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "pattern", "format",
    ];

    private static readonly string[] Types = ["string", "number", "integer", "boolean", "object", "array", "null"];
    private static readonly string[] Formats = ["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"];

    /// <summary>A schema can be sent at all if it is one of an object.</summary>
    public static bool IsObject(JsonElement schema) => Text(schema, "type") == "object";

    /// <summary>
    /// It can be enforced if each level says what it is (<c>type</c>, <c>anyOf</c> or <c>$ref</c>), every object lists all its members as required and allows no others, only known keywords are used, and the
    /// whole is of a size that is taken.
    /// </summary>
    public static bool Allows(JsonElement schema)
    {
        var (properties, choices) = (0, 0);
        return IsObject(schema) && !schema.TryGetProperty("anyOf", out _) && Allows(schema, 0, ref properties, ref choices) && properties <= MostProperties && choices <= MostChoices;
    }

    private static bool Allows(JsonElement schema, int depth, ref int properties, ref int choices)
    {
        if (depth > Deepest || schema.ValueKind != JsonValueKind.Object || schema.EnumerateObject().Any(member => !Supported.Contains(member.Name)))
        {
            return false;
        }

        if (schema.TryGetProperty("$ref", out var reference))
        {
            // Nothing may stand beside it.
            return IsWithinSchema(reference) && schema.EnumerateObject().Count() == 1;
        }

        choices += Choices(schema);
        return AllowsType(schema, out var isObject, out var isArray)
            && (!isObject || AllowsObject(schema, depth, ref properties, ref choices))
            && (!isArray || (schema.TryGetProperty("items", out var items) && Allows(items, depth + 1, ref properties, ref choices)))
            && AllowsFormat(schema)
            && AllowsEach(schema, "anyOf", depth, ref properties, ref choices)
            && AllowsEach(schema, "$defs", depth, ref properties, ref choices);
    }

    private static bool IsWithinSchema(JsonElement reference) =>
        reference.ValueKind == JsonValueKind.String && (reference.ValueEquals("#") || reference.GetString()!.StartsWith("#/$defs/", StringComparison.Ordinal));

    private static int Choices(JsonElement schema) =>
        schema.TryGetProperty("enum", out var values) && values.ValueKind == JsonValueKind.Array ? values.GetArrayLength() : 0;

    private static bool AllowsFormat(JsonElement schema) => !schema.TryGetProperty("format", out _) || Formats.Contains(Text(schema, "format"));

    // One type, several, or alternatives that say it.
    private static bool AllowsType(JsonElement schema, out bool isObject, out bool isArray)
    {
        isObject = isArray = false;
        if (!schema.TryGetProperty("type", out var type))
        {
            return schema.TryGetProperty("anyOf", out var options) && options.ValueKind == JsonValueKind.Array && options.GetArrayLength() > 0
                && !schema.TryGetProperty("properties", out _) && !schema.TryGetProperty("items", out _);
        }

        string?[] names = type.ValueKind switch
        {
            JsonValueKind.String => [type.GetString()],
            JsonValueKind.Array => [.. type.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.String ? item.GetString() : null)],
            _ => [],
        };
        (isObject, isArray) = (names.Contains("object"), names.Contains("array"));
        return names.Length > 0 && names.All(Types.Contains);
    }

    private static bool AllowsObject(JsonElement schema, int depth, ref int properties, ref int choices)
    {
        string[] names = [];
        if (schema.TryGetProperty("properties", out var members))
        {
            if (members.ValueKind != JsonValueKind.Object)
            {
                return false;
            }

            names = [.. members.EnumerateObject().Select(member => member.Name)];
            properties += names.Length;
            foreach (var member in members.EnumerateObject())
            {
                if (!Allows(member.Value, depth + 1, ref properties, ref choices))
                {
                    return false;
                }
            }
        }

        var required = schema.TryGetProperty("required", out var list) && list.ValueKind == JsonValueKind.Array
            ? list.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.String ? item.GetString()! : "")
            : [];
        return names.ToHashSet(StringComparer.Ordinal).SetEquals(required) && schema.TryGetProperty("additionalProperties", out var others) && others.ValueKind == JsonValueKind.False;
    }

    private static bool AllowsEach(JsonElement schema, string keyword, int depth, ref int properties, ref int choices)
    {
        if (!schema.TryGetProperty(keyword, out var parts))
        {
            return true;
        }

        IEnumerable<JsonElement> each = parts.ValueKind switch
        {
            JsonValueKind.Array => parts.EnumerateArray(),
            JsonValueKind.Object => parts.EnumerateObject().Select(part => part.Value),
            _ => [default],
        };
        foreach (var part in each)
        {
            if (!Allows(part, keyword == "$defs" ? 1 : depth + 1, ref properties, ref choices))
            {
                return false;
            }
        }

        return true;
    }

    private static string? Text(JsonElement schema, string name) =>
        schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
