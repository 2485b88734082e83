using System.Text;
using Polyphony.Expressions.Evaluation;

namespace Polyphony.Expressions.Syntax;

/// <summary>A member by a fixed name: <c>a.b</c> or <c>a['b']</c>.</summary>
internal sealed class MemberNode(Node target, string name, int nameOffset, int nameLength) : Node
{
    private readonly byte[] _utf8Name = Encoding.UTF8.GetBytes(name);

    public Node Target { get; } = target;

    public string Name { get; } = name;

    public override ExpressionValue Evaluate(ref EvaluationContext context)
    {
        var value = Target.Evaluate(ref context);
        return Find(ref context, value, out var member) ? member : throw Missing(ref context, value);
    }

    public override bool TryEvaluate(ref EvaluationContext context, out ExpressionValue value)
    {
        value = default;
        if (!Target.TryEvaluate(ref context, out var target) || target.IsNull)
        {
            return false;
        }

        return target.Kind == ExpressionValueKind.Map ? Find(ref context, target, out value) : throw Missing(ref context, target);
    }

    public override ExpressionType Check(Checker checker) => CheckMember(checker, Target.Check(checker), Name, nameOffset, nameLength);

    /// <summary>Finds the type of a member, or reports that there is none.</summary>
    public static ExpressionType CheckMember(Checker checker, ExpressionType type, string name, int offset, int length)
    {
        if (type.Member(name) is { } member)
        {
            return member;
        }

        if (!type.ValueKinds.HasFlag(KindSet.Map))
        {
            return checker.Report(offset, length, $"{Subject(type.ToString())} has no members, so there is no \"{name}\".", KindHint(type.ValueKinds, name));
        }

        string[] known = [.. type.MemberNames().Order(StringComparer.Ordinal)];
        var hint = NearMatch.Hint(name, known) ?? (known.Length == 0 ? "It has no members." : $"It has: {Shorten(known)}.");
        return checker.Report(offset, length, $"There is no member \"{name}\".", hint);
    }

    private bool Find(ref EvaluationContext context, in ExpressionValue value, out ExpressionValue member)
    {
        member = default;
        if (value.Kind != ExpressionValueKind.Map)
        {
            return false;
        }

        context.Charge(this, value.IsJson ? 1 + value.Count / 16 : 1);
        return value.TryGetMember(Name, _utf8Name, out member);
    }

    private ExpressionException Missing(ref EvaluationContext context, in ExpressionValue value)
    {
        if (value.IsNull)
        {
            return context.Fault(nameOffset, nameLength, $"The value before \"{Name}\" is null, so it has no members.", "Test it first with has(...), or give a default with coalesce(...).");
        }

        if (value.Kind != ExpressionValueKind.Map)
        {
            return context.Fault(nameOffset, nameLength, $"{Subject(Kinds.Name(value.Kind))} has no members, so there is no \"{Name}\".", KindHint(Kinds.Of(value.Kind), Name));
        }

        var names = value.MemberNames();
        return context.Fault(
            nameOffset,
            nameLength,
            $"There is no member \"{Name}\".",
            NearMatch.Hint(Name, names.Take(1000)) ?? $"{(names.Count == 0 ? "The object is empty" : $"It has: {Shorten(names)}")}. Test it first with has(...), or give a default with coalesce(...).");
    }

    private static string? KindHint(KindSet kinds, string name) => (kinds & (KindSet.List | KindSet.String)) switch
    {
        KindSet.None => null,
        _ when name is "length" or "size" or "count" or "Length" or "Count" => "Write size(x).",
        KindSet.List => $"Take an item with x[0], or this of every item with x.map(i, i.{name}).",
        _ => "If it is JSON in a string, write parseJson(x).",
    };

    private static string Shorten(IReadOnlyList<string> names) => names.Count <= 12 ? string.Join(", ", names) : string.Join(", ", names.Take(12)) + ", ...";

    private static string Subject(string type)
    {
        var named = Kinds.WithArticle(type);
        return char.ToUpperInvariant(named[0]) + named[1..];
    }
}

/// <summary>An item of a list or a member of a map, by a computed index.</summary>
internal sealed class IndexNode(Node target, Node index) : Node
{
    private const long Exact = 1L << 53;

    public override ExpressionValue Evaluate(ref EvaluationContext context)
    {
        var value = target.Evaluate(ref context);
        return Find(ref context, value, optional: false, out var item) ? item : default;
    }

    public override bool TryEvaluate(ref EvaluationContext context, out ExpressionValue value)
    {
        value = default;
        return target.TryEvaluate(ref context, out var of) && !of.IsNull && Find(ref context, of, optional: true, out value);
    }

    public override ExpressionType Check(Checker checker)
    {
        var type = target.Check(checker);
        var key = index.Check(checker);
        var isList = type.ValueKinds.HasFlag(KindSet.List);
        var isMap = type.ValueKinds.HasFlag(KindSet.Map);
        if (!isList && !isMap)
        {
            return checker.Report(
                this,
                $"Only an array or an object can be indexed, found {type}.",
                type.ValueKinds == KindSet.String ? "A part of a string is x.substring(from, to)." : null);
        }

        var allowed = (isList ? KindSet.Number : KindSet.None) | (isMap ? KindSet.String : KindSet.None);
        if ((key.ValueKinds & allowed) == KindSet.None)
        {
            return checker.Report(index, $"The index must be {Kinds.Name(allowed)}, found {key}.", isList ? null : "An object is indexed by names: x['name'].");
        }

        List<ExpressionType> results = [];
        if (isList && (key.ValueKinds & KindSet.Number) != KindSet.None)
        {
            results.Add(type.ListElement()!);
        }

        if (isMap && key.ValueKinds.HasFlag(KindSet.String))
        {
            results.Add(ExpressionType.Any);
        }

        return ExpressionType.Union(results);
    }

    private bool Find(ref EvaluationContext context, in ExpressionValue value, bool optional, out ExpressionValue item)
    {
        var key = index.Evaluate(ref context);
        return value.Kind switch
        {
            ExpressionValueKind.List => FindItem(ref context, value, key, optional, out item),
            ExpressionValueKind.Map => FindMember(ref context, value, key, optional, out item),
            ExpressionValueKind.Null => throw context.Fault(this, "The value before \"[\" is null, so it has no items.", "Give a default with coalesce(...)."),
            _ => throw context.Fault(this, $"Only an array or an object can be indexed, found {Kinds.Name(value.Kind)}.", value.Kind == ExpressionValueKind.String ? "A part of a string is x.substring(from, to)." : null),
        };
    }

    private bool FindItem(ref EvaluationContext context, in ExpressionValue list, in ExpressionValue key, bool optional, out ExpressionValue item)
    {
        item = default;
        if (key.Kind is not (ExpressionValueKind.Int or ExpressionValueKind.Double))
        {
            throw context.Fault(index, $"The index of an array must be a whole number, found {Kinds.Name(key.Kind)}.");
        }

        var count = list.Count;
        var position = Position(ref context, key);
        if (position < 0 || position >= count)
        {
            return optional ? false : throw context.Fault(index, $"There is no item {position}.", count == 0 ? "The array is empty." : $"The array has the items 0 to {count - 1}.");
        }

        context.Charge(this, list.IsJson ? 1 + position / 16 : 1);
        item = list.List is { } items ? items[(int)position] : ExpressionValue.FromJson(list.Json[(int)position]);
        return true;
    }

    private bool FindMember(ref EvaluationContext context, in ExpressionValue map, in ExpressionValue key, bool optional, out ExpressionValue member)
    {
        if (key.Kind != ExpressionValueKind.String)
        {
            throw context.Fault(index, $"The index of an object must be a string, found {Kinds.Name(key.Kind)}.");
        }

        context.Charge(this, map.IsJson ? 1 + map.Count / 16 : 1);
        var name = context.Text(index, key);
        if (map.TryGetMember(name, out member))
        {
            return true;
        }

        return optional ? false : throw context.Fault(index, $"There is no member \"{name}\".", NearMatch.Hint(name, map.MemberNames().Take(1000)) ?? "Test it first with 'name' in x.");
    }

    /// <summary>JSON doesn't tell 1.0 from 1, so both are an index.</summary>
    private long Position(ref EvaluationContext context, in ExpressionValue key)
    {
        if (key.Kind == ExpressionValueKind.Int)
        {
            return key.AsInt64();
        }

        var number = key.AsDouble();
        return Math.Abs(number) < Exact && Math.Floor(number) == number
            ? (long)number
            : throw context.Fault(index, $"The index of an array must be a whole number, found {number}.");
    }
}

/// <summary><c>has(a.b)</c>: whether all the members of the path exist.</summary>
internal sealed class HasNode(Node path) : Node
{
    public override ExpressionValue Evaluate(ref EvaluationContext context) => ExpressionValue.FromBoolean(path.TryEvaluate(ref context, out _));

    public override ExpressionType Check(Checker checker)
    {
        path.Check(checker);
        return ExpressionType.Bool;
    }
}

/// <summary><c>coalesce(a, b, ...)</c>: the first that exists and isn't null. What comes after it isn't evaluated.</summary>
internal sealed class CoalesceNode(IReadOnlyList<Node> choices) : Node
{
    public override ExpressionValue Evaluate(ref EvaluationContext context)
    {
        foreach (var choice in choices)
        {
            if (choice.TryEvaluate(ref context, out var value) && !value.IsNull)
            {
                return value;
            }
        }

        return default;
    }

    public override bool TryEvaluate(ref EvaluationContext context, out ExpressionValue value)
    {
        value = Evaluate(ref context);
        return true;
    }

    public override ExpressionType Check(Checker checker)
    {
        List<ExpressionType> types = [.. choices.Select(choice => choice.Check(checker))];

        // Only the last can come out as null.
        List<ExpressionType> found = [];
        for (var i = 0; i < types.Count; i++)
        {
            if (i == types.Count - 1)
            {
                found.Add(types[i]);
            }
            else if (types[i].Kind == ExpressionTypeKind.Union)
            {
                found.AddRange(types[i].Alternatives.Where(type => type.Kind != ExpressionTypeKind.Null));
            }
            else if (types[i].Kind != ExpressionTypeKind.Null)
            {
                found.Add(types[i]);
            }
        }

        return ExpressionType.Union(found);
    }
}
