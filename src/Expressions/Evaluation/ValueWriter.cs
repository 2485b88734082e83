using System.Text;
using System.Text.Json;

namespace Polyphony.Expressions.Evaluation;

/// <summary>
/// Writes values as compact JSON and as text. Values made by expressions can share parts, so a small one can be huge when written:
/// length and depth are checked while writing. Letters of any language, and emoji, stay unchanged: prompts are no HTML, and the
/// escapes that Utf8JsonWriter would write cost a model several times the tokens.
/// </summary>
internal static class ValueWriter
{
    /// <summary>Says that JSON holds half of a surrogate pair.</summary>
    public const string NotUnicode = "A string is not valid Unicode: it has one half of a surrogate pair.";

    private static readonly string TooDeep = $"The value is nested deeper than {ExpressionLimits.Nesting} levels.";
    private static readonly string TooLong = $"The value is longer than {ExpressionLimits.ResultLength:N0} characters.";

    public static JsonElement ToElement(in ExpressionValue value) =>
        JsonElement.Parse(ToJsonText(value, out var problem) ?? throw Failure(problem!), new JsonDocumentOptions { MaxDepth = ExpressionLimits.Nesting });

    public static string? ToText(in ExpressionValue value, out string? problem)
    {
        problem = null;
        switch (value.Kind)
        {
            case ExpressionValueKind.Null:
                return "";
            case ExpressionValueKind.Bool:
                return value.AsBoolean() ? "true" : "false";
            case ExpressionValueKind.Int:
                return value.AsInt64().ToString();
            case ExpressionValueKind.String:
                try
                {
                    return value.AsString();
                }
                catch (InvalidOperationException)
                {
                    problem = NotUnicode;
                    return null;
                }

            default:
                return ToJsonText(value, out problem);
        }
    }

    public static string? ToJsonText(in ExpressionValue value, out string? problem)
    {
        var builder = new StringBuilder();
        try
        {
            problem = Write(value, builder, 0);
        }
        catch (InvalidOperationException)
        {
            // Reading a JSON text with half a surrogate pair throws; there is no other way to find out.
            problem = NotUnicode;
        }

        return problem is null ? builder.ToString() : null;
    }

    public static ExpressionException Failure(string problem) => new("(value)", new ExpressionProblem(0, 0, problem));

    private static string? Write(in ExpressionValue value, StringBuilder builder, int depth)
    {
        if (depth >= ExpressionLimits.Nesting && value.Kind is ExpressionValueKind.List or ExpressionValueKind.Map)
        {
            return TooDeep;
        }

        if (builder.Length > ExpressionLimits.ResultLength)
        {
            return TooLong;
        }

        switch (value.Kind)
        {
            case ExpressionValueKind.Null:
                builder.Append("null");
                break;
            case ExpressionValueKind.Bool:
                builder.Append(value.AsBoolean() ? "true" : "false");
                break;
            case ExpressionValueKind.Int:
                builder.Append(value.AsInt64());
                break;
            case ExpressionValueKind.Double when value.IsJson:
                builder.Append(value.Json.GetRawText());
                break;
            case ExpressionValueKind.Double:
                if (!double.IsFinite(value.AsDouble()))
                {
                    return "A number is not finite, so JSON can't express it.";
                }

                builder.Append(value.AsDouble());
                break;
            case ExpressionValueKind.String:
                WriteString(value.AsString(), builder);
                break;
            case ExpressionValueKind.List:
                return WriteList(value, builder, depth);
            default:
                return WriteMap(value, builder, depth);
        }

        return builder.Length > ExpressionLimits.ResultLength ? TooLong : null;
    }

    private static string? WriteList(in ExpressionValue value, StringBuilder builder, int depth)
    {
        builder.Append('[');
        var isFirst = true;
        for (var items = new ItemReader(value); items.MoveNext(); isFirst = false)
        {
            if (!isFirst)
            {
                builder.Append(',');
            }

            if (Write(items.Current, builder, depth + 1) is { } problem)
            {
                return problem;
            }
        }

        builder.Append(']');
        return null;
    }

    private static string? WriteMap(in ExpressionValue value, StringBuilder builder, int depth)
    {
        builder.Append('{');
        var isFirst = true;
        if (value.Members is { } members)
        {
            foreach (var name in value.MemberNames())
            {
                if (WriteMember(name, members[name], builder, depth, ref isFirst) is { } problem)
                {
                    return problem;
                }
            }
        }
        else
        {
            foreach (var member in value.Json.EnumerateObject())
            {
                if (WriteMember(member.Name, ExpressionValue.FromJson(member.Value), builder, depth, ref isFirst) is { } problem)
                {
                    return problem;
                }
            }
        }

        builder.Append('}');
        return null;
    }

    private static string? WriteMember(string name, in ExpressionValue value, StringBuilder builder, int depth, ref bool isFirst)
    {
        if (!isFirst)
        {
            builder.Append(',');
        }

        isFirst = false;
        WriteString(name, builder);
        builder.Append(':');
        return Write(value, builder, depth + 1);
    }

    /// <summary>Escapes what RFC 8259 demands, and halves of surrogate pairs, which UTF-8 can't hold.</summary>
    private static void WriteString(string text, StringBuilder builder)
    {
        builder.Append('"');
        var written = 0;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c >= ' ' && c is not ('"' or '\\') && !char.IsSurrogate(c))
            {
                continue;
            }

            if (char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                i++;
                continue;
            }

            builder.Append(text, written, i - written);
            written = i + 1;
            _ = c switch
            {
                '"' => builder.Append("\\\""),
                '\\' => builder.Append("\\\\"),
                '\n' => builder.Append("\\n"),
                '\r' => builder.Append("\\r"),
                '\t' => builder.Append("\\t"),
                _ => builder.Append($"\\u{(int)c:x4}"),
            };
        }

        builder.Append(text, written, text.Length - written).Append('"');
    }
}
