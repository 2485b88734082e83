using System.Runtime.InteropServices;
using System.Text.Json;

namespace Polyphony.Expressions.Schemas;

/// <summary>
/// Checks one value against a schema. First it is decided whether the value fits, which ends at the first violation and makes no text; only then are the
/// violations of a value that doesn't fit collected. What is behind a reference is decided once for each part of the value, so that combined and
/// recursive schemas cost as much as schema and value are large, not what their combinations are many.
/// </summary>
/// <remarks>A check that is given up is a violation wherever it happens: within "not", what is unknown must not become true.</remarks>
internal sealed partial class SchemaValidator
{
    private readonly JsonElement _whole;
    private readonly SchemaReport _report = new();
    private readonly SchemaProgress _progress;
    private readonly ConstraintChecker _constraints;
    private readonly Dictionary<long, bool> _decided = [];
    private readonly Dictionary<long, List<SchemaViolation>> _explained = [];
    private int _depth;

    private SchemaValidator(JsonElement whole)
    {
        _whole = whole;
        _progress = new SchemaProgress(_report);
        _constraints = new ConstraintChecker(_report, _progress);
    }

    /// <summary>Checks a value.</summary>
    /// <param name="schema">The schema.</param>
    /// <param name="value">The value.</param>
    /// <param name="steps">How many steps it took to decide whether the value fits.</param>
    /// <returns>Every violation, empty if it fits; or the one that says why the check was given up.</returns>
    public static IReadOnlyList<SchemaViolation> Validate(SchemaNode schema, JsonElement value, out long steps)
    {
        var validator = new SchemaValidator(value);
        var fits = validator.Fits(schema, value);
        steps = validator._progress.Steps;
        if (validator._progress.GivenUp is { } reason)
        {
            return [reason];
        }

        return fits ? [] : validator.Explain(schema);
    }

    private IReadOnlyList<SchemaViolation> Explain(SchemaNode schema)
    {
        _progress.Steps = SchemaLimits.Steps - SchemaLimits.ExplanationSteps;
        Check(schema, _whole);
        if (!_progress.IsGivenUp)
        {
            return _report.Violations;
        }

        // That it doesn't fit is known; what is wrong with the rest of it isn't.
        var isEmpty = _report.Violations.Count == 0;
        return [.. _report.Violations, new SchemaViolation("", isEmpty ? "The value doesn't fit; what is wrong takes too long to find out." : "There may be more violations; to find them takes too long.")];
    }

    private bool Fits(SchemaNode schema, JsonElement value)
    {
        var before = _progress.BeginTrial();
        Check(schema, value);
        return _progress.EndTrial(before);
    }

    /// <summary>Checks a value, or a part of it at the current path.</summary>
    private void Check(SchemaNode schema, JsonElement value)
    {
        if (_progress.IsDone || !_progress.Charge(1))
        {
            return;
        }

        if (_depth >= SchemaLimits.Recursion || _report.Depth > ExpressionLimits.Nesting)
        {
            _progress.GiveUpTooDeep();
            return;
        }

        if (schema.Always is { } always)
        {
            if (!always && _progress.Fails())
            {
                _report.Add($"Expected nothing here, found {SchemaText.Describe(value)}.");
            }

            return;
        }

        // Only what costs more than to look it up.
        if (schema.IsShared && (schema.IsCombined || value.ValueKind is JsonValueKind.Object or JsonValueKind.Array) && Key(schema, value) is { } key)
        {
            CheckShared(schema, value, key);
        }
        else
        {
            CheckParts(schema, value);
        }
    }

    private void CheckShared(SchemaNode schema, JsonElement value, long key)
    {
        if (!_decided.TryGetValue(key, out var fits))
        {
            var before = _progress.BeginTrial();
            CheckParts(schema, value);
            fits = _progress.EndTrial(before);
            if (_progress.IsGivenUp)
            {
                return;
            }

            if (_decided.Count < SchemaLimits.Results)
            {
                _decided[key] = fits;
            }
        }

        if (!fits && _progress.Fails())
        {
            ExplainPart(schema, value).ForEach(_report.Add);
        }
    }

    private void CheckParts(SchemaNode schema, JsonElement value)
    {
        _depth++;
        if (schema.Allows(value))
        {
            _constraints.CheckValue(schema, value);
            switch (value.ValueKind)
            {
                case JsonValueKind.Number:
                    _constraints.CheckNumber(schema, value);
                    break;
                case JsonValueKind.String:
                    _constraints.CheckText(schema, value);
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
        else if (_progress.Fails())
        {
            // A value of the wrong type violates whatever else is said about it; once is enough.
            _report.Add($"Expected {SchemaText.Name(schema.Types)}, found {SchemaText.Describe(value)}.");
        }

        _depth--;
    }

    private void CheckCombinations(SchemaNode schema, JsonElement value)
    {
        if (!schema.IsCombined || _progress.IsDone)
        {
            return;
        }

        if (schema.Ref is not null)
        {
            Check(schema.Ref, value);
        }

        foreach (var part in schema.AllOf ?? [])
        {
            Check(part, value);
        }

        if (schema.AnyOf is not null && !_progress.IsDone)
        {
            CheckAlternatives(schema.AnyOf, value, onlyOne: false);
        }

        if (schema.OneOf is not null && !_progress.IsDone)
        {
            CheckAlternatives(schema.OneOf, value, onlyOne: true);
        }

        if (schema.Not is not null && !_progress.IsDone)
        {
            CheckNot(schema.Not, value);
        }

        if (schema.If is not null && !_progress.IsDone)
        {
            CheckBranch(schema, schema.If, value);
        }
    }

    private void CheckNot(SchemaNode excluded, JsonElement value)
    {
        if (Fits(excluded, value) && !_progress.IsGivenUp && _progress.Fails())
        {
            _report.Add($"Expected something else, found {SchemaText.Describe(value)}, which \"not\" excludes.");
        }
    }

    private void CheckBranch(SchemaNode schema, SchemaNode condition, JsonElement value)
    {
        if ((Fits(condition, value) ? schema.Then : schema.Else) is { } branch)
        {
            Check(branch, value);
        }
    }

    private void CheckAlternatives(SchemaUnion union, JsonElement value, bool onlyOne)
    {
        var candidates = union.Candidates(value, out var steps);
        _progress.Steps += steps;
        List<string> fitting = [];
        foreach (var index in candidates)
        {
            if (!Fits(union.Alternatives[index], value))
            {
                continue;
            }

            if (_progress.IsGivenUp || !onlyOne)
            {
                return;
            }

            fitting.Add((index + 1).ToString());
            if (_progress.IsTrial && fitting.Count > 1)
            {
                break;
            }
        }

        if (_progress.IsGivenUp || fitting.Count == 1 || !_progress.Fails())
        {
            return;
        }

        if (fitting.Count > 1)
        {
            _report.Add($"Expected exactly one of {union.Alternatives.Count} alternatives to fit, but {SchemaText.List(fitting, "and")} do.");
        }
        else if (candidates.Count == 0 && union.TagValues.Count > 0 && value.TryGetProperty(union.Tag!, out var tag))
        {
            _report.AddAt(union.Tag!, SchemaText.Unexpected(union.TagValues, tag));
        }
        else
        {
            ExplainAlternatives(union, candidates.Count == 0 ? [.. Enumerable.Range(0, union.Alternatives.Count)] : candidates, value);
        }
    }

    /// <summary>Says why no alternative fits. The one that goes deepest into the value is the one that was meant; its own words help most.</summary>
    private void ExplainAlternatives(SchemaUnion union, IReadOnlyList<int> candidates, JsonElement value)
    {
        var here = _report.Pointer();
        List<(int Index, List<SchemaViolation> Violations)> failures = [];
        foreach (var index in candidates.Take(SchemaLimits.ExplainedAlternatives))
        {
            var found = ExplainPart(union.Alternatives[index], value);
            if (found.Count > 0)
            {
                failures.Add((index, found));
            }
        }

        bool IsDeeper((int, List<SchemaViolation> Violations) failure) => failure.Violations.Exists(violation => violation.Pointer.Length > here.Length);
        if (failures.Count == 1 || (failures.Count > 1 && failures.Count(IsDeeper) == 1))
        {
            failures.Find(failure => failures.Count == 1 || IsDeeper(failure)).Violations.ForEach(_report.Add);
            return;
        }

        var reasons = failures.Take(3).Select(failure => $"({failure.Index + 1}) {SchemaReport.Brief(failure.Violations[0], here)}");
        _report.Add($"Fits none of {union.Alternatives.Count} alternatives: {string.Join("; ", reasons)}{(failures.Count > 3 ? "; ..." : "")}.");
    }

    /// <summary>Finds the violations of a part by itself.</summary>
    private List<SchemaViolation> ExplainPart(SchemaNode schema, JsonElement value)
    {
        var key = Key(schema, value);
        if (key is { } known && _explained.TryGetValue(known, out var found))
        {
            return found;
        }

        var before = _report.Begin(found = []);
        if (schema.Always is null)
        {
            CheckParts(schema, value);
        }
        else
        {
            Check(schema, value);
        }

        _report.Begin(before);
        if (key is { } unknown)
        {
            _explained[unknown] = found;
        }

        return found;
    }

    /// <summary>Identifies a part of the value, together with what it is checked against: where it begins in the text is the same wherever it is come from.</summary>
    private long? Key(SchemaNode schema, JsonElement value) =>
        JsonMarshal.GetRawUtf8Value(_whole).Overlaps(JsonMarshal.GetRawUtf8Value(value), out var offset) ? ((long)schema.Id << 32) | (uint)offset : null;
}
