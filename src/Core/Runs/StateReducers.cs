using System.Buffers;
using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Polyphony.Core.Definitions;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;

namespace Polyphony.Core.Runs;

/// <summary>
/// The reducers of the state. Pure. All of them are associative: writes that are put together in parts, by the items of a child or the rounds of a loop, give the same as one after the
/// other. For sums that means that numbers are added exactly, as decimals, and not as doubles.
/// </summary>
internal static class StateReducers
{
    private static readonly Payload EmptyObject = Payload.FromText("{}"u8.ToArray());
    private static readonly Payload Zero = Payload.FromText("0"u8.ToArray());

    /// <summary>Names a reducer as files do.</summary>
    public static string Name(StateReducer reducer) => reducer.ToString().ToLowerInvariant();

    /// <summary>Gets the value before anything is written.</summary>
    public static Payload InitialOf(StateDefinition definition) => definition.Initial is { } initial ? Payload.Inline(initial) : definition.Reducer switch
    {
        StateReducer.Append => Packing.EmptyList,
        StateReducer.Merge => EmptyObject,
        StateReducer.Sum => Zero,
        _ => Payload.Null,
    };

    /// <summary>Determines whether a reducer can go on with a value: one that an earlier version of the workflow has left may be of another kind.</summary>
    public static bool IsOfKind(StateReducer reducer, Payload value) => reducer switch
    {
        StateReducer.Append => (value.Reference?.Type ?? (value.Json?.ValueKind == JsonValueKind.Array ? "array" : "")) == "array",
        StateReducer.Merge => (value.Reference?.Type ?? (value.Json?.ValueKind == JsonValueKind.Object ? "object" : "")) == "object",
        StateReducer.Sum => value.Json?.ValueKind == JsonValueKind.Number,
        StateReducer.Min or StateReducer.Max => value.Json?.ValueKind is JsonValueKind.Number or JsonValueKind.Null,
        _ => true,
    };

    /// <summary>Finds what is wrong with a value that is to be written, or to be there at first.</summary>
    /// <param name="definition">The value of the state.</param>
    /// <param name="value">What is written: an array of elements for <see cref="StateReducer.Append"/>.</param>
    /// <returns>What is wrong; <see langword="null"/> if nothing is.</returns>
    public static string? FindProblem(StateDefinition definition, JsonElement value)
    {
        switch (definition.Reducer)
        {
            case StateReducer.Append when value.ValueKind != JsonValueKind.Array:
                return Expected("an array");
            case StateReducer.Merge when value.ValueKind != JsonValueKind.Object:
                return Expected("an object");
            case StateReducer.Sum or StateReducer.Min or StateReducer.Max when value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out var number) || !double.IsFinite(number):
                return Expected("a number of at most 64 bits");
        }

        if (definition.Schema is not { } schema)
        {
            return null;
        }

        if (definition.Reducer != StateReducer.Append)
        {
            return schema.Validate(value) is [var violation, ..] ? Describe(violation.Pointer, violation.Message) : null;
        }

        var index = 0;
        foreach (var element in value.EnumerateArray())
        {
            if (schema.Validate(element) is [var violation, ..])
            {
                return Describe($"/{index}{violation.Pointer}", violation.Message);
            }

            index++;
        }

        return null;

        string Expected(string what) => $"expected {what}, found {Payload.Inline(value).DescribeKind()}";

        static string Describe(string pointer, string message) => pointer.Length == 0 ? message.TrimEnd('.') : $"{pointer}: {message.TrimEnd('.')}";
    }

    /// <summary>Makes a write of what an expression gave. A null writes nothing, unless it replaces; what is no array is one element to append.</summary>
    /// <exception cref="CallFailedException"><see cref="ErrorCodes.StateInvalid"/>: it does not fit.</exception>
    public static JsonElement ToWrite(StateDefinition definition, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Null && definition.Reducer != StateReducer.Replace)
        {
            return Json("null");
        }

        if (definition.Reducer == StateReducer.Append && value.ValueKind != JsonValueKind.Array)
        {
            value = JsonElement.Parse(Packing.Write([value]), JsonLimits.Document);
        }

        return FindProblem(definition, value) is { } problem
            ? throw new CallFailedException(new CallError(
                ErrorCodes.StateInvalid,
                $"What is written to state \"{definition.Name}\" ({Name(definition.Reducer)}) does not fit: {problem}. Change what writes it, or the schema of the value.",
                ErrorKind.Terminal))
            : definition.Reducer is StateReducer.Sum or StateReducer.Min or StateReducer.Max ? ToNumber(value) : value;
    }

    /// <summary>Makes a write of what a program gives.</summary>
    /// <param name="workflow">The workflow.</param>
    /// <param name="name">The name of the value.</param>
    /// <param name="value">What is written.</param>
    /// <param name="mayReplace">Whether nobody can write at the same time: what would replace is refused otherwise.</param>
    /// <exception cref="PolyphonyException"><c>state_invalid</c>: there is no such value, or it does not fit.</exception>
    public static JsonElement ToWriteOf(WorkflowDefinition workflow, string name, JsonElement value, bool mayReplace)
    {
        if (workflow.FindState(name) is not { } definition)
        {
            throw new PolyphonyException(
                ErrorCodes.StateInvalid,
                $"Workflow \"{workflow.Name}\" has no state \"{name}\". {(workflow.State.Count == 0 ? "Name it under \"state\" in the file." : $"It has: {string.Join(", ", workflow.State.Select(each => each.Name))}.")}");
        }

        if (definition.Reducer == StateReducer.Replace && !mayReplace)
        {
            throw new PolyphonyException(
                ErrorCodes.StateInvalid, $"A tool can't replace the state \"{name}\", because several calls may run side by side. Return the value, and let the node write it, or give it another reducer.");
        }

        try
        {
            return ToWrite(definition, value);
        }
        catch (CallFailedException failed)
        {
            throw new PolyphonyException(failed.Error.Code, failed.Error.Message);
        }
    }

    /// <summary>Puts two writes together, or a value and a write.</summary>
    /// <param name="reducer">The reducer.</param>
    /// <param name="first">The parts of the first, in the order of the graph.</param>
    /// <param name="second">The parts of what comes after it.</param>
    public static StateParts Combine(StateReducer reducer, StateParts first, StateParts second)
    {
        if (first.IsEmpty || second.IsEmpty)
        {
            return first.IsEmpty ? second : first;
        }

        switch (reducer)
        {
            case StateReducer.Append or StateReducer.Merge:
                // Small parts become one, so that few are left.
                var joined = RunCalls.TryPackHere([first.Parts[^1], second.Parts[0]], ModeOf(reducer));
                return new StateParts(joined is null ? first.Parts.AddRange(second.Parts) : first.Parts.SetItem(first.Parts.Count - 1, joined).AddRange(second.Parts.Skip(1)));
            case StateReducer.Replace:
                return second;
            default:
                var (one, other) = (first.Parts[0], second.Parts[0]);
                return one == Payload.Null ? second : other == Payload.Null ? first : reducer switch
                {
                    StateReducer.Sum => StateParts.Of(Add(one.Json!.Value, other.Json!.Value)),
                    StateReducer.Min => Compare(other.Json!.Value, one.Json!.Value) < 0 ? second : first,
                    _ => Compare(other.Json!.Value, one.Json!.Value) > 0 ? second : first,
                };
        }
    }

    /// <summary>Makes one value of parts.</summary>
    /// <exception cref="CallFailedException"><see cref="ErrorCodes.StateOverflow"/>: a sum is beyond what expressions can read.</exception>
    public static async ValueTask<Payload> JoinAsync(StateDefinition definition, StateParts value, RunCalls calls)
    {
        if (value.Parts.Count > 1)
        {
            return await calls.PackAsync(value.Parts, ModeOf(definition.Reducer));
        }

        var one = value.IsEmpty ? InitialOf(definition with { Initial = null }) : value.Parts[0];
        return definition.Reducer == StateReducer.Sum && IsOverflow(one.Json!.Value)
            ? throw new CallFailedException(new CallError(
                ErrorCodes.StateOverflow, $"The sum \"{definition.Name}\" of the state is beyond the range of 64-bit numbers: {Encoding.UTF8.GetString(one.Text[..Math.Min(one.Text.Length, 60)])}.", ErrorKind.Terminal))
            : one;
    }

    /// <summary>Joins the parts of a value: arrays one after another, objects member by member.</summary>
    public static JsonElement Join(IReadOnlyList<JsonElement> parts) =>
        JsonElement.Parse(parts[0].ValueKind == JsonValueKind.Object ? Merge(parts) : Packing.Write([.. Packing.Arrange(PackMode.Concat, parts)]), JsonLimits.Document);

    /// <summary>Makes an object with the members of several; those of later ones take the place of earlier ones.</summary>
    public static byte[] Merge(IEnumerable<JsonElement> objects)
    {
        var members = new OrderedDictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var value in objects)
        {
            foreach (var member in value.EnumerateObject())
            {
                members[member.Name] = member.Value;
            }
        }

        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = JsonLimits.MaxDepth }))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in members)
            {
                writer.WritePropertyName(name);
                writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(value), skipInputValidation: true);
            }

            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static PackMode ModeOf(StateReducer reducer) => reducer == StateReducer.Merge ? PackMode.Merge : PackMode.Concat;

    // Of numbers only these two forms are written, so that what is added stays short.
    private static JsonElement ToNumber(JsonElement value) => value.TryGetInt64(out var whole)
        ? Json(whole.ToString(CultureInfo.InvariantCulture))
        : JsonSerializer.SerializeToElement(value.GetDouble(), CoreJsonContext.Default.Double) is var number && IsWhole(number.GetRawText()) ? Json(number.GetRawText() + ".0") : number;

    private static Payload Add(JsonElement one, JsonElement other)
    {
        var (first, second) = (one.GetRawText(), other.GetRawText());
        var (a, b) = (DecimalOf(first), DecimalOf(second));
        var exponent = Math.Min(a.Exponent, b.Exponent);
        var sum = (a.Digits * BigInteger.Pow(10, a.Exponent - exponent)) + (b.Digits * BigInteger.Pow(10, b.Exponent - exponent));
        return Payload.FromText(Encoding.ASCII.GetBytes(Write(sum, exponent, IsWhole(first) && IsWhole(second))));
    }

    private static int Compare(JsonElement one, JsonElement other)
    {
        var (a, b) = (DecimalOf(one.GetRawText()), DecimalOf(other.GetRawText()));
        var exponent = Math.Min(a.Exponent, b.Exponent);
        return (a.Digits * BigInteger.Pow(10, a.Exponent - exponent)).CompareTo(b.Digits * BigInteger.Pow(10, b.Exponent - exponent));
    }

    private static bool IsWhole(string number) => !number.AsSpan().ContainsAny('.', 'e', 'E');

    private static bool IsOverflow(JsonElement sum) => IsWhole(sum.GetRawText())
        ? !sum.TryGetInt64(out _)
        : !sum.TryGetDouble(out var number) || !double.IsFinite(number);

    /// <summary>Takes a number apart: its digits as a whole number, and the power of ten that they are multiplied with.</summary>
    private static (BigInteger Digits, int Exponent) DecimalOf(string number)
    {
        var exponent = 0;
        var end = number.AsSpan().IndexOfAny('e', 'E');
        if (end >= 0)
        {
            exponent = int.Parse(number.AsSpan(end + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
            number = number[..end];
        }

        var point = number.IndexOf('.', StringComparison.Ordinal);
        if (point >= 0)
        {
            exponent -= number.Length - point - 1;
            number = number.Remove(point, 1);
        }

        return (BigInteger.Parse(number, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture), exponent);
    }

    private static string Write(BigInteger digits, int exponent, bool isWhole)
    {
        if (isWhole)
        {
            return (digits * BigInteger.Pow(10, exponent)).ToString(CultureInfo.InvariantCulture);
        }

        // Without zeros at the end; one decimal stays, by which the number is told from a whole one.
        while (!digits.IsZero && exponent < -1 && BigInteger.Remainder(digits, 10).IsZero)
        {
            (digits, exponent) = (digits / 10, exponent + 1);
        }

        if (digits.IsZero)
        {
            return "0.0";
        }

        if (exponent >= 0)
        {
            return exponent <= 20 ? (digits * BigInteger.Pow(10, exponent)).ToString(CultureInfo.InvariantCulture) + ".0" : $"{digits.ToString(CultureInfo.InvariantCulture)}E+{exponent}";
        }

        var text = BigInteger.Abs(digits).ToString(CultureInfo.InvariantCulture).PadLeft(1 - exponent, '0');
        return $"{(digits.Sign < 0 ? "-" : "")}{text[..^-exponent]}.{text[^-exponent..]}";
    }

    private static JsonElement Json(string text) => JsonElement.Parse(Encoding.UTF8.GetBytes(text), JsonLimits.Document);
}
