using System.Text.Json;
using System.Text.Json.Nodes;
using Polyphony.Core.Json;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Cli.Inputs;

/// <summary>Reads a value that a person writes, by the types that a schema allows.</summary>
internal static class TextValue
{
    // In the order in which messages name them.
    private static readonly (SchemaTypes Type, string Words)[] Words =
    [
        (SchemaTypes.Boolean, "true or false"),
        (SchemaTypes.Integer, "a whole number"),
        (SchemaTypes.Number, "a number"),
        (SchemaTypes.Array, "an array as JSON, such as [1, 2]"),
        (SchemaTypes.Object, "an object as JSON, such as {\"a\": 1}"),
        (SchemaTypes.Null, "null"),
    ];

    /// <summary>Reads a value: a text where strings are allowed, else JSON; where nothing is known, JSON if it is JSON and otherwise a text.</summary>
    /// <param name="text">What was written.</param>
    /// <param name="types">The types; none if any is accepted.</param>
    /// <param name="value">The value.</param>
    /// <param name="problem">What is wrong, such as <c>must be a whole number; found "x".</c></param>
    /// <returns>Whether it could be read.</returns>
    public static bool TryRead(string text, SchemaTypes types, out JsonNode? value, out string? problem)
    {
        (value, problem) = (null, null);
        if (types.HasFlag(SchemaTypes.String))
        {
            value = text;
            return true;
        }

        try
        {
            value = Node(StrictJson.Parse(text));
            if (types == SchemaTypes.None || IsOf(types, value))
            {
                return true;
            }
        }
        catch (InvalidJsonException e) when (!e.IsSyntax)
        {
            problem = $"is JSON that is not taken: {e.Message}.";
            return false;
        }
        catch (InvalidJsonException) when (types == SchemaTypes.None)
        {
            value = text;
            return true;
        }
        catch (InvalidJsonException)
        {
            // Said below.
        }

        problem = $"must be {string.Join(" or ", Words.Where(each => types.HasFlag(each.Type)).Select(each => each.Words))}; found \"{text}\".";
        return false;
    }

    /// <summary>Gets a value that can be put into another.</summary>
    public static JsonNode? Node(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => JsonObject.Create(json),
        JsonValueKind.Array => JsonArray.Create(json),
        JsonValueKind.Null => null,
        _ => JsonValue.Create(json),
    };

    /// <summary>Gets a value as it is checked and sent.</summary>
    public static JsonElement Element(JsonNode? value) => JsonSerializer.SerializeToElement(value, CliJsonContext.Default.JsonNode);

    private static bool IsOf(SchemaTypes types, JsonNode? json) => (json?.GetValueKind() ?? JsonValueKind.Null) switch
    {
        JsonValueKind.Number => (types & (SchemaTypes.Number | SchemaTypes.Integer)) != SchemaTypes.None,
        JsonValueKind.True or JsonValueKind.False => types.HasFlag(SchemaTypes.Boolean),
        JsonValueKind.Array => types.HasFlag(SchemaTypes.Array),
        JsonValueKind.Object => types.HasFlag(SchemaTypes.Object),
        JsonValueKind.Null => types.HasFlag(SchemaTypes.Null),
        _ => false,
    };
}
