using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Polyphony.Expressions.Evaluation;

namespace Polyphony.Expressions.Schemas;

/// <summary>How values and types appear in messages.</summary>
internal static class SchemaText
{
    private const int LongestValue = 60;

    /// <summary>Describes a value: its type and, if it is short, what it is.</summary>
    public static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => value.GetPropertyCount() switch { 0 => "an empty object", 1 => "an object of 1 member", var count => $"an object of {count} members" },
        JsonValueKind.Array => value.GetArrayLength() switch { 0 => "an empty array", 1 => "an array of 1 item", var count => $"an array of {count} items" },
        JsonValueKind.String => "string " + Short(value),
        JsonValueKind.Number => (JsonNumber.From(value).IsInteger ? "integer " : "number ") + Short(value),
        JsonValueKind.True or JsonValueKind.False => "boolean " + Short(value),
        _ => "null",
    };

    /// <summary>Writes a value as JSON of at most 60 characters.</summary>
    public static string Short(JsonElement value)
    {
        var text = value.ValueKind == JsonValueKind.String ? Quote(value.GetString()!) : Compact(value);
        return text.Length <= LongestValue ? text : Cut(text, LongestValue - 3) + "...";
    }

    /// <summary>Says what values are expected in place of the one that is found.</summary>
    public static string Unexpected(IReadOnlyList<JsonElement> choices, JsonElement value)
    {
        var shown = choices.Count <= 10 ? List([.. choices.Select(Short)], "or") : string.Join(", ", choices.Take(10).Select(Short)) + ", ...";
        var hint = value.ValueKind == JsonValueKind.String
            ? NearMatch.Hint(value.GetString()!, choices.Where(choice => choice.ValueKind == JsonValueKind.String).Select(choice => choice.GetString()!))
            : null;
        return $"Expected {shown}, found {Describe(value)}.{(hint is null ? "" : " " + hint)}";
    }

    /// <summary>Quotes a name or a text.</summary>
    public static string Quote(string text) => $"\"{JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text.Length > LongestValue ? Cut(text, LongestValue) : text)}\"";

    /// <summary>Names types: "integer, string or null".</summary>
    public static string Name(SchemaTypes types)
    {
        List<string> names = [];
        foreach (var type in Enum.GetValues<SchemaTypes>())
        {
            if (type != SchemaTypes.None && types.HasFlag(type) && !(type == SchemaTypes.Integer && types.HasFlag(SchemaTypes.Number)))
            {
                names.Add(type.ToString().ToLowerInvariant());
            }
        }

        return List(names, "or");
    }

    /// <summary>Joins words: "a, b or c".</summary>
    public static string List(IReadOnlyList<string> words, string last) =>
        words.Count < 2 ? words.FirstOrDefault("nothing") : $"{string.Join(", ", words.Take(words.Count - 1))} {last} {words[^1]}";

    /// <summary>Writes a value in the one form that equal values share: members sorted, numbers without needless zeros.</summary>
    /// <returns>Whether it could be written; not if it is nested deeper than the limit.</returns>
    public static bool TryAppendCanonical(StringBuilder builder, JsonElement value, int depth = 0)
    {
        if (depth > ExpressionLimits.Nesting)
        {
            return false;
        }

        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                builder.Append('{');
                foreach (var member in value.EnumerateObject().OrderBy(member => member.Name, StringComparer.Ordinal))
                {
                    AppendText(builder, member.Name);
                    builder.Append(':');
                    if (!TryAppendCanonical(builder, member.Value, depth + 1))
                    {
                        return false;
                    }

                    builder.Append(',');
                }

                builder.Append('}');
                return true;
            case JsonValueKind.Array:
                builder.Append('[');
                foreach (var item in value.EnumerateArray())
                {
                    if (!TryAppendCanonical(builder, item, depth + 1))
                    {
                        return false;
                    }

                    builder.Append(',');
                }

                builder.Append(']');
                return true;
            case JsonValueKind.String:
                AppendText(builder, value.GetString()!);
                return true;
            case JsonValueKind.Number:
                builder.Append(JsonNumber.From(value).ToCanonicalText());
                return true;
            default:
                builder.Append(value.ValueKind);
                return true;
        }
    }

    private static void AppendText(StringBuilder builder, string text) => builder.Append('"').Append(JsonEncodedText.Encode(text)).Append('"');

    private static string Compact(JsonElement value) => ValueWriter.ToJsonText(ExpressionValue.FromJson(value), out _) ?? "";

    private static string Cut(string text, int length) => text[..(char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)];
}
