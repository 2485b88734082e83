using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Polyphony.Core.Expressions;
using Polyphony.Core.Expressions.Evaluation;

namespace Polyphony.Core.Schemas;

/// <content>Checks what a value is itself, and goes into its items and members.</content>
internal sealed partial class SchemaValidator
{
    private void CheckValue(SchemaNode schema, JsonElement value)
    {
        if (schema.Const is { } constant && !Contains(constant, value) && Fails())
            _report.Add($"Expected {SchemaText.Short(constant.Values[0])}, found {SchemaText.Describe(value)}.");
        if (schema.Enum is { } choices && !IsDone && !Contains(choices, value) && Fails())
            _report.Add(SchemaText.Unexpected(choices.Values, value));
    }

    private bool Contains(ValueSet set, JsonElement value)
    {
        if (value.ValueKind is not (JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null) && !Charge(LengthOf(value) / 16))
            return true;
        if (set.Contains(value) is { } contains)
            return contains;
        GiveUpTooDeep();
        return true;
    }

    private void CheckNumber(SchemaNode schema, JsonElement value)
    {
        if (schema is { Minimum: null, Maximum: null, ExclusiveMinimum: null, ExclusiveMaximum: null, MultipleOf: null } || !Charge(LengthOf(value) / 16))
            return;
        var number = JsonNumber.From(value);
        CheckBounds(schema, value, number);
        if (schema.MultipleOf is { } factor)
            CheckFactor(factor, value, number);
    }

    private void CheckBounds(SchemaNode schema, JsonElement value, in JsonNumber number)
    {
        if (schema.Minimum is { } minimum && number.CompareTo(minimum) < 0 && Fails())
            _report.Add($"Expected {minimum.Text} or more, found {SchemaText.Short(value)}.");
        if (schema.Maximum is { } maximum && number.CompareTo(maximum) > 0 && Fails())
            _report.Add($"Expected {maximum.Text} or less, found {SchemaText.Short(value)}.");
        if (schema.ExclusiveMinimum is { } above && number.CompareTo(above) <= 0 && Fails())
            _report.Add($"Expected more than {above.Text}, found {SchemaText.Short(value)}.");
        if (schema.ExclusiveMaximum is { } below && number.CompareTo(below) >= 0 && Fails())
            _report.Add($"Expected less than {below.Text}, found {SchemaText.Short(value)}.");
    }

    private void CheckFactor(in JsonNumber factor, JsonElement value, in JsonNumber number)
    {
        if (number.IsMultipleOf(factor) is not { } isMultiple)
            GiveUp(SchemaCodes.TooComplex, $"A number of more than {SchemaLimits.Digits:N0} digits is not divided.");
        else if (!isMultiple && Fails())
            _report.Add($"Expected a multiple of {factor.Text}, found {SchemaText.Short(value)}.");
    }

    private void CheckText(SchemaNode schema, JsonElement value)
    {
        if (schema is { MinLength: null, MaxLength: null, Pattern: null, Format: null } || !Charge(LengthOf(value) / 4))
            return;
        var text = value.GetString()!;
        if (schema.MinLength is not null || schema.MaxLength is not null)
            CheckCount(schema.MinLength, schema.MaxLength, TextFunctions.CountCodePoints(text), "character");
        if (schema.Pattern is { } pattern && !pattern.IsMatch(text) && Fails())
            _report.Add($"Expected a string that matches \"{schema.PatternText}\", found {SchemaText.Describe(value)}.");
        if (schema.Format is { } format && !SchemaFormats.Fits(format, text) && Fails())
            _report.Add($"Expected a string of the format {format}, such as {SchemaFormats.Example(format)}, found {SchemaText.Describe(value)}.");
    }

    private void CheckCount(long? least, long? most, long count, string unit, string suffix = "")
    {
        if (count < least && Fails())
            _report.Add($"Expected at least {least} {Plural(unit, least.Value)}{suffix}, found {count}.");
        if (count > most && Fails())
            _report.Add($"Expected at most {most} {Plural(unit, most.Value)}{suffix}, found {count}.");
    }

    private static string Plural(string unit, long count) => count == 1 ? unit : unit + "s";

    private void CheckArray(SchemaNode schema, JsonElement value)
    {
        CheckCount(schema.MinItems, schema.MaxItems, value.GetArrayLength(), "item");
        if (schema.UniqueItems && !IsDone)
            CheckUnique(value);
        if (schema.Contains is not null && !IsDone)
            CheckContains(schema, schema.Contains, value);
        if (schema.Items is null && schema.PrefixItems is null)
            return;
        var index = 0;
        foreach (var item in value.EnumerateArray())
        {
            var itemSchema = index < schema.PrefixItems?.Count ? schema.PrefixItems[index] : schema.Items;
            if (itemSchema is null || IsDone)
                return;
            Enter(itemSchema, item, null, index++);
        }
    }

    private void CheckContains(SchemaNode schema, SchemaNode contains, JsonElement array)
    {
        var least = schema.MinContains ?? 1;
        var count = 0L;
        var index = 0;
        foreach (var item in array.EnumerateArray())
        {
            // Once there are enough, the rest doesn't matter.
            if (_givenUp is not null || (schema.MaxContains is null && count >= least))
                return;
            _report.Enter(null, index++);
            count += Fits(contains, item) ? 1 : 0;
            _report.Leave();
        }

        if (_givenUp is null)
            CheckCount(least, schema.MaxContains, count, "item", " that \"contains\" describes");
    }

    private void CheckUnique(JsonElement array)
    {
        if (!Charge(LengthOf(array) / 8))
            return;
        var first = new Dictionary<string, int>(StringComparer.Ordinal);
        var builder = new StringBuilder();
        var index = 0;
        foreach (var item in array.EnumerateArray())
        {
            builder.Clear();
            if (!SchemaText.TryAppendCanonical(builder, item))
            {
                GiveUpTooDeep();
                return;
            }

            if (!first.TryAdd(builder.ToString(), index))
            {
                if (Fails())
                    _report.Add($"Expected items that differ, found {SchemaText.Short(item)} as items {first[builder.ToString()]} and {index}.");
                return;
            }

            index++;
        }
    }

    private void CheckObject(SchemaNode schema, JsonElement value)
    {
        if (schema.MinProperties is not null || schema.MaxProperties is not null)
            CheckCount(schema.MinProperties, schema.MaxProperties, value.GetPropertyCount(), "member");
        CheckDemanded(schema, value);
        if (schema.Properties is null && schema.PatternProperties is null && schema.AdditionalProperties is null && schema.PropertyNames is null)
            return;
        foreach (var member in value.EnumerateObject())
        {
            if (IsDone)
                return;
            CheckMember(schema, value, member.Name, member.Value);
        }
    }

    private void CheckDemanded(SchemaNode schema, JsonElement value)
    {
        if (schema.Required is null && schema.DependentRequired is null && schema.DependentSchemas is null)
            return;

        // To look a member up is to go through them.
        var cost = 1 + value.GetPropertyCount() / 16;
        if (schema.Required is not null)
            CheckRequired(schema.Required, value, cost);
        if (schema.DependentRequired is not null)
            CheckDependentRequired(schema.DependentRequired, value, cost);
        if (schema.DependentSchemas is not null)
            CheckDependentSchemas(schema.DependentSchemas, value, cost);
    }

    private void CheckRequired(List<string> required, JsonElement value, int cost)
    {
        foreach (var name in required)
        {
            if (IsDone || !Charge(cost))
                return;
            if (!value.TryGetProperty(name, out _) && Fails())
                _report.Add($"The required member {SchemaText.Quote(name)} is missing.");
        }
    }

    private void CheckDependentRequired(Dictionary<string, List<string>> dependent, JsonElement value, int cost)
    {
        foreach (var (name, others) in dependent)
        {
            if (IsDone || !Charge(cost * (1 + others.Count)))
                return;
            if (!value.TryGetProperty(name, out _))
                continue;
            foreach (var other in others)
            {
                if (!value.TryGetProperty(other, out _) && Fails())
                    _report.Add($"The member {SchemaText.Quote(other)} is missing, which is required beside {SchemaText.Quote(name)}.");
            }
        }
    }

    private void CheckDependentSchemas(Dictionary<string, SchemaNode> dependent, JsonElement value, int cost)
    {
        foreach (var (name, schema) in dependent)
        {
            if (IsDone || !Charge(cost))
                return;
            if (value.TryGetProperty(name, out _))
                Check(schema, value);
        }
    }

    private void CheckMember(SchemaNode schema, JsonElement value, string name, JsonElement member)
    {
        if (schema.PropertyNames is not null)
            CheckName(schema.PropertyNames, name);
        var isKnown = false;
        if (schema.Properties is not null && schema.Properties.TryGetValue(name, out var declared))
        {
            isKnown = true;
            Enter(declared, member, name, 0);
        }

        foreach (var (pattern, matching) in schema.PatternProperties ?? [])
        {
            if (IsDone || !Charge(1 + name.Length / 4))
                return;
            if (!pattern.IsMatch(name))
                continue;
            isKnown = true;
            Enter(matching, member, name, 0);
        }

        if (isKnown || schema.AdditionalProperties is not { } others)
            return;
        if (others.Always != false)
            Enter(others, member, name, 0);
        else if (Fails())
            ReportUnknown(schema, value, name);
    }

    /// <summary>Checks a name as if it were a value.</summary>
    private void CheckName(SchemaNode schema, string name)
    {
        if (IsDone || !Charge(1 + name.Length / 4))
            return;
        var text = JsonElement.Parse($"\"{JsonEncodedText.Encode(name)}\"");
        if (Fits(schema, text) || _givenUp is not null || !Fails())
            return;
        var reason = ExplainPart(schema, text) is [var first, ..] ? SchemaReport.Brief(first, _report.Pointer()) : "see \"propertyNames\"";
        _report.Add($"The name {SchemaText.Quote(name)} doesn't fit: {reason}.");
    }

    private void ReportUnknown(SchemaNode schema, JsonElement value, string name)
    {
        // A member that is there already can't be what was meant.
        var hint = NearMatch.Hint(name, (schema.Properties?.Keys ?? Enumerable.Empty<string>()).Where(known => !value.TryGetProperty(known, out _)));
        _report.AddAt(name, $"There is no member {SchemaText.Quote(name)}.{(hint is null ? "" : " " + hint)}");
    }

    private void Enter(SchemaNode schema, JsonElement value, string? name, int index)
    {
        _report.Enter(name, index);
        Check(schema, value);
        _report.Leave();
    }

    private void GiveUpTooDeep() => GiveUp(SchemaCodes.TooDeep, $"The value is nested deeper than {ExpressionLimits.Nesting} levels.");

    private static int LengthOf(JsonElement value) => JsonMarshal.GetRawUtf8Value(value).Length;
}
