using System.Collections.Frozen;
using System.Text.Json;
using System.Text.RegularExpressions;
using Polyphony.Expressions.Evaluation;

namespace Polyphony.Expressions.Schemas;

/// <summary>Reads the values of keywords.</summary>
/// <param name="isLenient">Whether what is only a mistake of style passes.</param>
/// <param name="problems">Receives what is wrong.</param>
/// <param name="warnings">Receives what is probably not meant.</param>
internal sealed class KeywordReader(bool isLenient, List<SchemaViolation> problems, List<SchemaViolation> warnings)
{
    private static readonly string[] Keywords =
    [
        "type", "properties", "required", "additionalProperties", "patternProperties", "propertyNames", "dependentRequired", "dependentSchemas", "items", "prefixItems", "contains",
        "minContains", "maxContains", "minItems", "maxItems", "uniqueItems", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
        "maxLength", "minProperties", "maxProperties", "pattern", "format", "anyOf", "oneOf", "allOf", "not", "if", "then", "else", "$ref", "$defs", "title", "description", "default",
        "examples", "deprecated", "readOnly", "writeOnly", "$schema", "$id", "$comment",
    ];

    /// <summary>What demands something and is not checked: to pass over it would let values through that its author wants to keep out.</summary>
    private static readonly HashSet<string> Unsupported = new(StringComparer.Ordinal) { "unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "$recursiveRef" };

    /// <summary>What other specifications and older drafts have, and what to write here.</summary>
    private static readonly Dictionary<string, string> Replacements = new(StringComparer.Ordinal)
    {
        ["definitions"] = "Write \"$defs\".",
        ["dependencies"] = "Write \"dependentRequired\" or \"dependentSchemas\".",
        ["additionalItems"] = "Write \"items\" beside \"prefixItems\".",
        ["nullable"] = "Write type: [string, \"null\"].",
        ["example"] = "Write \"examples\", an array.",
        ["optional"] = "Leave the member out of \"required\".",
        ["min"] = "Write \"minimum\", \"minLength\" or \"minItems\".",
        ["max"] = "Write \"maximum\", \"maxLength\" or \"maxItems\".",
        ["values"] = "Write \"enum\".",
        ["unevaluatedProperties"] = "Use \"additionalProperties\".",
        ["unevaluatedItems"] = "Use \"items\" beside \"prefixItems\".",
        ["$dynamicRef"] = "Use \"$ref\".",
        ["$recursiveRef"] = "Use \"$ref\".",
    };

    private static readonly string[] TypeNames = ["null", "boolean", "integer", "number", "string", "array", "object"];

    private static readonly FrozenDictionary<string, SchemaTypes> TypesByName = new Dictionary<string, SchemaTypes>
    {
        ["null"] = SchemaTypes.Null,
        ["boolean"] = SchemaTypes.Boolean,
        ["integer"] = SchemaTypes.Integer,
        ["number"] = SchemaTypes.Number,
        ["string"] = SchemaTypes.String,
        ["array"] = SchemaTypes.Array,
        ["object"] = SchemaTypes.Object,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>What programming languages call the types.</summary>
    private static readonly FrozenDictionary<string, string> OtherNames = new Dictionary<string, string>
    {
        ["int"] = "integer",
        ["long"] = "integer",
        ["float"] = "number",
        ["double"] = "number",
        ["decimal"] = "number",
        ["bool"] = "boolean",
        ["text"] = "string",
        ["str"] = "string",
        ["list"] = "array",
        ["map"] = "object",
        ["dict"] = "object",
        ["date"] = "string\" with \"format",
        ["datetime"] = "string\" with \"format",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Says why a keyword is refused whatever the reading, if it is.</summary>
    public static string? Refusal(string name) =>
        Unsupported.Contains(name) ? $"The keyword {SchemaText.Quote(name)} is not supported.{(Replacements.TryGetValue(name, out var replacement) ? " " + replacement : "")}" : null;

    /// <summary>Says what may have been meant by a keyword that there isn't.</summary>
    public static string KeywordHint(string name)
    {
        if (Replacements.TryGetValue(name, out var replacement))
        {
            return " " + replacement;
        }

        var hint = NearMatch.Hint(name, Keywords);
        return " " + (hint ?? "Custom keywords begin with \"x-\".");
    }

    public SchemaTypes ReadTypes(JsonElement value, string pointer)
    {
        if (value.ValueKind == JsonValueKind.String)
        {
            return ReadType(value, pointer);
        }

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
            if ((types & type) != SchemaTypes.None && !isLenient)
            {
                Report(pointer, $"The type {SchemaText.Name(type)} is named twice.");
            }

            types |= type;
        }

        return types;
    }

    private SchemaTypes ReadType(JsonElement value, string pointer)
    {
        var name = value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        if (name is not null && TypesByName.TryGetValue(name, out var type))
        {
            return type;
        }

        var meant = name is not null ? OtherNames.GetValueOrDefault(name) ?? NearMatch.Find(name, TypeNames) : value.ValueKind == JsonValueKind.Null ? "null" : null;
        Report(pointer, $"Expected {SchemaText.List(TypeNames, "or")}, found {SchemaText.Describe(value)}.{(meant is null ? "" : $" Did you mean \"{meant}\"?")}");
        return SchemaTypes.None;
    }

    public List<string> ReadNames(JsonElement value, string pointer)
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
            if (ReadString(item, $"{pointer}/{names.Count}") is { } name && !isLenient && names.Contains(name))
            {
                Report($"{pointer}/{names.Count}", $"The member {SchemaText.Quote(name)} is named twice.");
            }

            names.Add(item.ValueKind == JsonValueKind.String ? item.GetString()! : "");
        }

        return names;
    }

    public JsonNumber? ReadNumber(JsonElement value, string pointer)
    {
        if (value.ValueKind == JsonValueKind.Number)
        {
            return JsonNumber.From(value);
        }

        Report(pointer, $"Expected a number, found {SchemaText.Describe(value)}.");
        return null;
    }

    public JsonNumber? ReadFactor(JsonElement value, string pointer)
    {
        var factor = ReadNumber(value, pointer);
        if (factor is { IsPositive: false })
        {
            Report(pointer, $"Expected a number above 0, found {SchemaText.Describe(value)}.");
        }

        if (factor is { Digits.Length: > SchemaLimits.Digits })
        {
            Report(pointer, $"The number has more than {SchemaLimits.Digits:N0} digits.");
        }

        return factor;
    }

    public ValueSet? ReadEnum(JsonElement value, string pointer)
    {
        if (value.ValueKind == JsonValueKind.Array && (isLenient || value.GetArrayLength() > 0))
        {
            return ReadValues([.. value.EnumerateArray()], pointer);
        }

        Report(pointer, $"Expected an array of at least one value, found {SchemaText.Describe(value)}.");
        return null;
    }

    public ValueSet ReadValues(IReadOnlyList<JsonElement> values, string pointer)
    {
        var set = new ValueSet(values);
        if (set.IsTooDeep)
        {
            Report(pointer, $"A value is nested deeper than {ExpressionLimits.Nesting} levels.");
        }

        return set;
    }

    public Regex? ReadPattern(string? text, string pointer)
    {
        if (text is null)
        {
            return null;
        }

        var pattern = SafePattern.TryCompile(text, out var problem);
        if (pattern is null)
        {
            Report(pointer, problem!);
        }

        return pattern;
    }

    public string? ReadFormat(JsonElement value, string pointer)
    {
        if (ReadString(value, pointer) is not { } format)
        {
            return null;
        }

        if (SchemaFormats.IsKnown(format))
        {
            return format;
        }

        warnings.Add(new SchemaViolation(pointer, $"The format {SchemaText.Quote(format)} is not checked. {NearMatch.Hint(format, SchemaFormats.Names) ?? $"Those that are: {SchemaText.List(SchemaFormats.Names, "and")}."}"));
        return null;
    }

    public long? ReadCount(JsonElement value, string pointer)
    {
        if (value.ValueKind == JsonValueKind.Number && JsonNumber.From(value) is { IsInteger: true, IsNegative: false } && value.TryGetDouble(out var number) && number <= int.MaxValue)
        {
            return (long)number;
        }

        Report(pointer, $"Expected a whole number from 0 to {int.MaxValue}, found {SchemaText.Describe(value)}.");
        return null;
    }

    public bool ReadBoolean(JsonElement value, string pointer)
    {
        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            return value.GetBoolean();
        }

        Report(pointer, $"Expected true or false, found {SchemaText.Describe(value)}.");
        return false;
    }

    public string? ReadString(JsonElement value, string pointer)
    {
        if (value.ValueKind == JsonValueKind.String)
        {
            return value.GetString();
        }

        Report(pointer, $"Expected a string, found {SchemaText.Describe(value)}.");
        return null;
    }

    /// <summary>Finds keywords that contradict each other, or that have no effect without another.</summary>
    public void CheckTogether(SchemaNode node, string pointer)
    {
        CheckRange(node.MinLength, node.MaxLength, "Length", pointer);
        CheckRange(node.MinItems, node.MaxItems, "Items", pointer);
        CheckRange(node.MinProperties, node.MaxProperties, "Properties", pointer);
        CheckBounds(node, pointer);
        CheckRange(node.MinContains, node.MaxContains, "Contains", pointer);
        CheckCompanions(node, pointer);
        CheckRequired(node, pointer);
    }

    private void CheckBounds(SchemaNode node, string pointer)
    {
        if (node.Minimum is { } minimum && node.Maximum is { } maximum && minimum.CompareTo(maximum) > 0)
        {
            Report($"{pointer}/minimum", $"The minimum {minimum.Text} is above the maximum {maximum.Text}.");
        }
    }

    private void CheckCompanions(SchemaNode node, string pointer)
    {
        if (node.Contains is null && (node.MinContains ?? node.MaxContains) is not null)
        {
            Report($"{pointer}/{(node.MinContains is null ? "maxContains" : "minContains")}", "It has no effect without \"contains\".");
        }

        if (node.If is null && (node.Then ?? node.Else) is not null)
        {
            Report($"{pointer}/{(node.Then is null ? "else" : "then")}", "It has no effect without \"if\".");
        }
    }

    /// <summary>Finds required members that can't be there, or whose names seem misspelt.</summary>
    private void CheckRequired(SchemaNode node, string pointer)
    {
        if (node.Required is null || node.Properties is null)
        {
            return;
        }

        for (var i = 0; i < node.Required.Count; i++)
        {
            var name = node.Required[i];
            if (name.Length == 0 || node.Properties.ContainsKey(name) || node.PatternProperties?.Exists(member => member.Pattern.IsMatch(name)) == true)
            {
                continue;
            }

            var hint = NearMatch.Hint(name, node.Properties.Keys);
            if (node.AdditionalProperties is { Always: false } || (hint is not null && node.AdditionalProperties is null))
            {
                Report($"{pointer}/required/{i}", $"The required member {SchemaText.Quote(name)} is not in \"properties\".{(hint is null ? "" : " " + hint)}");
            }
        }
    }

    private void CheckRange(long? least, long? most, string what, string pointer)
    {
        if (least > most)
        {
            Report($"{pointer}/min{what}", $"\"min{what}\" is {least}, above \"max{what}\", which is {most}.");
        }
    }

    private void Report(string pointer, string message) => problems.Add(new SchemaViolation(pointer, message));
}
