using System.Text;
using Polyphony.Expressions.Syntax;

namespace Polyphony.Expressions.Evaluation;

/// <summary>The functions of lists.</summary>
internal static class ListFunctions
{
    public static ExpressionValue Join(ref EvaluationContext context, CallNode call, scoped ReadOnlySpan<ExpressionValue> arguments)
    {
        var separator = arguments.Length == 2 ? context.Text(call, arguments[1]) : "";
        var builder = new StringBuilder();
        var isFirst = true;
        for (var items = new ItemReader(arguments[0]); items.MoveNext(); isFirst = false)
        {
            var text = Conversions.Render(ref context, call, items.Current);
            var length = text.Length + (isFirst ? 0 : separator.Length);
            context.ChargeText(call, length);
            context.CheckLength(call, (long)builder.Length + length);
            if (!isFirst)
            {
                builder.Append(separator);
            }

            builder.Append(text);
        }

        return ExpressionValue.FromString(builder.ToString());
    }

    public static ExpressionValue First(ref EvaluationContext context, CallNode call, scoped ReadOnlySpan<ExpressionValue> arguments) => Part(ref context, call, arguments, fromEnd: false);

    public static ExpressionValue Last(ref EvaluationContext context, CallNode call, scoped ReadOnlySpan<ExpressionValue> arguments) => Part(ref context, call, arguments, fromEnd: true);

    public static ExpressionValue Distinct(ref EvaluationContext context, CallNode call, scoped ReadOnlySpan<ExpressionValue> arguments)
    {
        List<ExpressionValue> results = [];

        // Per hash the last result with it; per result the one before it with the same hash.
        Dictionary<int, int> lastByHash = [];
        List<int> before = [];
        for (var items = new ItemReader(arguments[0]); items.MoveNext();)
        {
            context.Charge(call, 1);
            var hash = Comparison.Hash(ref context, call, items.Current);
            var last = lastByHash.GetValueOrDefault(hash, -1);
            var known = last;
            while (known >= 0 && !Comparison.AreEqual(ref context, call, results[known], items.Current))
            {
                known = before[known];
            }

            if (known >= 0)
            {
                continue;
            }

            lastByHash[hash] = results.Count;
            before.Add(last);
            results.Add(items.Current);
        }

        return ExpressionValue.FromList(results);
    }

    public static ExpressionValue Sort(ref EvaluationContext context, CallNode call, scoped ReadOnlySpan<ExpressionValue> arguments)
    {
        var values = Copy(ref context, call, arguments[0]);
        return Sort(ref context, call, values, values);
    }

    /// <summary>Sorts values by keys; equal keys keep their order.</summary>
    public static ExpressionValue Sort(ref EvaluationContext context, Node node, IReadOnlyList<ExpressionValue> keys, IReadOnlyList<ExpressionValue> values)
    {
        var isText = keys.Count > 0 && keys[0].Kind == ExpressionValueKind.String;
        var texts = isText ? new string[keys.Count] : [];
        var order = new int[keys.Count];
        for (var i = 0; i < keys.Count; i++)
        {
            order[i] = i;
            if (isText ? keys[i].Kind != ExpressionValueKind.String : !Comparison.IsNumber(keys[i]))
            {
                throw context.Fault(
                    node,
                    $"Only numbers, or only strings, can be sorted; item {i} gives {Kinds.Name(keys[i].Kind)}.",
                    keys[i].Kind == ExpressionValueKind.Map ? "Sort by a member: x.sortBy(i, i.name)." : null);
            }

            if (isText)
            {
                texts[i] = context.Text(node, keys[i]);
            }
        }

        // A sort compares each item about log2(n) times.
        context.Charge(node, (long)keys.Count * (1 + (int)Math.Log2(keys.Count + 1)));
        Array.Sort(order, (a, b) =>
        {
            var result = isText ? Comparison.CompareTexts(texts[a], texts[b]) : Comparison.CompareNumbers(keys[a], keys[b]);
            return result != 0 ? result : a.CompareTo(b);
        });
        return ExpressionValue.FromList(Array.ConvertAll(order, index => values[index]));
    }

    public static ExpressionValue Reverse(ref EvaluationContext context, CallNode call, scoped ReadOnlySpan<ExpressionValue> arguments)
    {
        var values = Copy(ref context, call, arguments[0]);
        values.Reverse();
        return ExpressionValue.FromList(values);
    }

    public static ExpressionValue Flatten(ref EvaluationContext context, CallNode call, scoped ReadOnlySpan<ExpressionValue> arguments)
    {
        List<ExpressionValue> results = [];
        for (var items = new ItemReader(arguments[0]); items.MoveNext();)
        {
            context.Charge(call, 1);
            if (items.Current.Kind == ExpressionValueKind.List)
            {
                results.AddRange(Copy(ref context, call, items.Current));
            }
            else
            {
                results.Add(items.Current);
            }
        }

        return ExpressionValue.FromList(results);
    }

    public static ExpressionValue Sum(ref EvaluationContext context, CallNode call, scoped ReadOnlySpan<ExpressionValue> arguments)
    {
        Int128 whole = 0;
        var number = 0.0;
        var isWhole = true;
        var index = 0;
        for (var items = new ItemReader(arguments[0]); items.MoveNext(); index++)
        {
            context.Charge(call, 1);
            if (!Comparison.IsNumber(items.Current))
            {
                throw context.Fault(call, $"sum() adds numbers; item {index} is {Kinds.Name(items.Current.Kind)}.");
            }

            isWhole &= items.Current.Kind == ExpressionValueKind.Int;
            if (items.Current.Kind == ExpressionValueKind.Int)
            {
                whole += items.Current.AsInt64();
            }
            else
            {
                number += items.Current.AsDouble();
            }
        }

        if (isWhole)
        {
            return whole >= long.MinValue && whole <= long.MaxValue ? ExpressionValue.FromInt64((long)whole) : throw context.Fault(call, "The result doesn't fit into 64 bits.");
        }

        var total = number + (double)whole;
        return double.IsFinite(total) ? ExpressionValue.FromDouble(total) : throw context.Fault(call, "The result is too large for a number.");
    }

    public static ExpressionValue Min(ref EvaluationContext context, CallNode call, scoped ReadOnlySpan<ExpressionValue> arguments) => Extreme(ref context, call, arguments[0], -1);

    public static ExpressionValue Max(ref EvaluationContext context, CallNode call, scoped ReadOnlySpan<ExpressionValue> arguments) => Extreme(ref context, call, arguments[0], 1);

    private static ExpressionValue Extreme(ref EvaluationContext context, CallNode call, in ExpressionValue list, int sign)
    {
        var items = new ItemReader(list);
        if (!items.MoveNext())
        {
            throw context.Fault(call, $"The array is empty, so it has no {(sign < 0 ? "smallest" : "largest")} item.", "Add a default: (x + [0]).max().");
        }

        var best = items.Current;
        var index = 0;
        do
        {
            context.Charge(call, 1);
            var item = items.Current;
            int order;
            if (Comparison.IsNumber(best) && Comparison.IsNumber(item))
            {
                order = Comparison.CompareNumbers(item, best);
            }
            else if (best.Kind == ExpressionValueKind.String && item.Kind == ExpressionValueKind.String)
            {
                order = Comparison.CompareTexts(context.Text(call, item), context.Text(call, best));
            }
            else
            {
                throw context.Fault(call, $"{call.Name}() compares only numbers, or only strings; item {index} is {Kinds.Name(item.Kind)}.");
            }

            if (order * sign > 0)
            {
                best = item;
            }

            index++;
        }
        while (items.MoveNext());
        return best;
    }

    private static ExpressionValue Part(ref EvaluationContext context, CallNode call, scoped ReadOnlySpan<ExpressionValue> arguments, bool fromEnd) =>
        arguments[0].Kind == ExpressionValueKind.String ? PartOfText(ref context, call, arguments, fromEnd) : PartOfList(ref context, call, arguments, fromEnd);

    private static ExpressionValue PartOfText(ref EvaluationContext context, CallNode call, scoped ReadOnlySpan<ExpressionValue> arguments, bool fromEnd)
    {
        var text = context.Text(call, arguments[0]);
        var count = TextFunctions.CountCodePoints(text);
        var taken = PartLength(ref context, call, arguments, count, "string");
        var from = fromEnd ? count - taken : 0;
        return ExpressionValue.FromString(TextFunctions.Slice(text, from, from + taken));
    }

    private static ExpressionValue PartOfList(ref EvaluationContext context, CallNode call, scoped ReadOnlySpan<ExpressionValue> arguments, bool fromEnd)
    {
        var count = arguments[0].Count;
        var taken = PartLength(ref context, call, arguments, count, "array");
        var from = fromEnd ? count - taken : 0;
        context.Charge(call, fromEnd ? count : taken);
        var results = new List<ExpressionValue>((int)taken);
        var items = new ItemReader(arguments[0]);
        for (var i = 0; i < from + taken && items.MoveNext(); i++)
        {
            if (i >= from)
            {
                results.Add(items.Current);
            }
        }

        return arguments.Length == 1 ? results[0] : ExpressionValue.FromList(results);
    }

    /// <summary>Gets how many items, or characters, of a whole are asked for: one unless a number is given, and not more than there are.</summary>
    private static long PartLength(ref EvaluationContext context, CallNode call, scoped ReadOnlySpan<ExpressionValue> arguments, long count, string whole)
    {
        var wanted = arguments.Length == 2 ? TextFunctions.Whole(ref context, call, arguments[1], "The number of items") : 1;
        if (wanted < 0)
        {
            throw context.Fault(call, $"The number of items must be 0 or more, found {wanted}.");
        }

        if (arguments.Length == 1 && count == 0)
        {
            throw context.Fault(call, $"The {whole} is empty.", $"x.{call.Name}(1) gives an empty {whole} instead.");
        }

        return Math.Min(wanted, count);
    }

    private static List<ExpressionValue> Copy(ref EvaluationContext context, CallNode call, in ExpressionValue list)
    {
        context.Charge(call, list.Count);
        var values = new List<ExpressionValue>(list.Count);
        for (var items = new ItemReader(list); items.MoveNext();)
        {
            values.Add(items.Current);
        }

        return values;
    }
}
