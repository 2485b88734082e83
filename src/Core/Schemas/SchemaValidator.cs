using System.Text;
using System.Text.Json;
using Polyphony.Core.Expressions;
using Polyphony.Core.Expressions.Evaluation;

namespace Polyphony.Core.Schemas;

/// <summary>Checks one value against a schema and collects the violations.</summary>
internal sealed class SchemaValidator
{
    /// <summary>How deep value and schema may be nested together, so that nothing can overflow the stack.</summary>
    public const int DeepestRecursion = 256;

    // Combined schemas can be checked exponentially often; no honest one comes near.
    private const int MostChecks = 1_000_000;
    private const int MostViolations = 100;

    private readonly List<(string? Name, int Index)> _path = [];
    private List<SchemaViolation> _violations = [];
    private int _checks;
    private int _depth;

    /// <summary>Gets the violations.</summary>
    public IReadOnlyList<SchemaViolation> Violations => _violations;

    private bool IsFull => _violations.Count >= MostViolations || _checks > MostChecks;

    /// <summary>Checks a value, or a part of it at the current path.</summary>
    public void Validate(SchemaNode schema, JsonElement value)
    {
        if (IsFull)
            return;
        if (++_checks > MostChecks)
        {
            Report("The value and its schema are too complex to check.");
            return;
        }

        if (_depth >= DeepestRecursion || _path.Count > ExpressionLimits.Nesting)
        {
            Report($"The value is nested deeper than {ExpressionLimits.Nesting} levels.");
            return;
        }

        if (schema.Always is { } always)
        {
            if (!always)
                Report($"Expected nothing here, found {SchemaText.Describe(value)}.");
            return;
        }

        _depth++;
        if (schema.Types == SchemaTypes.None || IsType(schema.Types, value))
        {
            // A value of the wrong type violates whatever else is said about it; once is enough.
            CheckValue(schema, value);
            switch (value.ValueKind)
            {
                case JsonValueKind.Number:
                    CheckNumber(schema, value);
                    break;
                case JsonValueKind.String:
                    CheckText(schema, value);
                    break;
                case JsonValueKind.Array:
                    CheckArray(schema, value);
                    break;
                case JsonValueKind.Object:
                    CheckObject(schema, value);
                    break;
            }

            CheckCombinations(schema, value);
        }
        else
        {
            Report($"Expected {SchemaText.Name(schema.Types)}, found {SchemaText.Describe(value)}.");
        }

        _depth--;
    }

    /// <summary>Adds a violation at the current path.</summary>
    public void Report(string message)
    {
        if (_violations.Count == MostViolations - 1)
            message = "There are more violations; they are not listed.";
        if (_violations.Count < MostViolations)
            _violations.Add(new SchemaViolation(Pointer(), message));
    }

    private string Pointer()
    {
        var builder = new StringBuilder();
        foreach (var (name, index) in _path)
        {
            builder.Append('/');
            if (name is null)
                builder.Append(index);
            else
                builder.Append(JsonPointer.Escape(name));
        }

        return builder.ToString();
    }

    private static bool IsType(SchemaTypes types, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => types.HasFlag(SchemaTypes.Null),
        JsonValueKind.True or JsonValueKind.False => types.HasFlag(SchemaTypes.Boolean),
        JsonValueKind.Number => types.HasFlag(SchemaTypes.Number) || (types.HasFlag(SchemaTypes.Integer) && (value.TryGetInt64(out _) || JsonNumber.From(value).IsInteger)),
        JsonValueKind.String => types.HasFlag(SchemaTypes.String),
        JsonValueKind.Array => types.HasFlag(SchemaTypes.Array),
        JsonValueKind.Object => types.HasFlag(SchemaTypes.Object),
        _ => false,
    };

    private void CheckValue(SchemaNode schema, JsonElement value)
    {
        if (schema.Const is { } constant && !JsonElement.DeepEquals(constant, value))
            Report($"Expected {SchemaText.Short(constant)}, found {SchemaText.Describe(value)}.");
        if (schema.Enum is not { } choices || choices.Exists(choice => JsonElement.DeepEquals(choice, value)))
            return;
        var shown = choices.Count <= 10 ? SchemaText.List([.. choices.Select(SchemaText.Short)], "or") : string.Join(", ", choices.Take(10).Select(SchemaText.Short)) + ", ...";
        var hint = value.ValueKind == JsonValueKind.String
            ? NearMatch.Hint(value.GetString()!, choices.Where(choice => choice.ValueKind == JsonValueKind.String).Select(choice => choice.GetString()!))
            : null;
        Report($"Expected {shown}, found {SchemaText.Describe(value)}.{(hint is null ? "" : " " + hint)}");
    }

    private void CheckNumber(SchemaNode schema, JsonElement value)
    {
        if (schema is { Minimum: null, Maximum: null, ExclusiveMinimum: null, ExclusiveMaximum: null, MultipleOf: null })
            return;
        var number = JsonNumber.From(value);
        if (schema.Minimum is { } minimum && number.CompareTo(minimum) < 0)
            Report($"Expected {minimum.Text} or more, found {SchemaText.Short(value)}.");
        if (schema.Maximum is { } maximum && number.CompareTo(maximum) > 0)
            Report($"Expected {maximum.Text} or less, found {SchemaText.Short(value)}.");
        if (schema.ExclusiveMinimum is { } above && number.CompareTo(above) <= 0)
            Report($"Expected more than {above.Text}, found {SchemaText.Short(value)}.");
        if (schema.ExclusiveMaximum is { } below && number.CompareTo(below) >= 0)
            Report($"Expected less than {below.Text}, found {SchemaText.Short(value)}.");
        if (schema.MultipleOf is { } factor && number.IsMultipleOf(factor) != true)
            Report($"Expected a multiple of {factor.Text}, found {SchemaText.Short(value)}.");
    }

    private void CheckText(SchemaNode schema, JsonElement value)
    {
        if (schema is { MinLength: null, MaxLength: null, Pattern: null, Format: null })
            return;
        var text = value.GetString()!;
        if (schema.MinLength is not null || schema.MaxLength is not null)
            CheckCount(schema.MinLength, schema.MaxLength, TextFunctions.CountCodePoints(text), "character");
        if (schema.Pattern is { } pattern && !pattern.IsMatch(text))
            Report($"Expected a string that matches \"{schema.PatternText}\", found {SchemaText.Describe(value)}.");
        if (schema.Format is { } format && !SchemaFormats.Fits(format, text))
            Report($"Expected a string of the format {format}, such as {SchemaFormats.Example(format)}, found {SchemaText.Describe(value)}.");
    }

    private void CheckCount(long? least, long? most, int count, string unit)
    {
        if (count < least)
            Report($"Expected at least {least} {Plural(unit, least.Value)}, found {count}.");
        if (count > most)
            Report($"Expected at most {most} {Plural(unit, most.Value)}, found {count}.");
    }

    private static string Plural(string unit, long count) => count == 1 ? unit : unit + "s";

    private void CheckArray(SchemaNode schema, JsonElement value)
    {
        CheckCount(schema.MinItems, schema.MaxItems, value.GetArrayLength(), "item");
        if (schema.UniqueItems)
            CheckUnique(value);
        if (schema.Items is null && schema.PrefixItems is null)
            return;
        var index = 0;
        foreach (var item in value.EnumerateArray())
        {
            var itemSchema = index < schema.PrefixItems?.Count ? schema.PrefixItems[index] : schema.Items;
            if (itemSchema is null || IsFull)
                return;
            Enter(itemSchema, item, null, index++);
        }
    }

    private void CheckUnique(JsonElement array)
    {
        var first = new Dictionary<string, int>(StringComparer.Ordinal);
        var builder = new StringBuilder();
        var index = 0;
        foreach (var item in array.EnumerateArray())
        {
            builder.Clear();
            SchemaText.AppendCanonical(builder, item);
            if (!first.TryAdd(builder.ToString(), index))
            {
                Report($"Expected items that differ, found {SchemaText.Short(item)} as items {first[builder.ToString()]} and {index}.");
                return;
            }

            index++;
        }
    }

    private void CheckObject(SchemaNode schema, JsonElement value)
    {
        if (schema.MinProperties is not null || schema.MaxProperties is not null)
            CheckCount(schema.MinProperties, schema.MaxProperties, value.GetPropertyCount(), "member");
        foreach (var name in schema.Required ?? [])
        {
            if (!value.TryGetProperty(name, out _))
                Report($"The required member {SchemaText.Quote(name)} is missing.");
        }

        if (schema.Properties is null && schema.AdditionalProperties is null)
            return;
        foreach (var member in value.EnumerateObject())
        {
            if (IsFull)
                return;
            if (schema.Properties is not null && schema.Properties.TryGetValue(member.Name, out var declared))
                Enter(declared, member.Value, member.Name, 0);
            else if (schema.AdditionalProperties is { Always: false })
                ReportUnknown(schema, value, member.Name);
            else if (schema.AdditionalProperties is { } others)
                Enter(others, member.Value, member.Name, 0);
        }
    }

    private void ReportUnknown(SchemaNode schema, JsonElement value, string name)
    {
        // A member that is there already can't be what was meant.
        var hint = NearMatch.Hint(name, (schema.Properties?.Keys ?? Enumerable.Empty<string>()).Where(known => !value.TryGetProperty(known, out _)));
        _path.Add((name, 0));
        Report($"There is no member {SchemaText.Quote(name)}.{(hint is null ? "" : " " + hint)}");
        _path.RemoveAt(_path.Count - 1);
    }

    private void Enter(SchemaNode schema, JsonElement value, string? name, int index)
    {
        _path.Add((name, index));
        Validate(schema, value);
        _path.RemoveAt(_path.Count - 1);
    }

    private void CheckCombinations(SchemaNode schema, JsonElement value)
    {
        if (schema.Ref is not null)
            Validate(schema.Ref, value);
        foreach (var part in schema.AllOf ?? [])
            Validate(part, value);
        if (schema.AnyOf is not null)
            CheckAlternatives(schema.AnyOf, value, onlyOne: false);
        if (schema.OneOf is not null)
            CheckAlternatives(schema.OneOf, value, onlyOne: true);
        if (schema.Not is not null && Try(schema.Not, value).Count == 0)
            Report($"Expected something else, found {SchemaText.Describe(value)}, which \"not\" excludes.");
        if (schema.If is null)
            return;
        if ((Try(schema.If, value).Count == 0 ? schema.Then : schema.Else) is { } branch)
            Validate(branch, value);
    }

    private void CheckAlternatives(List<SchemaNode> alternatives, JsonElement value, bool onlyOne)
    {
        List<string> fitting = [];
        List<List<SchemaViolation>> failures = [];
        for (var i = 0; i < alternatives.Count; i++)
        {
            var failure = Try(alternatives[i], value);
            if (failure.Count > 0)
            {
                failures.Add(failure);
                continue;
            }

            fitting.Add((i + 1).ToString());
            if (!onlyOne)
                return;
        }

        if (fitting.Count == 1)
            return;
        if (fitting.Count > 1)
        {
            Report($"Expected exactly one of {alternatives.Count} alternatives to fit, but {SchemaText.List(fitting, "and")} do.");
            return;
        }

        // The alternative that went deepest into the value is the one that was meant; its own words help most.
        var here = Pointer();
        var deepest = failures.MaxBy(failure => failure.Max(violation => violation.Pointer.Length))!;
        if (alternatives.Count == 1 || deepest.Exists(violation => violation.Pointer.Length > here.Length) && failures.Count(failure => failure.Exists(violation => violation.Pointer.Length > here.Length)) == 1)
            deepest.ForEach(Add);
        else
            Report($"Fits none of {alternatives.Count} alternatives: {string.Join("; ", failures.Take(3).Select((failure, index) => $"({index + 1}) {Brief(failure[0], here)}"))}{(failures.Count > 3 ? "; ..." : "")}.");
    }

    private static string Brief(SchemaViolation violation, string here)
    {
        var message = violation.Message.TrimEnd('.');
        return violation.Pointer.Length > here.Length ? $"{violation.Pointer[here.Length..]}: {message}" : message;
    }

    private void Add(SchemaViolation violation)
    {
        if (_violations.Count < MostViolations)
            _violations.Add(violation);
    }

    /// <summary>Checks a part by itself: what it finds decides, but is not yet reported.</summary>
    private List<SchemaViolation> Try(SchemaNode schema, JsonElement value)
    {
        var before = _violations;
        _violations = [];
        Validate(schema, value);
        var found = _violations;
        _violations = before;
        return found;
    }
}
