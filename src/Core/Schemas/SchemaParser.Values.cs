using System.Text.Json;
using Polyphony.Core.Expressions;

namespace Polyphony.Core.Schemas;

/// <content>Reads the values of keywords.</content>
internal sealed partial class SchemaParser
{
    private static readonly string[] Keywords =
    [
        "type", "properties", "required", "additionalProperties", "items", "prefixItems", "minItems", "maxItems", "uniqueItems", "enum", "const", "minimum", "maximum",
        "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "minProperties", "maxProperties", "pattern", "format", "anyOf", "oneOf", "allOf", "not",
        "if", "then", "else", "$ref", "$defs", "title", "description", "default", "examples", "deprecated", "$schema", "$id", "$comment",
    ];

    /// <summary>What other specifications and older drafts have, and what to write here.</summary>
    private static readonly Dictionary<string, string> Replacements = new(StringComparer.Ordinal)
    {
        ["definitions"] = "Write \"$defs\".",
        ["nullable"] = "Write type: [string, \"null\"].",
        ["example"] = "Write \"examples\", an array.",
        ["optional"] = "Leave the member out of \"required\".",
        ["min"] = "Write \"minimum\", \"minLength\" or \"minItems\".",
        ["max"] = "Write \"maximum\", \"maxLength\" or \"maxItems\".",
        ["values"] = "Write \"enum\".",
        ["patternProperties"] = "It is not supported; \"additionalProperties\" takes a schema for all other members.",
        ["unevaluatedProperties"] = "It is not supported; use \"additionalProperties\".",
        ["dependentRequired"] = "It is not supported; use \"if\" and \"then\".",
        ["contains"] = "It is not supported.",
        ["propertyNames"] = "It is not supported.",
    };

    private static string KeywordHint(string name)
    {
        if (Replacements.TryGetValue(name, out var replacement))
            return " " + replacement;
        var hint = NearMatch.Hint(name, Keywords);
        return " " + (hint ?? "Names of one's own begin with \"x-\".");
    }

    private SchemaTypes ReadTypes(JsonElement value, string pointer)
    {
        if (value.ValueKind == JsonValueKind.String)
            return ReadType(value, pointer);
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() == 0)
        {
            Report(pointer, $"Expected the name of a type or an array of them, found {SchemaText.Describe(value)}.");
            return SchemaTypes.None;
        }

        var types = SchemaTypes.None;
        var index = 0;
        foreach (var item in value.EnumerateArray())
        {
            var type = ReadType(item, $"{pointer}/{index++}");
            if ((types & type) != SchemaTypes.None)
                Report(pointer, $"The type {SchemaText.Name(type)} is named twice.");
            types |= type;
        }

        return types;
    }

    private SchemaTypes ReadType(JsonElement value, string pointer)
    {
        var name = value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        switch (name)
        {
            case "null":
                return SchemaTypes.Null;
            case "boolean":
                return SchemaTypes.Boolean;
            case "integer":
                return SchemaTypes.Integer;
            case "number":
                return SchemaTypes.Number;
            case "string":
                return SchemaTypes.String;
            case "array":
                return SchemaTypes.Array;
            case "object":
                return SchemaTypes.Object;
        }

        var meant = name switch
        {
            null => value.ValueKind == JsonValueKind.Null ? "null" : null,
            "int" or "long" => "integer",
            "float" or "double" or "decimal" => "number",
            "bool" => "boolean",
            "text" or "str" => "string",
            "list" => "array",
            "map" or "dict" => "object",
            "date" or "datetime" => "string\" with \"format",
            _ => NearMatch.Find(name, ["null", "boolean", "integer", "number", "string", "array", "object"]),
        };
        Report(pointer, $"Expected null, boolean, integer, number, string, array or object, found {SchemaText.Describe(value)}.{(meant is null ? "" : $" Did you mean \"{meant}\"?")}");
        return SchemaTypes.None;
    }

    private List<string> ReadNames(JsonElement value, string pointer)
    {
        List<string> names = [];
        if (value.ValueKind != JsonValueKind.Array)
        {
            var hint = value.ValueKind is JsonValueKind.True or JsonValueKind.False ? " List the names of the required members in the object's schema: required: [name]." : "";
            Report(pointer, $"Expected an array of names, found {SchemaText.Describe(value)}.{hint}");
            return names;
        }

        foreach (var item in value.EnumerateArray())
        {
            if (ReadString(item, $"{pointer}/{names.Count}") is { } name && names.Contains(name))
                Report($"{pointer}/{names.Count}", $"The member {SchemaText.Quote(name)} is named twice.");
            names.Add(item.ValueKind == JsonValueKind.String ? item.GetString()! : "");
        }

        return names;
    }

    private JsonNumber? ReadNumber(JsonElement value, string pointer)
    {
        if (value.ValueKind == JsonValueKind.Number)
            return JsonNumber.From(value);
        Report(pointer, $"Expected a number, found {SchemaText.Describe(value)}.");
        return null;
    }

    private long? ReadCount(JsonElement value, string pointer)
    {
        if (value.ValueKind == JsonValueKind.Number && JsonNumber.From(value) is { IsInteger: true, IsNegative: false } && value.TryGetDouble(out var number) && number <= int.MaxValue)
            return (long)number;
        Report(pointer, $"Expected a whole number from 0 to {int.MaxValue}, found {SchemaText.Describe(value)}.");
        return null;
    }

    private bool ReadBoolean(JsonElement value, string pointer)
    {
        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False)
            return value.GetBoolean();
        Report(pointer, $"Expected true or false, found {SchemaText.Describe(value)}.");
        return false;
    }

    private string? ReadString(JsonElement value, string pointer)
    {
        if (value.ValueKind == JsonValueKind.String)
            return value.GetString();
        Report(pointer, $"Expected a string, found {SchemaText.Describe(value)}.");
        return null;
    }

    /// <summary>Finds keywords that contradict each other, or that have no effect without another.</summary>
    private void CheckTogether(SchemaNode node, string pointer)
    {
        CheckRange(node.MinLength, node.MaxLength, "Length", pointer);
        CheckRange(node.MinItems, node.MaxItems, "Items", pointer);
        CheckRange(node.MinProperties, node.MaxProperties, "Properties", pointer);
        if (node.Minimum is { } minimum && node.Maximum is { } maximum && minimum.CompareTo(maximum) > 0)
            Report($"{pointer}/minimum", $"The minimum {minimum.Text} is above the maximum {maximum.Text}.");
        if (node.If is null && (node.Then ?? node.Else) is not null)
            Report($"{pointer}/{(node.Then is null ? "else" : "then")}", "It has no effect without \"if\".");
        if (node.Required is null || node.Properties is null)
            return;
        for (var i = 0; i < node.Required.Count; i++)
        {
            var name = node.Required[i];
            if (name.Length == 0 || node.Properties.ContainsKey(name))
                continue;
            var hint = NearMatch.Hint(name, node.Properties.Keys);
            if (node.AdditionalProperties is { Always: false } || (hint is not null && node.AdditionalProperties is null))
                Report($"{pointer}/required/{i}", $"The required member {SchemaText.Quote(name)} is not in \"properties\".{(hint is null ? "" : " " + hint)}");
        }
    }

    private void CheckRange(long? least, long? most, string what, string pointer)
    {
        if (least > most)
            Report($"{pointer}/min{what}", $"\"min{what}\" is {least}, above \"max{what}\", which is {most}.");
    }
}
