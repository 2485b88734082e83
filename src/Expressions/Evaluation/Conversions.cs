using System.Globalization;
using System.Text;
using System.Text.Json;
using Polyphony.Expressions.Syntax;

namespace Polyphony.Expressions.Evaluation;

/// <summary>The functions that convert between kinds.</summary>
internal static class Conversions
{
    private const double TwoTo63 = 9223372036854775808.0;
    private const int LongestNumber = 400;

    private static readonly JsonDocumentOptions ParseOptions = new() { MaxDepth = ExpressionLimits.Nesting };

    public static ExpressionValue ToInt(ref EvaluationContext context, CallNode call, scoped ReadOnlySpan<ExpressionValue> arguments)
    {
        var value = arguments[0];
        switch (value.Kind)
        {
            case ExpressionValueKind.Int:
                return value;
            case ExpressionValueKind.Double:
                var number = Math.Truncate(value.AsDouble());
                return number is >= -TwoTo63 and < TwoTo63
                    ? ExpressionValue.FromInt64((long)number)
                    : throw context.Fault(call, "The number doesn't fit into 64 bits.");
            default:
                var text = context.Text(call, value);
                return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var parsed)
                    ? ExpressionValue.FromInt64(parsed)
                    : throw context.Fault(call, $"{Quote(text)} is not a 64-bit whole number.", "Write int(double(x)) for a number with a fraction, int(x.trim()) if there are spaces.");
        }
    }

    public static ExpressionValue ToDouble(ref EvaluationContext context, CallNode call, scoped ReadOnlySpan<ExpressionValue> arguments)
    {
        var value = arguments[0];
        if (value.Kind != ExpressionValueKind.String)
        {
            return ExpressionValue.FromDouble(value.AsDouble());
        }

        var text = context.Text(call, value);
        const NumberStyles Style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        return text.Length <= LongestNumber && double.TryParse(text, Style, CultureInfo.InvariantCulture, out var parsed) && double.IsFinite(parsed)
            ? ExpressionValue.FromDouble(parsed)
            : throw context.Fault(call, $"{Quote(text)} is no number.", "Write double(x.trim()) if there are spaces.");
    }

    public static ExpressionValue ToText(ref EvaluationContext context, CallNode call, scoped ReadOnlySpan<ExpressionValue> arguments) =>
        ExpressionValue.FromString(Render(ref context, call, arguments[0]));

    public static ExpressionValue ToBool(ref EvaluationContext context, CallNode call, scoped ReadOnlySpan<ExpressionValue> arguments)
    {
        if (arguments[0].Kind == ExpressionValueKind.Bool)
        {
            return arguments[0];
        }

        var text = context.Text(call, arguments[0]);
        return text switch
        {
            "true" or "True" or "TRUE" or "t" or "1" => ExpressionValue.FromBoolean(true),
            "false" or "False" or "FALSE" or "f" or "0" => ExpressionValue.FromBoolean(false),
            _ => throw context.Fault(call, $"{Quote(text)} is neither true nor false.", "Expected 'true' or 'false'."),
        };
    }

    public static ExpressionValue ToJson(ref EvaluationContext context, CallNode call, scoped ReadOnlySpan<ExpressionValue> arguments)
    {
        context.ChargeText(call, arguments[0].ApproximateLength());
        var text = ValueWriter.ToJsonText(arguments[0], out var problem) ?? throw context.Fault(call, problem!);
        context.ChargeResult(call, text.Length);
        return ExpressionValue.FromString(text);
    }

    public static ExpressionValue ParseJson(ref EvaluationContext context, CallNode call, scoped ReadOnlySpan<ExpressionValue> arguments)
    {
        var text = context.Text(call, arguments[0]);
        context.ChargeText(call, text.Length);
        try
        {
            return ExpressionValue.FromJson(JsonElement.Parse(text, ParseOptions));
        }
        catch (JsonException exception)
        {
            var hint = text.TrimStart().StartsWith("```", StringComparison.Ordinal) ? "It stands between ``` marks: ask for bare JSON, or give the agent an output schema." : null;
            throw context.Fault(call, $"{Quote(text)} is not JSON (line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}).", hint);
        }
        catch (ArgumentException)
        {
            throw context.Fault(call, "The text holds half of a surrogate pair, so it is not JSON.");
        }
    }

    /// <summary>Makes the text that a value is in a template.</summary>
    public static string Render(ref EvaluationContext context, Node node, in ExpressionValue value)
    {
        context.ChargeText(node, value.ApproximateLength());
        var text = ValueWriter.ToText(value, out var problem) ?? throw context.Fault(node, problem!);
        if (!(value.Kind == ExpressionValueKind.String))
        {
            context.ChargeResult(node, text.Length);
        }

        return text;
    }

    private static string Quote(string text)
    {
        var builder = new StringBuilder("\"");
        foreach (var c in text.Length > 40 ? string.Concat(text.AsSpan(0, 40), "...") : text)
        {
            builder.Append(char.IsControl(c) ? ' ' : c);
        }

        return builder.Append('"').ToString();
    }
}
