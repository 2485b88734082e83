using System.Text.Json;
using System.Text.RegularExpressions;

namespace Polyphony.Expressions.Schemas;

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
/// <param name="id">Its number among the parts of the schema.</param>
/// <param name="json">What it was read from.</param>
internal sealed class SchemaNode(int id, JsonElement json)
{
    /// <summary>The most members that are remembered for their values.</summary>
    public const int MostTags = 8;

    public int Id { get; } = id;

    /// <summary>Gets what it was read from.</summary>
    public JsonElement Json { get; } = json;

    /// <summary>Gets or sets a value indicating whether a reference leads here, so that a value may come here by more than one way.</summary>
    public bool IsShared { get; set; }

    public bool? Always { get; set; }

    public SchemaTypes Types { get; set; }

    public SchemaNode? Ref { get; set; }

    public Dictionary<string, SchemaNode>? Properties { get; set; }

    public List<(Regex Pattern, SchemaNode Schema)>? PatternProperties { get; set; }

    public List<string>? Required { get; set; }

    public SchemaNode? AdditionalProperties { get; set; }

    public SchemaNode? PropertyNames { get; set; }

    public Dictionary<string, List<string>>? DependentRequired { get; set; }

    public Dictionary<string, SchemaNode>? DependentSchemas { get; set; }

    public long? MinProperties { get; set; }

    public long? MaxProperties { get; set; }

    public List<SchemaNode>? PrefixItems { get; set; }

    public SchemaNode? Items { get; set; }

    public SchemaNode? Contains { get; set; }

    public long? MinContains { get; set; }

    public long? MaxContains { get; set; }

    public long? MinItems { get; set; }

    public long? MaxItems { get; set; }

    public bool UniqueItems { get; set; }

    public ValueSet? Enum { get; set; }

    public ValueSet? Const { get; set; }

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

    public SchemaUnion? AnyOf { get; set; }

    public SchemaUnion? OneOf { get; set; }

    public List<SchemaNode>? AllOf { get; set; }

    public SchemaNode? Not { get; set; }

    public SchemaNode? If { get; set; }

    public SchemaNode? Then { get; set; }

    public SchemaNode? Else { get; set; }

    /// <summary>Gets a value indicating whether it has parts that look at the same value.</summary>
    public bool IsCombined => (Ref ?? Not ?? If) is not null || AnyOf is not null || OneOf is not null || AllOf is not null || DependentSchemas is not null;

    /// <summary>Gets whether a value has one of the types.</summary>
    public bool Allows(JsonElement value) => Types == SchemaTypes.None || value.ValueKind switch
    {
        JsonValueKind.Null => Types.HasFlag(SchemaTypes.Null),
        JsonValueKind.True or JsonValueKind.False => Types.HasFlag(SchemaTypes.Boolean),
        JsonValueKind.Number => Types.HasFlag(SchemaTypes.Number) || (Types.HasFlag(SchemaTypes.Integer) && (value.TryGetInt64(out _) || JsonNumber.From(value).IsInteger)),
        JsonValueKind.String => Types.HasFlag(SchemaTypes.String),
        JsonValueKind.Array => Types.HasFlag(SchemaTypes.Array),
        JsonValueKind.Object => Types.HasFlag(SchemaTypes.Object),
        _ => false,
    };

    /// <summary>Gets the members whose values are fixed by a <c>const</c> or <c>enum</c>. References must be resolved.</summary>
    public IReadOnlyList<(string Name, ValueSet Values)> Tags => field ??=
    [
        .. (Properties ?? []).Select(member => (member.Key, Values: member.Value.FindValues())).Where(member => member.Values is not null).Take(MostTags).Select(member => (member.Key, member.Values!)),
    ];

    // References that lead back to themselves are refused before.
    private ValueSet? FindValues() => Const ?? Enum ?? Ref?.FindValues();

    /// <summary>Gets the parts that look at the same value as this one.</summary>
    public IEnumerable<SchemaNode> InPlace()
    {
        foreach (var node in new[] { Ref, Not, If, Then, Else })
        {
            if (node is not null)
            {
                yield return node;
            }
        }

        foreach (var list in new IEnumerable<SchemaNode>?[] { AnyOf?.Alternatives, OneOf?.Alternatives, AllOf, DependentSchemas?.Values })
        {
            foreach (var node in list ?? [])
            {
                yield return node;
            }
        }
    }
}
