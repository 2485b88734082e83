using System.Text.Json;
using Polyphony.Cli.Output;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Cli.Questions;

/// <summary>Says what a field takes.</summary>
internal static class FieldText
{
    private static readonly (string Keyword, string Before, string After)[] Limits =
    [
        ("format", "", ""),
        ("minimum", "at least ", ""),
        ("exclusiveMinimum", "above ", ""),
        ("maximum", "at most ", ""),
        ("exclusiveMaximum", "below ", ""),
        ("multipleOf", "a multiple of ", ""),
        ("minLength", "at least ", " characters"),
        ("maxLength", "at most ", " characters"),
        ("minItems", "at least ", " items"),
        ("maxItems", "at most ", " items"),
        ("pattern", "matching ", ""),
    ];

    /// <summary>Says in a few words what a field takes, such as <c>integer, at least 1</c>.</summary>
    public static string Type(SchemaField field)
    {
        var type = field.Choices is { Count: > 0 } choices ? string.Join(" or ", choices.Select(choice => Value(choice.Value)))
            : field.Types != SchemaTypes.None ? SchemaText.Name(field.Types)
            : field.IsCombined ? "JSON"
            : "any JSON, or a text";
        return PlainText.Line(string.Join(", ", Limits.Select(limit => field.Find(limit.Keyword) is { } value ? $"{limit.Before}{Value(value)}{limit.After}" : null).OfType<string>().Prepend(type)));
    }

    /// <summary>Writes a value as a person writes it: a string without quotes, everything else as JSON.</summary>
    public static string Value(JsonElement value) => PlainText.Line(value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText());

    /// <summary>Lists the fields of an answer, for those who give them as arguments.</summary>
    public static IEnumerable<string> Arguments(SchemaField form) => form.Members.Select(member =>
        $"  {PlainText.Line(member.Name)}=…  {Type(member)} ({(member.IsRequired ? "required" : "optional")}){(member.Description is null ? "" : $": {PlainText.Line(member.Description)}")}");
}
