using System.Text.Json;
using System.Text.RegularExpressions;

namespace Polyphony.Core.Schemas;

/// <summary>The types of JSON.</summary>
[Flags]
internal enum SchemaTypes
{
    None = 0,
    Null = 1,
    Boolean = 2,
    Integer = 4,
    Number = 8,
    String = 16,
    Array = 32,
    Object = 64,
}

/// <summary>A compiled schema, or a part of one. Filled by the parser, then unchanged.</summary>
internal sealed class SchemaNode
{
    public bool? Always { get; set; }

    public SchemaTypes Types { get; set; }

    public SchemaNode? Ref { get; set; }

    public Dictionary<string, SchemaNode>? Properties { get; set; }

    public List<string>? Required { get; set; }

    public SchemaNode? AdditionalProperties { get; set; }

    public long? MinProperties { get; set; }

    public long? MaxProperties { get; set; }

    public List<SchemaNode>? PrefixItems { get; set; }

    public SchemaNode? Items { get; set; }

    public long? MinItems { get; set; }

    public long? MaxItems { get; set; }

    public bool UniqueItems { get; set; }

    public List<JsonElement>? Enum { get; set; }

    public JsonElement? Const { get; set; }

    public JsonNumber? Minimum { get; set; }

    public JsonNumber? Maximum { get; set; }

    public JsonNumber? ExclusiveMinimum { get; set; }

    public JsonNumber? ExclusiveMaximum { get; set; }

    public JsonNumber? MultipleOf { get; set; }

    public long? MinLength { get; set; }

    public long? MaxLength { get; set; }

    public Regex? Pattern { get; set; }

    public string? PatternText { get; set; }

    public string? Format { get; set; }

    public List<SchemaNode>? AnyOf { get; set; }

    public List<SchemaNode>? OneOf { get; set; }

    public List<SchemaNode>? AllOf { get; set; }

    public SchemaNode? Not { get; set; }

    public SchemaNode? If { get; set; }

    public SchemaNode? Then { get; set; }

    public SchemaNode? Else { get; set; }

    /// <summary>Gets the parts that look at the same value as this one.</summary>
    public IEnumerable<SchemaNode> InPlace()
    {
        foreach (var node in new[] { Ref, Not, If, Then, Else })
        {
            if (node is not null)
                yield return node;
        }

        foreach (var list in new[] { AnyOf, OneOf, AllOf })
        {
            foreach (var node in list ?? [])
                yield return node;
        }
    }
}
