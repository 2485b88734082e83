using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Polyphony.Expressions.Evaluation;

namespace Polyphony.Expressions.Schemas;

/// <summary>Checks what is said of a value itself, not of its items or members: which values there can be, numbers, texts and how many there are of something.</summary>
/// <param name="report">Receives what is wrong.</param>
/// <param name="progress">How far the check is.</param>
internal sealed class ConstraintChecker(SchemaReport report, SchemaProgress progress)
{
    /// <summary>Checks a fixed value, or one of several.</summary>
    public void CheckValue(SchemaNode schema, JsonElement value)
    {
        if (schema.Const is { } constant && !Contains(constant, value) && progress.Fails())
        {
            report.Add($"Expected {SchemaText.Short(constant.Values[0])}, found {SchemaText.Describe(value)}.");
        }

        if (schema.Enum is { } choices && !progress.IsDone && !Contains(choices, value) && progress.Fails())
        {
            report.Add(SchemaText.Unexpected(choices.Values, value));
        }
    }

    /// <summary>Checks the members that have to be there.</summary>
    public void CheckRequired(List<string> required, JsonElement value, int cost)
    {
        foreach (var name in required)
        {
            if (progress.IsDone || !progress.Charge(cost))
            {
                return;
            }

            if (!value.TryGetProperty(name, out _) && progress.Fails())
            {
                report.Add($"The required member {SchemaText.Quote(name)} is missing.");
            }
        }
    }

    /// <summary>Checks the members that have to be there beside others.</summary>
    public void CheckDependentRequired(Dictionary<string, List<string>> dependent, JsonElement value, int cost)
    {
        foreach (var (name, others) in dependent)
        {
            if (progress.IsDone || !progress.Charge(cost * (1 + others.Count)))
            {
                return;
            }

            if (!value.TryGetProperty(name, out _))
            {
                continue;
            }

            foreach (var other in others)
            {
                if (!value.TryGetProperty(other, out _) && progress.Fails())
                {
                    report.Add($"The member {SchemaText.Quote(other)} is missing, which is required beside {SchemaText.Quote(name)}.");
                }
            }
        }
    }

    /// <summary>Reports a member that the schema excludes.</summary>
    public void ReportUnknown(SchemaNode schema, JsonElement value, string name)
    {
        // A member that already exists can't be what was meant.
        var hint = NearMatch.Hint(name, (schema.Properties?.Keys ?? Enumerable.Empty<string>()).Where(known => !value.TryGetProperty(known, out _)));
        report.AddAt(name, $"There is no member {SchemaText.Quote(name)}.{(hint is null ? "" : " " + hint)}");
    }

    private bool Contains(ValueSet set, JsonElement value)
    {
        if (value.ValueKind is not (JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null) && !progress.Charge(LengthOf(value) / 16))
        {
            return true;
        }

        if (set.Contains(value) is { } contains)
        {
            return contains;
        }

        progress.GiveUpTooDeep();
        return true;
    }

    public void CheckNumber(SchemaNode schema, JsonElement value)
    {
        if (schema is { Minimum: null, Maximum: null, ExclusiveMinimum: null, ExclusiveMaximum: null, MultipleOf: null } || !progress.Charge(LengthOf(value) / 16))
        {
            return;
        }

        var number = JsonNumber.From(value);
        CheckBounds(schema, value, number);
        if (schema.MultipleOf is { } factor)
        {
            CheckFactor(factor, value, number);
        }
    }

    private void CheckBounds(SchemaNode schema, JsonElement value, in JsonNumber number)
    {
        if (schema.Minimum is { } minimum && number.CompareTo(minimum) < 0 && progress.Fails())
        {
            report.Add($"Expected {minimum.Text} or more, found {SchemaText.Short(value)}.");
        }

        if (schema.Maximum is { } maximum && number.CompareTo(maximum) > 0 && progress.Fails())
        {
            report.Add($"Expected {maximum.Text} or less, found {SchemaText.Short(value)}.");
        }

        if (schema.ExclusiveMinimum is { } above && number.CompareTo(above) <= 0 && progress.Fails())
        {
            report.Add($"Expected more than {above.Text}, found {SchemaText.Short(value)}.");
        }

        if (schema.ExclusiveMaximum is { } below && number.CompareTo(below) >= 0 && progress.Fails())
        {
            report.Add($"Expected less than {below.Text}, found {SchemaText.Short(value)}.");
        }
    }

    private void CheckFactor(in JsonNumber factor, JsonElement value, in JsonNumber number)
    {
        if (number.IsMultipleOf(factor) is not { } isMultiple)
        {
            progress.GiveUp(SchemaCodes.TooComplex, $"A number of more than {SchemaLimits.Digits:N0} digits is not divided.");
        }
        else if (!isMultiple && progress.Fails())
        {
            report.Add($"Expected a multiple of {factor.Text}, found {SchemaText.Short(value)}.");
        }
    }

    public void CheckText(SchemaNode schema, JsonElement value)
    {
        if (schema is { MinLength: null, MaxLength: null, Pattern: null, Format: null } || !progress.Charge(LengthOf(value) / 4))
        {
            return;
        }

        var text = value.GetString()!;
        if (schema.MinLength is not null || schema.MaxLength is not null)
        {
            CheckCount(schema.MinLength, schema.MaxLength, TextFunctions.CountCodePoints(text), "character");
        }

        if (schema.Pattern is { } pattern && !pattern.IsMatch(text) && progress.Fails())
        {
            report.Add($"Expected a string that matches \"{schema.PatternText}\", found {SchemaText.Describe(value)}.");
        }

        if (schema.Format is { } format && !SchemaFormats.Fits(format, text) && progress.Fails())
        {
            report.Add($"Expected a string of the format {format}, such as {SchemaFormats.Example(format)}, found {SchemaText.Describe(value)}.");
        }
    }

    /// <summary>Checks how many there are of something.</summary>
    public void CheckCount(long? least, long? most, long count, string unit, string suffix = "")
    {
        if (count < least && progress.Fails())
        {
            report.Add($"Expected at least {least} {Plural(unit, least.Value)}{suffix}, found {count}.");
        }

        if (count > most && progress.Fails())
        {
            report.Add($"Expected at most {most} {Plural(unit, most.Value)}{suffix}, found {count}.");
        }
    }

    private static string Plural(string unit, long count) => count == 1 ? unit : unit + "s";

    /// <summary>Checks that no item is there twice.</summary>
    public void CheckUnique(JsonElement array)
    {
        if (!progress.Charge(LengthOf(array) / 8))
        {
            return;
        }

        var first = new Dictionary<string, int>(StringComparer.Ordinal);
        var builder = new StringBuilder();
        var index = 0;
        foreach (var item in array.EnumerateArray())
        {
            builder.Clear();
            if (!SchemaText.TryAppendCanonical(builder, item))
            {
                progress.GiveUpTooDeep();
                return;
            }

            if (!first.TryAdd(builder.ToString(), index))
            {
                if (progress.Fails())
                {
                    report.Add($"Expected items that differ, found {SchemaText.Short(item)} as items {first[builder.ToString()]} and {index}.");
                }

                return;
            }

            index++;
        }
    }

    private static int LengthOf(JsonElement value) => JsonMarshal.GetRawUtf8Value(value).Length;
}
