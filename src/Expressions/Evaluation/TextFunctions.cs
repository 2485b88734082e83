using Polyphony.Expressions.Syntax;

namespace Polyphony.Expressions.Evaluation;

/// <summary>The functions of texts. Positions and lengths are in Unicode code points, as in CEL.</summary>
internal static class TextFunctions
{
    public static ExpressionValue Size(ref EvaluationContext context, CallNode call, scoped ReadOnlySpan<ExpressionValue> arguments) =>
        ExpressionValue.FromInt64(arguments[0].Kind == ExpressionValueKind.String ? CountCodePoints(context.Text(call, arguments[0])) : arguments[0].Count);

    public static ExpressionValue Contains(ref EvaluationContext context, CallNode call, scoped ReadOnlySpan<ExpressionValue> arguments) =>
        ExpressionValue.FromBoolean(context.Text(call, arguments[0]).Contains(context.Text(call, arguments[1]), StringComparison.Ordinal));

    public static ExpressionValue StartsWith(ref EvaluationContext context, CallNode call, scoped ReadOnlySpan<ExpressionValue> arguments) =>
        ExpressionValue.FromBoolean(context.Text(call, arguments[0]).StartsWith(context.Text(call, arguments[1]), StringComparison.Ordinal));

    public static ExpressionValue EndsWith(ref EvaluationContext context, CallNode call, scoped ReadOnlySpan<ExpressionValue> arguments) =>
        ExpressionValue.FromBoolean(context.Text(call, arguments[0]).EndsWith(context.Text(call, arguments[1]), StringComparison.Ordinal));

    public static ExpressionValue IndexOf(ref EvaluationContext context, CallNode call, scoped ReadOnlySpan<ExpressionValue> arguments)
    {
        var text = context.Text(call, arguments[0]);
        var index = text.IndexOf(context.Text(call, arguments[1]), StringComparison.Ordinal);
        return ExpressionValue.FromInt64(index < 0 ? -1 : CountCodePoints(text.AsSpan(0, index)));
    }

    public static ExpressionValue Split(ref EvaluationContext context, CallNode call, scoped ReadOnlySpan<ExpressionValue> arguments)
    {
        var text = context.Text(call, arguments[0]);
        var separator = context.Text(call, arguments[1]);
        context.ChargeText(call, text.Length);
        List<ExpressionValue> parts = [];
        if (separator.Length == 0)
        {
            context.Charge(call, text.Length);
            foreach (var rune in text.EnumerateRunes())
            {
                parts.Add(ExpressionValue.FromString(rune.ToString()));
            }

            return ExpressionValue.FromList(parts);
        }

        foreach (var range in text.AsSpan().Split(separator))
        {
            context.Charge(call, 1);
            parts.Add(ExpressionValue.FromString(text[range]));
        }

        return ExpressionValue.FromList(parts);
    }

    public static ExpressionValue Trim(ref EvaluationContext context, CallNode call, scoped ReadOnlySpan<ExpressionValue> arguments) =>
        ExpressionValue.FromString(context.Text(call, arguments[0]).Trim());

    public static ExpressionValue LowerAscii(ref EvaluationContext context, CallNode call, scoped ReadOnlySpan<ExpressionValue> arguments) =>
        ExpressionValue.FromString(ChangeCase(context.Text(call, arguments[0]), char.IsAsciiLetterUpper));

    public static ExpressionValue UpperAscii(ref EvaluationContext context, CallNode call, scoped ReadOnlySpan<ExpressionValue> arguments) =>
        ExpressionValue.FromString(ChangeCase(context.Text(call, arguments[0]), char.IsAsciiLetterLower));

    public static ExpressionValue Replace(ref EvaluationContext context, CallNode call, scoped ReadOnlySpan<ExpressionValue> arguments)
    {
        var text = context.Text(call, arguments[0]);
        var old = context.Text(call, arguments[1]);
        var replacement = context.Text(call, arguments[2]);
        if (old.Length == 0)
        {
            throw context.Fault(call, "The text to replace is empty.");
        }

        // The length is known before the text is made, so that a long text can't be multiplied by another.
        var count = (long)text.AsSpan().Count(old);
        context.ChargeResult(call, text.Length + count * (replacement.Length - old.Length));
        return ExpressionValue.FromString(text.Replace(old, replacement, StringComparison.Ordinal));
    }

    public static ExpressionValue Substring(ref EvaluationContext context, CallNode call, scoped ReadOnlySpan<ExpressionValue> arguments)
    {
        var text = context.Text(call, arguments[0]);
        var size = CountCodePoints(text);
        var from = Whole(ref context, call, arguments[1], "The start");
        var to = arguments.Length == 3 ? Whole(ref context, call, arguments[2], "The end") : size;
        if (from < 0 || to > size || from > to)
        {
            throw context.Fault(call, $"There is no part from {from} to {to}: the text has {size} characters.", "Up to n characters are x.first(n).");
        }

        return ExpressionValue.FromString(Slice(text, from, to));
    }

    /// <summary>Takes a part by code points.</summary>
    public static string Slice(string text, long from, long to)
    {
        var begin = Advance(text, 0, from);
        return text[begin..Advance(text, begin, to - from)];
    }

    /// <summary>Counts the code points.</summary>
    public static int CountCodePoints(ReadOnlySpan<char> text)
    {
        var count = text.Length;
        for (var i = text.IndexOfAnyInRange('\uD800', '\uDBFF'); i >= 0 && i + 1 < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && char.IsLowSurrogate(text[i + 1]))
            {
                count--;
            }
        }

        return count;
    }

    /// <summary>Takes a whole number, which JSON may have written as 2.0.</summary>
    public static long Whole(ref EvaluationContext context, CallNode call, in ExpressionValue value, string role)
    {
        if (value.Kind == ExpressionValueKind.Int)
        {
            return value.AsInt64();
        }

        var number = value.AsDouble();
        return Math.Abs(number) < (1L << 53) && Math.Floor(number) == number
            ? (long)number
            : throw context.Fault(call, $"{role} must be a whole number, found {number}.");
    }

    private static int Advance(string text, int index, long codePoints)
    {
        for (; codePoints > 0 && index < text.Length; codePoints--)
        {
            index += char.IsHighSurrogate(text[index]) && index + 1 < text.Length && char.IsLowSurrogate(text[index + 1]) ? 2 : 1;
        }

        return index;
    }

    private static string ChangeCase(string text, Func<char, bool> applies) => string.Create(text.Length, (text, applies), static (target, state) =>
    {
        for (var i = 0; i < target.Length; i++)
        {
            target[i] = state.applies(state.text[i]) ? (char)(state.text[i] ^ 0x20) : state.text[i];
        }
    });
}
