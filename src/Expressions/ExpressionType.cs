using Polyphony.Expressions.Evaluation;

namespace Polyphony.Expressions;

/// <summary>The kinds of static types.</summary>
public enum ExpressionTypeKind
{
    /// <summary>Nothing is known.</summary>
    Any,

    /// <summary>Null.</summary>
    Null,

    /// <summary>True or false.</summary>
    Bool,

    /// <summary>A whole number.</summary>
    Int,

    /// <summary>A double.</summary>
    Double,

    /// <summary>A text.</summary>
    String,

    /// <summary>A list; <see cref="ExpressionType.Element"/> is the type of its items.</summary>
    List,

    /// <summary>A map; <see cref="ExpressionType.Members"/> are the declared members.</summary>
    Map,

    /// <summary>One of <see cref="ExpressionType.Alternatives"/>.</summary>
    Union,
}

/// <summary>
/// A static type of the workflow language. Checking reports what can never work, and lets pass what may work:
/// a value that is a string or null may be used as a string. Immutable.
/// </summary>
public sealed class ExpressionType
{
    private const int MostAlternatives = 16;
    private const int MostItems = 100;

    private static readonly Dictionary<string, ExpressionType> NoMembers = [];

    private ExpressionType(ExpressionTypeKind kind, KindSet kinds)
    {
        Kind = kind;
        ValueKinds = kinds;
    }

    /// <summary>Gets the type of values about which nothing is known.</summary>
    public static ExpressionType Any { get; } = new(ExpressionTypeKind.Any, KindSet.All);

    /// <summary>Gets the type of null.</summary>
    public static ExpressionType Null { get; } = new(ExpressionTypeKind.Null, KindSet.Null);

    /// <summary>Gets the type of true and false.</summary>
    public static ExpressionType Bool { get; } = new(ExpressionTypeKind.Bool, KindSet.Bool);

    /// <summary>Gets the type of whole numbers.</summary>
    public static ExpressionType Int { get; } = new(ExpressionTypeKind.Int, KindSet.Int);

    /// <summary>Gets the type of doubles.</summary>
    public static ExpressionType Double { get; } = new(ExpressionTypeKind.Double, KindSet.Double);

    /// <summary>Gets the type of texts.</summary>
    public static ExpressionType String { get; } = new(ExpressionTypeKind.String, KindSet.String);

    /// <summary>Gets the type of numbers, whole or not: what <c>type: number</c> says in a schema.</summary>
    public static ExpressionType Number { get; } = Union(Int, Double);

    /// <summary>Gets the type of lists of anything.</summary>
    public static ExpressionType AnyList { get; } = ListOf(Any);

    /// <summary>Gets the type of maps about whose members nothing is known.</summary>
    public static ExpressionType AnyMap { get; } = MapOf(Any);

    /// <summary>Gets the kind.</summary>
    public ExpressionTypeKind Kind { get; }

    /// <summary>Gets the type of a list's items, or of a map's undeclared members; <see cref="Any"/> otherwise.</summary>
    public ExpressionType Element { get => field ?? Any; private init; }

    /// <summary>Gets the declared members of a map.</summary>
    public IReadOnlyDictionary<string, ExpressionType> Members { get; private init; } = NoMembers;

    /// <summary>Gets a value indicating whether a map may have members that aren't declared.</summary>
    public bool IsOpen { get; private init; }

    /// <summary>Gets a value indicating whether a list has at least one item for sure.</summary>
    public bool IsNonEmpty { get; private init; }

    /// <summary>Gets the alternatives of a union, each of another kind than <see cref="ExpressionTypeKind.Union"/> and <see cref="ExpressionTypeKind.Any"/>.</summary>
    public IReadOnlyList<ExpressionType> Alternatives { get; private init; } = [];

    /// <summary>Gets what kinds of values it allows.</summary>
    internal KindSet ValueKinds { get; }

    /// <summary>Makes the type of lists.</summary>
    /// <param name="item">The type of the items.</param>
    /// <param name="isNonEmpty">Whether there is at least one; not by default.</param>
    /// <returns>The type.</returns>
    public static ExpressionType ListOf(ExpressionType item, bool isNonEmpty = false) => new(ExpressionTypeKind.List, KindSet.List) { Element = item, IsNonEmpty = isNonEmpty };

    /// <summary>Makes the type of maps whose members are all of one type, under any name.</summary>
    /// <param name="member">The type of the members.</param>
    /// <returns>The type.</returns>
    public static ExpressionType MapOf(ExpressionType member) => new(ExpressionTypeKind.Map, KindSet.Map) { Element = member, IsOpen = true };

    /// <summary>Makes the type of maps with declared members.</summary>
    /// <param name="members">The declared members.</param>
    /// <param name="others">The type of any other member; <see langword="null"/> (the default) if there must be none.</param>
    /// <returns>The type.</returns>
    public static ExpressionType Object(IReadOnlyDictionary<string, ExpressionType> members, ExpressionType? others = null) =>
        new(ExpressionTypeKind.Map, KindSet.Map) { Members = members, Element = others ?? Any, IsOpen = others is not null };

    /// <summary>Makes a type that allows what any of some types allows.</summary>
    /// <param name="types">The types; none gives <see cref="Any"/>.</param>
    /// <returns>The type. Of more than 16, the lists are joined to one type, and so are the maps: it has the members of all.</returns>
    public static ExpressionType Union(params IEnumerable<ExpressionType> types) => Union(types, mayJoin: true);

    private static ExpressionType Union(IEnumerable<ExpressionType> types, bool mayJoin)
    {
        List<ExpressionType> alternatives = [];
        var seen = new HashSet<ExpressionType>(ReferenceEqualityComparer.Instance);
        foreach (var type in types)
        {
            if (type.Kind == ExpressionTypeKind.Any)
            {
                return Any;
            }

            foreach (var alternative in type.Kind == ExpressionTypeKind.Union ? type.Alternatives : [type])
            {
                if (seen.Add(alternative) && (alternatives.Count > MostAlternatives || !alternatives.Exists(known => known.IsSame(alternative))))
                {
                    alternatives.Add(alternative);
                }
            }
        }

        if (alternatives.Count > MostAlternatives && mayJoin)
        {
            alternatives = Join(alternatives);
        }

        if (alternatives.Count is 0 or > MostAlternatives)
        {
            return Any;
        }

        return alternatives.Count == 1
            ? alternatives[0]
            : new(ExpressionTypeKind.Union, alternatives.Aggregate(KindSet.None, (kinds, type) => kinds | type.ValueKinds)) { Alternatives = alternatives };
    }

    /// <summary>Makes one type of each kind. What belongs together is lost, but no member that one of them has.</summary>
    private static List<ExpressionType> Join(List<ExpressionType> types)
    {
        List<ExpressionType> joined = [.. types.Where(type => type.Kind is not (ExpressionTypeKind.List or ExpressionTypeKind.Map)).Distinct()];
        List<ExpressionType> lists = [.. types.Where(type => type.Kind == ExpressionTypeKind.List)];
        if (lists.Count > 0)
        {
            joined.Add(ListOf(Union(lists.Select(list => list.Element), mayJoin: false), lists.TrueForAll(list => list.IsNonEmpty)));
        }

        List<ExpressionType> maps = [.. types.Where(type => type.Kind == ExpressionTypeKind.Map)];
        if (maps.Count == 0)
        {
            return joined;
        }

        var members = maps.SelectMany(map => map.Members)
            .GroupBy(member => member.Key, member => member.Value, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => Union(group, mayJoin: false), StringComparer.Ordinal);
        List<ExpressionType> open = [.. maps.Where(map => map.IsOpen).Select(map => map.Element)];
        joined.Add(Object(members, open.Count == 0 ? null : Union(open, mayJoin: false)));
        return joined;
    }

    /// <summary>Makes the type of a value that is known.</summary>
    /// <param name="value">The value.</param>
    /// <returns>The type, with all members and items.</returns>
    public static ExpressionType Of(ExpressionValue value) => value.Kind switch
    {
        ExpressionValueKind.Null => Null,
        ExpressionValueKind.Bool => Bool,
        ExpressionValueKind.Int => Int,
        ExpressionValueKind.Double => Double,
        ExpressionValueKind.String => String,
        ExpressionValueKind.List => ListOf(value.Count > MostItems ? Any : Union([.. value.Items().Select(Of)]), value.Count > 0),
        _ => Object(MembersOf(value)),
    };

    // Members of JSON are gone through as they stand: to look one up takes a time that grows with the object. Of a name that stands there twice, the last counts.
    private static Dictionary<string, ExpressionType> MembersOf(ExpressionValue map)
    {
        if (map.Members is { } members)
        {
            return members.ToDictionary(member => member.Key, member => Of(member.Value), StringComparer.Ordinal);
        }

        var types = new Dictionary<string, ExpressionType>(StringComparer.Ordinal);
        foreach (var member in map.Json.EnumerateObject())
        {
            types[member.Name] = Of(ExpressionValue.FromJson(member.Value));
        }

        return types;
    }

    /// <summary>Gets whether a value of this type may be of a kind that another allows: a condition must be able to be <see cref="Bool"/>.</summary>
    /// <param name="other">The other type.</param>
    /// <returns>Whether there may be such a value; items and members are not compared.</returns>
    public bool CanBe(ExpressionType other) => (ValueKinds & other.ValueKinds) != KindSet.None;

    /// <summary>Gets whether a value of this type may equal one of another, as <c>==</c> compares them: 1 and 1.0 are equal, and so are two empty lists.</summary>
    /// <param name="other">The other type.</param>
    /// <returns>
    /// Whether there may be two such values. A comparison with null is always possible: a schema can't say of every value whether it is there. Members of maps are not
    /// compared.
    /// </returns>
    public bool CanEqual(ExpressionType other)
    {
        if (Kind is ExpressionTypeKind.Any or ExpressionTypeKind.Null || other.Kind is ExpressionTypeKind.Any or ExpressionTypeKind.Null)
        {
            return true;
        }

        var (mine, others) = (Kind == ExpressionTypeKind.Union ? Alternatives : [this], other.Kind == ExpressionTypeKind.Union ? other.Alternatives : [other]);
        return mine.Any(one => others.Any(another => AreComparable(one, another)));
    }

    private static bool AreComparable(ExpressionType a, ExpressionType b)
    {
        if ((a.ValueKinds & KindSet.Number) != KindSet.None)
        {
            return (b.ValueKinds & KindSet.Number) != KindSet.None;
        }

        return a.Kind == b.Kind && (a.Kind != ExpressionTypeKind.List || (!a.IsNonEmpty && !b.IsNonEmpty) || a.Element.CanEqual(b.Element));
    }

    /// <summary>Gets the type of the items, as far as this type can be a list.</summary>
    /// <returns>The type, or <see langword="null"/> if it can't.</returns>
    public ExpressionType? ListElement() => Kind switch
    {
        ExpressionTypeKind.Any => Any,
        ExpressionTypeKind.List => Element,
        ExpressionTypeKind.Union when ValueKinds.HasFlag(KindSet.List) => Union(Alternatives.Where(type => type.Kind == ExpressionTypeKind.List).Select(type => type.Element)),
        _ => null,
    };

    /// <summary>Gets the type of a member, as far as this type can be a map.</summary>
    /// <param name="name">The member's name.</param>
    /// <returns>The type, or <see langword="null"/> if there can be no such member.</returns>
    public ExpressionType? Member(string name)
    {
        switch (Kind)
        {
            case ExpressionTypeKind.Any:
                return Any;
            case ExpressionTypeKind.Map:
                return Members.TryGetValue(name, out var member) ? member : IsOpen ? Element : null;
            case ExpressionTypeKind.Union:
                List<ExpressionType> found = [.. Alternatives.Select(type => type.Member(name)).OfType<ExpressionType>()];
                return found.Count == 0 ? null : Union(found);
            default:
                return null;
        }
    }

    /// <summary>Lists the declared members of all alternatives.</summary>
    /// <returns>The names.</returns>
    public IEnumerable<string> MemberNames() => Members.Keys.Concat(Alternatives.SelectMany(type => type.Members.Keys)).Distinct(StringComparer.Ordinal);

    /// <inheritdoc/>
    public override string ToString() => Describe(0);

    private string Describe(int depth) => Kind switch
    {
        ExpressionTypeKind.Any => "any",
        ExpressionTypeKind.List when Element.Kind != ExpressionTypeKind.Any && depth < 3 => $"array({Element.Describe(depth + 1)})",
        ExpressionTypeKind.Union when ValueKinds == KindSet.Number => "number",
        ExpressionTypeKind.Union when ValueKinds.HasFlag(KindSet.Number) || depth > 0 => Kinds.Name(ValueKinds),
        ExpressionTypeKind.Union => Kinds.Join([.. Alternatives.OrderBy(type => type.Kind == ExpressionTypeKind.Null).Select(type => type.Describe(depth + 1)).Distinct(StringComparer.Ordinal)]),
        _ => Kinds.Name(ValueKinds),
    };

    private bool IsSame(ExpressionType other) =>
        ReferenceEquals(this, other)
        || (Kind == other.Kind && Kind != ExpressionTypeKind.Map && (Kind != ExpressionTypeKind.List || (ReferenceEquals(Element, other.Element) && IsNonEmpty == other.IsNonEmpty)));
}
