using System.Runtime.InteropServices;
using System.Text.Json;
using Polyphony.Expressions.Evaluation;

namespace Polyphony.Expressions;

/// <summary>A value of the workflow language: null, bool, number, text, list or map. Immutable.</summary>
/// <remarks>
/// A value made from JSON refers to it and copies nothing until it must, so the document has to stay alive. The default is null.
/// </remarks>
public readonly struct ExpressionValue
{
    private static readonly JsonElement JsonNull = JsonElement.Parse("null"u8);
    private static readonly JsonElement JsonTrue = JsonElement.Parse("true"u8);
    private static readonly JsonElement JsonFalse = JsonElement.Parse("false"u8);

    private readonly JsonElement _json;
    private readonly object? _object;
    private readonly long _bits;

    private ExpressionValue(ExpressionValueKind kind, JsonElement json, object? value = null, long bits = 0)
    {
        Kind = kind;
        _json = json;
        _object = value;
        _bits = bits;
    }

    /// <summary>Gets null.</summary>
    public static ExpressionValue Null => default;

    /// <summary>Gets what kind of value it is.</summary>
    public ExpressionValueKind Kind { get; }

    /// <summary>Gets a value indicating whether it is null.</summary>
    public bool IsNull => Kind == ExpressionValueKind.Null;

    /// <summary>Gets the number of items of a list or members of a map; 0 for anything else.</summary>
    public int Count => Kind switch
    {
        ExpressionValueKind.List => _object is IReadOnlyList<ExpressionValue> list ? list.Count : _json.GetArrayLength(),
        ExpressionValueKind.Map => _object is IReadOnlyDictionary<string, ExpressionValue> map ? map.Count : _json.GetPropertyCount(),
        _ => 0,
    };

    /// <summary>Gets the JSON value behind a list, map, text or number; undefined if there is none.</summary>
    internal JsonElement Json => _json;

    /// <summary>Gets a value indicating whether the value is backed by JSON.</summary>
    internal bool IsJson => _json.ValueKind != JsonValueKind.Undefined;

    /// <summary>Gets the items, if the list isn't backed by JSON.</summary>
    internal IReadOnlyList<ExpressionValue>? List => _object as IReadOnlyList<ExpressionValue>;

    /// <summary>Gets the members, if the map isn't backed by JSON.</summary>
    internal IReadOnlyDictionary<string, ExpressionValue>? Members => _object as IReadOnlyDictionary<string, ExpressionValue>;

    /// <summary>Wraps a JSON value. A whole number beyond 64 bits is compared and computed with as a double, but written as it was.</summary>
    /// <param name="json">The value; undefined counts as null.</param>
    /// <returns>The same value.</returns>
    public static ExpressionValue FromJson(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.True => FromBoolean(true),
        JsonValueKind.False => FromBoolean(false),
        JsonValueKind.Number when json.TryGetInt64(out var number) => FromInt64(number),
        JsonValueKind.Number => new(ExpressionValueKind.Double, json, bits: BitConverter.DoubleToInt64Bits(json.TryGetDouble(out var number) ? number : double.NaN)),
        JsonValueKind.String => new(ExpressionValueKind.String, json),
        JsonValueKind.Array => new(ExpressionValueKind.List, json),
        JsonValueKind.Object => new(ExpressionValueKind.Map, json),
        _ => default,
    };

    /// <summary>Makes a map of values that need not be JSON yet, such as <c>nodes</c>.</summary>
    /// <param name="members">
    /// Its members; must not change any more. Where their order shows, it is that of an <see cref="OrderedDictionary{TKey, TValue}"/>,
    /// and by name (ordinal) for any other dictionary, because theirs need not be the same in the next process.
    /// </param>
    /// <returns>The map.</returns>
    public static ExpressionValue FromMembers(IReadOnlyDictionary<string, ExpressionValue> members) => new(ExpressionValueKind.Map, default, members);

    /// <summary>Makes a list.</summary>
    /// <param name="items">Its items; must not change any more.</param>
    /// <returns>The list.</returns>
    public static ExpressionValue FromList(IReadOnlyList<ExpressionValue> items) => new(ExpressionValueKind.List, default, items);

    /// <summary>Makes a text.</summary>
    /// <param name="text">The text; <see langword="null"/> gives null.</param>
    /// <returns>The value.</returns>
    public static ExpressionValue FromString(string? text) => text is null ? default : new(ExpressionValueKind.String, default, text);

    /// <summary>Makes a whole number.</summary>
    /// <param name="number">The number.</param>
    /// <returns>The value.</returns>
    public static ExpressionValue FromInt64(long number) => new(ExpressionValueKind.Int, default, bits: number);

    /// <summary>Makes a number.</summary>
    /// <param name="number">The number; must be finite if it is to become JSON.</param>
    /// <returns>The value.</returns>
    public static ExpressionValue FromDouble(double number) => new(ExpressionValueKind.Double, default, bits: BitConverter.DoubleToInt64Bits(number));

    /// <summary>Makes a truth value.</summary>
    /// <param name="value">Whether it is true.</param>
    /// <returns>The value.</returns>
    public static ExpressionValue FromBoolean(bool value) => new(ExpressionValueKind.Bool, default, bits: value ? 1 : 0);

    /// <summary>Gets whether the value is true.</summary>
    /// <returns>Whether it is true.</returns>
    /// <exception cref="InvalidOperationException">It is no <see cref="ExpressionValueKind.Bool"/>.</exception>
    public bool AsBoolean() => Kind == ExpressionValueKind.Bool ? _bits != 0 : throw Mismatch("bool");

    /// <summary>Gets the whole number.</summary>
    /// <returns>The number.</returns>
    /// <exception cref="InvalidOperationException">It is no <see cref="ExpressionValueKind.Int"/>.</exception>
    public long AsInt64() => Kind == ExpressionValueKind.Int ? _bits : throw Mismatch("int");

    /// <summary>Gets the number.</summary>
    /// <returns>The number.</returns>
    /// <exception cref="InvalidOperationException">It is not a number.</exception>
    public double AsDouble() => Kind switch
    {
        ExpressionValueKind.Double => BitConverter.Int64BitsToDouble(_bits),
        ExpressionValueKind.Int => _bits,
        _ => throw Mismatch("number"),
    };

    /// <summary>Gets the text.</summary>
    /// <returns>The text.</returns>
    /// <exception cref="InvalidOperationException">It is no <see cref="ExpressionValueKind.String"/>.</exception>
    public string AsString() => Kind == ExpressionValueKind.String ? _object as string ?? _json.GetString()! : throw Mismatch("string");

    /// <summary>Gets the items of a list.</summary>
    /// <returns>The items in order; none if it is not a list.</returns>
    public IEnumerable<ExpressionValue> Items()
    {
        for (var reader = new ItemReader(this); reader.MoveNext();)
        {
            yield return reader.Current;
        }
    }

    /// <summary>Looks a member of a map up.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="value">Its value.</param>
    /// <returns>Whether there is such a member; false if it is no map.</returns>
    public bool TryGetMember(string name, out ExpressionValue value)
    {
        if (Members is { } members)
        {
            return members.TryGetValue(name, out value);
        }

        if (_json.ValueKind == JsonValueKind.Object && _json.TryGetProperty(name, out var member))
        {
            value = FromJson(member);
            return true;
        }

        value = default;
        return false;
    }

    /// <summary>Turns the value into JSON.</summary>
    /// <returns>A self-contained element.</returns>
    /// <exception cref="ExpressionException">It is nested too deep, too large, or no valid Unicode; see <see cref="ExpressionLimits"/>.</exception>
    public JsonElement ToJson() => Kind switch
    {
        ExpressionValueKind.Null => JsonNull,
        ExpressionValueKind.Bool => _bits != 0 ? JsonTrue : JsonFalse,
        _ when IsJson => _json.Clone(),
        _ => ValueWriter.ToElement(this),
    };

    /// <summary>Turns the value into the text that it is in a template: texts as they are, null as nothing, anything else as compact JSON.</summary>
    /// <returns>The text.</returns>
    /// <exception cref="ExpressionException">As for <see cref="ToJson"/>.</exception>
    public string ToText() => ValueWriter.ToText(this, out var problem) ?? throw ValueWriter.Failure(problem!);

    /// <inheritdoc/>
    public override string ToString() => ValueWriter.ToJsonText(this, out _) ?? Kind.ToString();

    /// <summary>Looks a member up by a name that is kept in UTF-8 as well, because that is what JSON is searched by.</summary>
    internal bool TryGetMember(string name, ReadOnlySpan<byte> utf8Name, out ExpressionValue value)
    {
        if (Members is { } members)
        {
            return members.TryGetValue(name, out value);
        }

        if (_json.TryGetProperty(utf8Name, out var member))
        {
            value = FromJson(member);
            return true;
        }

        value = default;
        return false;
    }

    /// <summary>Gets the names of a map's members in their order.</summary>
    internal IReadOnlyList<string> MemberNames()
    {
        if (Members is not { } members)
        {
            return [.. _json.EnumerateObject().Select(property => property.Name).Distinct(StringComparer.Ordinal)];
        }

        string[] names = [.. members.Keys];
        if (members is not OrderedDictionary<string, ExpressionValue>)
        {
            Array.Sort(names, StringComparer.Ordinal);
        }

        return names;
    }

    /// <summary>Gets roughly how many characters a text or a JSON value has; 0 where that isn't known at once.</summary>
    internal int ApproximateLength() => _object is string text ? text.Length : IsJson ? JsonMarshal.GetRawUtf8Value(_json).Length : 0;

    private InvalidOperationException Mismatch(string expected) => new($"Expected {expected}, found {Kinds.Name(Kind)}.");
}
