using System.Text.Json;
using Polyphony.Expressions.Syntax;

namespace Polyphony.Expressions.Evaluation;

/// <summary>Equality and order of values: numbers by value whatever their kind, texts by code point.</summary>
internal static class Comparison
{
    private const double TwoTo63 = 9223372036854775808.0;

    /// <summary>Gets whether two values are equal; values of different kinds never are, but 1 and 1.0 are.</summary>
    public static bool AreEqual(ref EvaluationContext context, Node node, in ExpressionValue a, in ExpressionValue b, int depth = 0)
    {
        context.Charge(node, 1);
        if (a.Kind != b.Kind)
        {
            return IsNumber(a) && IsNumber(b) && CompareNumbers(a, b) == 0;
        }

        switch (a.Kind)
        {
            case ExpressionValueKind.Null:
                return true;
            case ExpressionValueKind.Bool:
                return a.AsBoolean() == b.AsBoolean();
            case ExpressionValueKind.Int:
                return a.AsInt64() == b.AsInt64();
            case ExpressionValueKind.Double:
                return a.AsDouble() == b.AsDouble();
            case ExpressionValueKind.String:
                return AreTextsEqual(ref context, node, a, b);
        }

        if (depth > ExpressionLimits.Nesting)
        {
            throw context.Fault(node, $"The values are nested deeper than {ExpressionLimits.Nesting} levels.");
        }

        if (a.IsJson && b.IsJson)
        {
            context.ChargeText(node, Math.Min(a.ApproximateLength(), b.ApproximateLength()));
            return JsonElement.DeepEquals(a.Json, b.Json);
        }

        if (a.Count != b.Count)
        {
            return false;
        }

        return a.Kind == ExpressionValueKind.List ? AreListsEqual(ref context, node, a, b, depth) : AreMapsEqual(ref context, node, a, b, depth);
    }

    /// <summary>Compares two numbers exactly: an int is not rounded to a double.</summary>
    /// <returns>Negative, 0 or positive; not-a-number can't occur, because no operation gives it.</returns>
    public static int CompareNumbers(in ExpressionValue a, in ExpressionValue b)
    {
        if (a.Kind == ExpressionValueKind.Int)
        {
            return b.Kind == ExpressionValueKind.Int ? a.AsInt64().CompareTo(b.AsInt64()) : Compare(a.AsInt64(), b.AsDouble());
        }

        return b.Kind == ExpressionValueKind.Int ? -Compare(b.AsInt64(), a.AsDouble()) : a.AsDouble().CompareTo(b.AsDouble());
    }

    /// <summary>Compares two texts by code point; UTF-16 units alone would put U+1F600 before U+FF01.</summary>
    public static int CompareTexts(string a, string b)
    {
        var length = Math.Min(a.Length, b.Length);
        var i = a.AsSpan(0, length).CommonPrefixLength(b.AsSpan(0, length));
        if (i == length)
        {
            return a.Length.CompareTo(b.Length);
        }

        return char.IsSurrogate(a[i]) != char.IsSurrogate(b[i]) ? char.IsSurrogate(a[i]).CompareTo(char.IsSurrogate(b[i])) : a[i].CompareTo(b[i]);
    }

    /// <summary>Gets whether it is an int or a double.</summary>
    public static bool IsNumber(in ExpressionValue value) => value.Kind is ExpressionValueKind.Int or ExpressionValueKind.Double;

    /// <summary>Gets a hash that equal values share; cheap rather than deep for lists and maps.</summary>
    public static int Hash(ref EvaluationContext context, Node node, in ExpressionValue value)
    {
        switch (value.Kind)
        {
            case ExpressionValueKind.Int or ExpressionValueKind.Double:
                return value.AsDouble().GetHashCode();
            case ExpressionValueKind.Bool:
                return value.AsBoolean() ? 1 : 2;
            case ExpressionValueKind.String:
                return string.GetHashCode(context.Text(node, value), StringComparison.Ordinal);
            case ExpressionValueKind.List:
                var hash = value.Count;
                for (var items = new ItemReader(value); items.MoveNext();)
                {
                    context.Charge(node, 1);
                    hash = HashCode.Combine(hash, items.Current.Kind is ExpressionValueKind.List or ExpressionValueKind.Map ? items.Current.Count : Hash(ref context, node, items.Current));
                }

                return hash;
            case ExpressionValueKind.Map:
                return HashMembers(ref context, node, value);
            default:
                return 0;
        }
    }

    // Members of JSON are gone through as they stand: to look one up takes a time that grows with the object.
    private static int HashMembers(ref EvaluationContext context, Node node, in ExpressionValue map)
    {
        var sum = map.Count;
        if (map.Members is { } members)
        {
            foreach (var (name, member) in members)
            {
                sum += HashMember(ref context, node, name, member);
            }

            return sum;
        }

        foreach (var member in map.Json.EnumerateObject())
        {
            sum += HashMember(ref context, node, member.Name, ExpressionValue.FromJson(member.Value));
        }

        return sum;
    }

    private static int HashMember(ref EvaluationContext context, Node node, string name, in ExpressionValue member)
    {
        context.Charge(node, 1);
        return HashCode.Combine(name, member.Kind is ExpressionValueKind.List or ExpressionValueKind.Map ? member.Count : Hash(ref context, node, member));
    }

    private static int Compare(long a, double b)
    {
        if (b >= TwoTo63)
        {
            return -1;
        }

        if (b < -TwoTo63)
        {
            return 1;
        }

        var whole = Math.Floor(b);
        var order = a.CompareTo((long)whole);
        return order != 0 ? order : whole == b ? 0 : -1;
    }

    private static bool AreTextsEqual(ref EvaluationContext context, Node node, in ExpressionValue a, in ExpressionValue b)
    {
        context.ChargeText(node, Math.Min(a.ApproximateLength(), b.ApproximateLength()));
        if (!b.IsJson)
        {
            return a.IsJson ? a.Json.ValueEquals(b.AsString()) : string.Equals(a.AsString(), b.AsString(), StringComparison.Ordinal);
        }

        return b.Json.ValueEquals(a.AsString());
    }

    private static bool AreListsEqual(ref EvaluationContext context, Node node, in ExpressionValue a, in ExpressionValue b, int depth)
    {
        var other = new ItemReader(b);
        for (var items = new ItemReader(a); items.MoveNext() && other.MoveNext();)
        {
            if (!AreEqual(ref context, node, items.Current, other.Current, depth + 1))
            {
                return false;
            }
        }

        return true;
    }

    private static bool AreMapsEqual(ref EvaluationContext context, Node node, in ExpressionValue a, in ExpressionValue b, int depth)
    {
        foreach (var name in a.MemberNames())
        {
            context.Charge(node, 1 + (a.IsJson || b.IsJson ? a.Count / 8 : 0));
            if (!b.TryGetMember(name, out var other) || !a.TryGetMember(name, out var mine) || !AreEqual(ref context, node, mine, other, depth + 1))
            {
                return false;
            }
        }

        return true;
    }
}
