using System.Text.Json;

namespace Polyphony.Expressions.Tests;

/// <summary>Shorthand of the tests for expressions.</summary>
internal static class Sample
{
    public const string Variables = """
        {
          "i": 7, "zero": 0, "d": 2.5, "whole": 3.0, "big": 9223372036854775807, "huge": 12345678901234567890, "t": true, "f": false, "n": null,
          "s": "Hello", "e": "", "smile": "a😀b",
          "xs": [3, 1, 2], "names": ["b", "a", "b"], "none": [],
          "m": { "a": 1, "b": { "c": "deep" }, "nothing": null, "my-key": 5 },
          "people": [ { "name": "Ann", "age": 30 }, { "name": "Bob", "age": 25 }, { "name": "Cy", "age": 30 } ]
        }
        """;

    public static JsonElement Json(string json) => JsonElement.Parse(json);

    public static IExpressionScope Scope(string json = Variables) =>
        new ExpressionScope(Json(json).EnumerateObject().ToDictionary(member => member.Name, member => ExpressionValue.FromJson(member.Value), StringComparer.Ordinal));

    public static Expression Parse(string text) =>
        Expression.TryParse(text, out var expression, out var problems) ? expression : throw new InvalidOperationException(string.Join("; ", problems));

    public static Template ParseTemplate(string text) =>
        Template.TryParse(text, out var template, out var problems) ? template : throw new InvalidOperationException(string.Join("; ", problems));

    /// <summary>Evaluates to compact JSON; "error: ..." if it fails.</summary>
    public static string Evaluate(string text, string variables = Variables)
    {
        try
        {
            return Parse(text).Evaluate(Scope(variables)).ToString();
        }
        catch (ExpressionException exception)
        {
            var problem = exception.Problem;
            return $"error {problem.Offset}+{problem.Length}: {problem.Message}{(problem.Hint is null ? "" : " " + problem.Hint)}";
        }
    }
}
