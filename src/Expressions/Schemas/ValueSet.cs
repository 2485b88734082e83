using System.Text;
using System.Text.Json;

namespace Polyphony.Expressions.Schemas;

/// <summary>The values of an <c>enum</c>, or the one of a <c>const</c>. Looking one up costs the same however many there are.</summary>
internal sealed class ValueSet
{
    private readonly HashSet<string> _texts = new(StringComparer.Ordinal);
    private readonly HashSet<string> _others = new(StringComparer.Ordinal);
    private readonly bool _hasContainers;

    public ValueSet(IReadOnlyList<JsonElement> values)
    {
        Values = values;
        foreach (var value in values)
        {
            if (value.ValueKind == JsonValueKind.String)
            {
                _texts.Add(value.GetString()!);
                continue;
            }

            var builder = new StringBuilder();
            IsTooDeep |= !SchemaText.TryAppendCanonical(builder, value);
            _others.Add(builder.ToString());
            _hasContainers |= value.ValueKind is JsonValueKind.Array or JsonValueKind.Object;
        }
    }

    /// <summary>Gets the values as written.</summary>
    public IReadOnlyList<JsonElement> Values { get; }

    /// <summary>Gets a value indicating whether one of them is nested deeper than can be compared.</summary>
    public bool IsTooDeep { get; }

    /// <summary>Gets whether a value is one of them: numbers by value, objects whatever the order of their members.</summary>
    /// <returns>Whether it is; <see langword="null"/> if the value is too deep to tell.</returns>
    public bool? Contains(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String)
        {
            return _texts.Contains(value.GetString()!);
        }

        if (_others.Count == 0 || (value.ValueKind is JsonValueKind.Array or JsonValueKind.Object && !_hasContainers))
        {
            return false;
        }

        var builder = new StringBuilder();
        return SchemaText.TryAppendCanonical(builder, value) ? _others.Contains(builder.ToString()) : null;
    }

    /// <summary>Gets the key under which a value that is no array and no object can be found, the same for equal values.</summary>
    public static string? Key(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => "\"" + value.GetString(),
        JsonValueKind.Number => JsonNumber.From(value).ToCanonicalText(),
        JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null => value.ValueKind.ToString(),
        _ => null,
    };
}
