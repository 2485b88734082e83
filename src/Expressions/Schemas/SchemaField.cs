using System.Text.Json;

namespace Polyphony.Expressions.Schemas;

/// <summary>A schema, or a part of one, as what a person fills in: what to ask, which values there are to choose from, and the check of one value. References are followed.</summary>
internal sealed class SchemaField
{
    private readonly List<SchemaNode> _nodes = [];

    /// <summary>Initializes a new instance of the <see cref="SchemaField"/> class.</summary>
    /// <param name="name">The member's name; empty for the whole or an item.</param>
    /// <param name="node">The compiled part.</param>
    /// <param name="isRequired">Whether it must be given.</param>
    public SchemaField(string name, SchemaNode? node, bool isRequired)
    {
        Name = name;
        IsRequired = isRequired;
        Schema = node is null ? null : JsonSchema.Part(node);

        // References that lead back to themselves are refused before.
        for (; node is not null; node = node.Ref)
        {
            _nodes.Add(node);
        }
    }

    /// <summary>Gets the name of the member; empty for the whole or an item.</summary>
    public string Name { get; }

    /// <summary>Gets a value indicating whether it must be given.</summary>
    public bool IsRequired { get; }

    /// <summary>Gets the schema of its values; <see langword="null"/> if anything is accepted.</summary>
    public JsonSchema? Schema { get; }

    /// <summary>Gets the schema as written, where a reference leads to; <see langword="null"/> if anything is accepted.</summary>
    public JsonElement? Json => _nodes.Count == 0 ? null : _nodes[^1].Json;

    /// <summary>Gets the types of its values; those of its choices if it names none. None if any type is accepted.</summary>
    public SchemaTypes Types => _nodes.Select(node => node.Types).FirstOrDefault(types => types != SchemaTypes.None) is var named and not SchemaTypes.None ? named
        : FixedValues is { Count: > 0 } values && values.All(value => value.ValueKind == JsonValueKind.String) ? SchemaTypes.String
        : SchemaTypes.None;

    /// <summary>Gets the values to choose from, each with its title where there is one: of <c>const</c>, <c>enum</c>, alternatives that are one value each, and booleans. Empty if there are none.</summary>
    public IReadOnlyList<(JsonElement Value, string? Title)> Choices
    {
        get
        {
            if (FixedValues is { } values)
            {
                return [.. values.Select(value => (value, (string?)null))];
            }

            if (Constants is { } constants)
            {
                return [.. constants.Select(constant => (constant.Const!.Values[0], Text(constant, "title") ?? Text(constant, "description")))];
            }

            return Types == SchemaTypes.Boolean && !IsCombined ? [(JsonElement.Parse("true"), null), (JsonElement.Parse("false"), null)] : [];
        }
    }

    /// <summary>Gets a value indicating whether values are checked by more than their type and its limits: alternatives, conditions and the like.</summary>
    public bool IsCombined => Constants is null && _nodes.Exists(node => (node.Not ?? node.If) is not null || (node.AnyOf ?? node.OneOf) is not null || (node.AllOf as object ?? node.DependentSchemas) is not null);

    /// <summary>Gets a value indicating whether members that are not named are accepted because the schema says so.</summary>
    public bool TakesOtherMembers => _nodes.Exists(node => node.AdditionalProperties is { Always: not false });

    /// <summary>Gets a value indicating whether members are named.</summary>
    public bool HasMembers => _nodes.Exists(node => node.Properties is not null);

    /// <summary>Gets the named members, in the order in which they are written; then those that are required and not described.</summary>
    public IReadOnlyList<SchemaField> Members => field ??= ReadMembers();

    /// <summary>Gets the items of an array whose items are all alike; <see langword="null"/> for any other.</summary>
    public SchemaField? Items => _nodes.Exists(node => (node.PrefixItems as object ?? node.Contains) is not null) ? null
        : _nodes.Find(node => node.Items is not null)?.Items is { } items ? new SchemaField("", items, isRequired: true) : null;

    /// <summary>Gets the title.</summary>
    public string? Title => Text("title");

    /// <summary>Gets the description.</summary>
    public string? Description => Text("description");

    /// <summary>Gets the default, if there is one that fits.</summary>
    public JsonElement? Default => Find("default") is { } value && Validate(value).Count == 0 ? value : null;

    private IReadOnlyList<JsonElement>? FixedValues => _nodes.Find(node => (node.Const ?? node.Enum) is not null) is { } found ? (found.Const ?? found.Enum)!.Values : null;

    private IReadOnlyList<SchemaNode>? Constants => _nodes.Select(node => (node.OneOf ?? node.AnyOf)?.Alternatives).FirstOrDefault(list => list is not null) is { } alternatives
        && alternatives.All(each => each is { Const: not null, IsCombined: false }) ? alternatives : null;

    /// <summary>Finds a keyword's value as written, the nearest one where references lead further.</summary>
    public JsonElement? Find(string keyword)
    {
        foreach (var node in _nodes)
        {
            if (node.Json.ValueKind == JsonValueKind.Object && node.Json.TryGetProperty(keyword, out var value))
            {
                return value;
            }
        }

        return null;
    }

    /// <summary>Checks a value.</summary>
    /// <param name="value">The value.</param>
    /// <returns>Every violation; empty if it fits.</returns>
    public IReadOnlyList<SchemaViolation> Validate(JsonElement value) => Schema?.Validate(value) ?? [];

    private string? Text(string keyword) => Find(keyword) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    private static string? Text(SchemaNode node, string keyword) =>
        node.Json.TryGetProperty(keyword, out var text) && text.ValueKind == JsonValueKind.String ? text.GetString() : null;

    private List<SchemaField> ReadMembers()
    {
        var required = _nodes.SelectMany(node => node.Required ?? []).ToHashSet(StringComparer.Ordinal);
        var described = _nodes.SelectMany(node => node.Properties ?? []).DistinctBy(member => member.Key, StringComparer.Ordinal).ToList();
        return
        [
            .. described.Select(member => new SchemaField(member.Key, member.Value, required.Contains(member.Key))),
            .. required.Except(described.Select(member => member.Key), StringComparer.Ordinal).Select(name => new SchemaField(name, null, isRequired: true)),
        ];
    }
}
