using System.Text.Json;

namespace Polyphony.Expressions.Schemas;

/// <content>Goes into the items and members of a value.</content>
internal sealed partial class SchemaValidator
{
    private void CheckArray(SchemaNode schema, JsonElement value)
    {
        _constraints.CheckCount(schema.MinItems, schema.MaxItems, value.GetArrayLength(), "item");
        if (schema.UniqueItems && !_progress.IsDone)
        {
            _constraints.CheckUnique(value);
        }

        if (schema.Contains is not null && !_progress.IsDone)
        {
            CheckContains(schema, schema.Contains, value);
        }

        if (schema.Items is null && schema.PrefixItems is null)
        {
            return;
        }

        var index = 0;
        foreach (var item in value.EnumerateArray())
        {
            var itemSchema = index < schema.PrefixItems?.Count ? schema.PrefixItems[index] : schema.Items;
            if (itemSchema is null || _progress.IsDone)
            {
                return;
            }

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
            if (_progress.IsGivenUp || (schema.MaxContains is null && count >= least))
            {
                return;
            }

            _report.Enter(null, index++);
            count += Fits(contains, item) ? 1 : 0;
            _report.Leave();
        }

        if (!_progress.IsGivenUp)
        {
            _constraints.CheckCount(least, schema.MaxContains, count, "item", " that \"contains\" describes");
        }
    }

    private void CheckObject(SchemaNode schema, JsonElement value)
    {
        if (schema.MinProperties is not null || schema.MaxProperties is not null)
        {
            _constraints.CheckCount(schema.MinProperties, schema.MaxProperties, value.GetPropertyCount(), "member");
        }

        CheckDemanded(schema, value);
        if (schema.Properties is null && schema.PatternProperties is null && schema.AdditionalProperties is null && schema.PropertyNames is null)
        {
            return;
        }

        foreach (var member in value.EnumerateObject())
        {
            if (_progress.IsDone)
            {
                return;
            }

            CheckMember(schema, value, member.Name, member.Value);
        }
    }

    private void CheckDemanded(SchemaNode schema, JsonElement value)
    {
        if (schema.Required is null && schema.DependentRequired is null && schema.DependentSchemas is null)
        {
            return;
        }

        // To look a member up is to go through them.
        var cost = 1 + value.GetPropertyCount() / 16;
        if (schema.Required is not null)
        {
            _constraints.CheckRequired(schema.Required, value, cost);
        }

        if (schema.DependentRequired is not null)
        {
            _constraints.CheckDependentRequired(schema.DependentRequired, value, cost);
        }

        if (schema.DependentSchemas is not null)
        {
            CheckDependentSchemas(schema.DependentSchemas, value, cost);
        }
    }

    private void CheckDependentSchemas(Dictionary<string, SchemaNode> dependent, JsonElement value, int cost)
    {
        foreach (var (name, schema) in dependent)
        {
            if (_progress.IsDone || !_progress.Charge(cost))
            {
                return;
            }

            if (value.TryGetProperty(name, out _))
            {
                Check(schema, value);
            }
        }
    }

    private void CheckMember(SchemaNode schema, JsonElement value, string name, JsonElement member)
    {
        if (schema.PropertyNames is not null)
        {
            CheckName(schema.PropertyNames, name);
        }

        var isKnown = false;
        if (schema.Properties is not null && schema.Properties.TryGetValue(name, out var declared))
        {
            isKnown = true;
            Enter(declared, member, name, 0);
        }

        foreach (var (pattern, matching) in schema.PatternProperties ?? [])
        {
            if (_progress.IsDone || !_progress.Charge(1 + name.Length / 4))
            {
                return;
            }

            if (!pattern.IsMatch(name))
            {
                continue;
            }

            isKnown = true;
            Enter(matching, member, name, 0);
        }

        if (isKnown || schema.AdditionalProperties is not { } others)
        {
            return;
        }

        if (others.Always != false)
        {
            Enter(others, member, name, 0);
        }
        else if (_progress.Fails())
        {
            _constraints.ReportUnknown(schema, value, name);
        }
    }

    /// <summary>Checks a name as if it were a value.</summary>
    private void CheckName(SchemaNode schema, string name)
    {
        if (_progress.IsDone || !_progress.Charge(1 + name.Length / 4))
        {
            return;
        }

        var text = JsonElement.Parse($"\"{JsonEncodedText.Encode(name)}\"");
        if (Fits(schema, text) || _progress.IsGivenUp || !_progress.Fails())
        {
            return;
        }

        var reason = ExplainPart(schema, text) is [var first, ..] ? SchemaReport.Brief(first, _report.Pointer()) : "see \"propertyNames\"";
        _report.Add($"The name {SchemaText.Quote(name)} doesn't fit: {reason}.");
    }

    private void Enter(SchemaNode schema, JsonElement value, string? name, int index)
    {
        _report.Enter(name, index);
        Check(schema, value);
        _report.Leave();
    }
}
