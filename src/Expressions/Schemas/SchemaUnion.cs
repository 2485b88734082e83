using System.Text.Json;

namespace Polyphony.Expressions.Schemas;

/// <summary>
/// The alternatives of an <c>anyOf</c> or <c>oneOf</c>. Most unions that people write carry a member that says which alternative is meant
/// (<c>kind: { const: circle }</c>); it is looked up instead of trying them one by one. Filled by the parser, then unchanged.
/// </summary>
/// <param name="alternatives">The alternatives as written.</param>
internal sealed class SchemaUnion(IReadOnlyList<SchemaNode> alternatives)
{
    private const int MostParts = 32;

    private readonly List<Dictionary<string, ValueSet>> _tags = [];
    private Dictionary<string, List<int>> _byTag = [];
    private List<int> _untagged = [];
    private int[] _all = [];
    private bool _hasMoreTags;

    /// <summary>Gets the alternatives as written.</summary>
    public IReadOnlyList<SchemaNode> Alternatives { get; } = alternatives;

    /// <summary>Gets the member that tells the alternatives apart, if there is one.</summary>
    public string? Tag { get; private set; }

    /// <summary>Gets the values that the member may have, over all alternatives; empty if an alternative takes any.</summary>
    public IReadOnlyList<JsonElement> TagValues { get; private set; } = [];

    /// <summary>Finds what tells the alternatives apart. References must be resolved.</summary>
    public void Index()
    {
        _all = [.. Enumerable.Range(0, Alternatives.Count)];
        foreach (var alternative in Alternatives)
        {
            var tags = new Dictionary<string, ValueSet>(StringComparer.Ordinal);
            AddTags(alternative, tags, new HashSet<SchemaNode>(ReferenceEqualityComparer.Instance));
            _tags.Add(tags);
        }

        // The member that the most alternatives fix, and of those the one with the most values.
        Tag = _tags.SelectMany(tags => tags)
            .GroupBy(tag => tag.Key, StringComparer.Ordinal)
            .Where(group => group.Count() > 1)
            .OrderByDescending(group => group.Count())
            .ThenByDescending(group => group.SelectMany(tag => tag.Value.Values).Select(ValueSet.Key).Distinct(StringComparer.Ordinal).Count())
            .ThenBy(group => group.Key, StringComparer.Ordinal)
            .FirstOrDefault()?.Key;
        _hasMoreTags = _tags.Exists(tags => tags.Count > (Tag is not null && tags.ContainsKey(Tag) ? 1 : 0));
        if (Tag is null)
        {
            return;
        }

        _byTag = new Dictionary<string, List<int>>(StringComparer.Ordinal);
        List<JsonElement> values = [];
        for (var i = 0; i < Alternatives.Count; i++)
        {
            // What is no scalar can't be looked up; such an alternative is tried like one that says nothing.
            if (!_tags[i].TryGetValue(Tag, out var set) || set.Values.Any(value => ValueSet.Key(value) is null))
            {
                _untagged.Add(i);
                continue;
            }

            foreach (var value in set.Values)
            {
                if (!_byTag.TryGetValue(ValueSet.Key(value)!, out var indexes))
                {
                    _byTag[ValueSet.Key(value)!] = indexes = [];
                    values.Add(value);
                }

                if (indexes.Count == 0 || indexes[^1] != i)
                {
                    indexes.Add(i);
                }
            }
        }

        TagValues = _untagged.Count == 0 ? values : [];

        // In the order of the alternatives, so that the first that fits is the first as written.
        foreach (var (key, indexes) in _byTag)
        {
            _byTag[key] = [.. indexes.Concat(_untagged).Order()];
        }
    }

    /// <summary>Finds the alternatives that a value may fit: all others are contradicted by one of its members.</summary>
    /// <param name="value">The value.</param>
    /// <param name="steps">What it costs.</param>
    public IReadOnlyList<int> Candidates(JsonElement value, out long steps)
    {
        steps = 0;
        if (value.ValueKind != JsonValueKind.Object)
        {
            return _all;
        }

        IReadOnlyList<int> found = _all;
        if (Tag is not null && value.TryGetProperty(Tag, out var tag))
        {
            found = ValueSet.Key(tag) is { } key && _byTag.TryGetValue(key, out var indexes) ? indexes : _untagged;
        }

        if (found.Count < 2 || !_hasMoreTags)
        {
            return found;
        }

        List<int> rest = [];
        foreach (var index in found)
        {
            steps += _tags[index].Count;
            if (!IsContradicted(_tags[index], value))
            {
                rest.Add(index);
            }
        }

        return rest;
    }

    private static bool IsContradicted(Dictionary<string, ValueSet> tags, JsonElement value)
    {
        foreach (var (name, set) in tags)
        {
            if (value.TryGetProperty(name, out var member) && set.Contains(member) == false)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Finds the members that an alternative fixes, itself or by what it refers to; a few are enough.</summary>
    private static void AddTags(SchemaNode node, Dictionary<string, ValueSet> tags, HashSet<SchemaNode> seen)
    {
        if (seen.Count >= MostParts || !seen.Add(node))
        {
            return;
        }

        foreach (var (name, set) in node.Tags)
        {
            if (tags.Count < SchemaNode.MostTags)
            {
                tags.TryAdd(name, set);
            }
        }

        if (node.Ref is not null)
        {
            AddTags(node.Ref, tags, seen);
        }

        foreach (var part in (node.AllOf ?? []).Take(MostParts))
        {
            AddTags(part, tags, seen);
        }
    }
}
