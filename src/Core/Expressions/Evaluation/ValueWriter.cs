using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Polyphony.Core.Expressions.Evaluation;

/// <summary>
/// Writes values as JSON and text. Values made by expressions can share parts, so a small one can be huge when written:
/// length and depth are checked while writing.
/// </summary>
internal static class ValueWriter
{
    // Prompts and stored values are no HTML: letters of any language stay as they are.
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true, MaxDepth = 2 * ExpressionLimits.Nesting };

    public static JsonElement ToElement(in ExpressionValue value)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        if (Write(value, buffer) is { } problem)
            throw Failure(problem);
        try
        {
            return JsonElement.Parse(buffer.WrittenSpan, new JsonDocumentOptions { MaxDepth = ExpressionLimits.Nesting });
        }
        catch (JsonException)
        {
            throw Failure(TooDeep);
        }
    }

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
        var buffer = new ArrayBufferWriter<byte>(256);
        problem = Write(value, buffer);
        return problem is null ? Encoding.UTF8.GetString(buffer.WrittenSpan) : null;
    }

    public static ExpressionException Failure(string problem) => new("(value)", new ExpressionProblem(0, 0, problem));

    /// <summary>Says that JSON holds half of a surrogate pair.</summary>
    public const string NotUnicode = "A text is not valid Unicode: it has one half of a surrogate pair.";

    private static readonly string TooDeep = $"The value is nested deeper than {ExpressionLimits.Nesting} levels.";
    private static readonly string TooLong = $"The value is longer than {ExpressionLimits.ResultLength:N0} characters.";

    private static string? Write(in ExpressionValue value, ArrayBufferWriter<byte> buffer)
    {
        using var writer = new Utf8JsonWriter(buffer, Options);
        try
        {
            return Write(value, writer, 0);
        }
        catch (InvalidOperationException)
        {
            // The reader of a JSON text with half a surrogate pair throws this; there is no other way to find out.
            return NotUnicode;
        }
    }

    private static string? Write(in ExpressionValue value, Utf8JsonWriter writer, int depth)
    {
        if (depth > ExpressionLimits.Nesting)
            return TooDeep;
        if (writer.BytesCommitted + writer.BytesPending + value.ApproximateLength() > ExpressionLimits.ResultLength)
            return TooLong;
        switch (value.Kind)
        {
            case ExpressionValueKind.Null:
                writer.WriteNullValue();
                return null;
            case ExpressionValueKind.Bool:
                writer.WriteBooleanValue(value.AsBoolean());
                return null;
            case ExpressionValueKind.Int:
                writer.WriteNumberValue(value.AsInt64());
                return null;
            case ExpressionValueKind.Double when value.IsJson:
                writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(value.Json), skipInputValidation: true);
                return null;
            case ExpressionValueKind.Double:
                if (!double.IsFinite(value.AsDouble()))
                    return "A number is not finite, so JSON can't express it.";
                writer.WriteNumberValue(value.AsDouble());
                return null;
            case ExpressionValueKind.String:
                writer.WriteStringValue(value.AsString());
                return null;
            case ExpressionValueKind.List or ExpressionValueKind.Map when value.IsJson:
                value.Json.WriteTo(writer);
                return null;
            case ExpressionValueKind.List:
                writer.WriteStartArray();
                foreach (var item in value.List!)
                {
                    if (Write(item, writer, depth + 1) is { } problem)
                        return problem;
                }

                writer.WriteEndArray();
                return null;
            default:
                writer.WriteStartObject();
                foreach (var name in value.MemberNames())
                {
                    writer.WritePropertyName(name);
                    if (Write(value.Members![name], writer, depth + 1) is { } problem)
                        return problem;
                }

                writer.WriteEndObject();
                return null;
        }
    }
}
