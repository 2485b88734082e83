using System.Text.Json;

namespace Polyphony.Expressions.Schemas;

/// <summary>Reads the keywords that hold no schemas: fixed values, and the limits of numbers, strings and arrays.</summary>
/// <param name="keywords">Reads their values.</param>
internal sealed class ConstraintReader(KeywordReader keywords)
{
    /// <summary>Reads a keyword if it is one of these.</summary>
    /// <param name="node">The part of the schema that it belongs to.</param>
    /// <param name="name">The keyword.</param>
    /// <param name="value">Its value.</param>
    /// <param name="pointer">Where it is.</param>
    /// <returns>Whether it is one of these.</returns>
    public bool TryRead(SchemaNode node, string name, JsonElement value, string pointer)
    {
        switch (name)
        {
            case "enum":
                node.Enum = keywords.ReadEnum(value, pointer);
                break;
            case "const":
                node.Const = keywords.ReadValues([value], pointer);
                break;
            case "minimum":
                node.Minimum = keywords.ReadNumber(value, pointer);
                break;
            case "maximum":
                node.Maximum = keywords.ReadNumber(value, pointer);
                break;
            case "exclusiveMinimum":
                node.ExclusiveMinimum = keywords.ReadNumber(value, pointer);
                break;
            case "exclusiveMaximum":
                node.ExclusiveMaximum = keywords.ReadNumber(value, pointer);
                break;
            case "multipleOf":
                node.MultipleOf = keywords.ReadFactor(value, pointer);
                break;
            default:
                return TryReadText(node, name, value, pointer);
        }

        return true;
    }

    /// <summary>Reads the keywords of strings.</summary>
    private bool TryReadText(SchemaNode node, string name, JsonElement value, string pointer)
    {
        switch (name)
        {
            case "minLength":
                node.MinLength = keywords.ReadCount(value, pointer);
                break;
            case "maxLength":
                node.MaxLength = keywords.ReadCount(value, pointer);
                break;
            case "pattern":
                node.PatternText = keywords.ReadString(value, pointer);
                node.Pattern = keywords.ReadPattern(node.PatternText, pointer);
                break;
            case "format":
                node.Format = keywords.ReadFormat(value, pointer);
                break;
            default:
                return TryReadArray(node, name, value, pointer);
        }

        return true;
    }

    /// <summary>Reads the keywords of arrays, without those that hold schemas.</summary>
    private bool TryReadArray(SchemaNode node, string name, JsonElement value, string pointer)
    {
        switch (name)
        {
            case "minItems":
                node.MinItems = keywords.ReadCount(value, pointer);
                break;
            case "maxItems":
                node.MaxItems = keywords.ReadCount(value, pointer);
                break;
            case "minContains":
                node.MinContains = keywords.ReadCount(value, pointer);
                break;
            case "maxContains":
                node.MaxContains = keywords.ReadCount(value, pointer);
                break;
            case "uniqueItems":
                node.UniqueItems = keywords.ReadBoolean(value, pointer);
                break;
            default:
                return false;
        }

        return true;
    }
}
