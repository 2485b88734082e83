using System.Text.Json;
using Polyphony.Core.Definitions.Sources;
using Polyphony.Expressions;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Core.Definitions.Parsing;

internal sealed partial class MapReader
{
    /// <summary>Reads a text with <c>{{ }}</c> parts.</summary>
    public Template? Template(string key, ExpressionPlace place, string? node, ExpressionType? wanted = null, string expected = "a string")
    {
        var scalar = TextNode(key, expected);
        return scalar is null ? null : Template(PathOf(key), scalar, place, node, wanted);
    }

    public Template? Template(string path, SourceScalar scalar, ExpressionPlace place, string? node, ExpressionType? wanted = null)
    {
        if (Expressions.Template.TryParse(scalar.Text, out var template, out var problems))
        {
            Context.Uses.Add(new ExpressionUse(place, node, path, scalar) { Template = template, Wanted = wanted });
            return template;
        }

        Report(path, scalar, problems);
        return null;
    }

    /// <summary>Reads a condition: an expression without <c>{{ }}</c>.</summary>
    public Expression? Condition(string key, ExpressionPlace place, string? node)
    {
        var value = Value(key);
        if (value is SourceScalar { Value: bool } literal)
        {
            // "when: true" is what it says, quoted or not.
            value = literal with { Value = literal.Text.ToLowerInvariant(), Text = literal.Text.ToLowerInvariant() };
        }

        if (value is null)
        {
            return null;
        }

        if (value is not SourceScalar { Value: string } scalar)
        {
            WrongType(key, value, "an expression", "Such as \"nodes.review.output.score < 8\".");
            return null;
        }

        if (scalar.Text.TrimStart().StartsWith("{{", StringComparison.Ordinal))
        {
            Context.Error(
                "invalid_expression", PathOf(key), scalar.LocationOf(scalar.Text.IndexOf('{', StringComparison.Ordinal)), $"\"{key}\" is an expression already, without {{{{ }}}}", "Remove the {{ and }}.");
            return null;
        }

        if (Expression.TryParse(scalar.Text, out var expression, out var problems))
        {
            Context.Uses.Add(new ExpressionUse(place, node, PathOf(key), scalar) { Expression = expression, Wanted = ExpressionType.Bool });
            return expression;
        }

        Report(PathOf(key), scalar, problems);
        return null;
    }

    /// <summary>Reads a JSON value whose strings are templates.</summary>
    public ValueTemplate? Json(string key, ExpressionPlace place, string? node)
    {
        var value = Value(key);
        return value is null ? null : Json(value, PathOf(key), place, node);
    }

    /// <summary>Reads an object that several keys of this map make together.</summary>
    public ValueTemplate? Json(SourceMapping members, ExpressionPlace place, string? node) => Json(members, Path, place, node);

    private ValueTemplate? Json(SourceNode value, string path, ExpressionPlace place, string? node)
    {
        if (SourceValues.ToJson(Context, value, path) is not { } json)
        {
            return null;
        }

        if (ValueTemplate.TryParse(json, out var template, out var problems))
        {
            Context.Uses.Add(new ExpressionUse(place, node, path, value) { Value = template });
            Context.Values[template] = json;
            return template;
        }

        foreach (var (pointer, problem) in problems)
        {
            var (found, at) = SourceValues.Find(value, path, pointer);
            Report(at, found, [problem]);
        }

        return null;
    }

    /// <summary>Makes the template of an empty object, for what is left out.</summary>
    public ValueTemplate EmptyObject()
    {
        using var document = JsonDocument.Parse("{}");
        var json = document.RootElement.Clone();
        if (!ValueTemplate.TryParse(json, out var template, out _))
        {
            throw new InvalidOperationException("An empty object is a template.");
        }

        Context.Values[template] = json;
        return template;
    }

    /// <summary>Reads a JSON schema.</summary>
    public JsonSchema? Schema(string key)
    {
        var value = Value(key);
        if (value is null)
        {
            return null;
        }

        if (value is not (SourceMapping or SourceScalar { Value: bool }))
        {
            WrongType(key, value, "a JSON schema", "Such as { type: object, properties: { score: { type: number } } }.");
            return null;
        }

        if (SourceValues.ToJson(Context, value, PathOf(key)) is not { } json)
        {
            return null;
        }

        if (JsonSchema.TryParse(json, out var schema, out var problems))
        {
            foreach (var warning in schema.Warnings)
            {
                var (found, path) = SourceValues.Find(value, PathOf(key), warning.Pointer);
                Context.Warn("unknown_format", path, found.Location, ParseContext.Inner(warning.Message));
            }

            return schema;
        }

        foreach (var problem in problems)
        {
            var (found, path) = SourceValues.Find(value, PathOf(key), problem.Pointer);
            Context.Foreign("invalid_schema", path, found.Location, problem.Message, "See docs/workflow-format.md for the part of JSON Schema that is supported.");
        }

        return null;
    }

    private void Report(string path, SourceNode source, IReadOnlyList<ExpressionProblem> problems)
    {
        foreach (var problem in problems)
        {
            var location = source is SourceScalar scalar ? scalar.LocationOf(problem.Offset) : source.Location;
            Context.Foreign("invalid_expression", path, location, problem.Message, problem.Hint);
        }
    }
}
