using System.Text.Json;
using Polyphony.Expressions;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Core.Definitions.Parsing;

/// <summary>Checks the arguments of a tool node against the tool's parameters as far as they are known before a run: expressions stand for anything.</summary>
internal static class FixedArguments
{
    private const string Expression = "{{";

    /// <summary>Finds what can't fit, whatever the expressions give.</summary>
    /// <param name="parameters">What arguments must fit.</param>
    /// <param name="arguments">The arguments as written: an object.</param>
    /// <returns>What is wrong, each with its JSON pointer.</returns>
    public static IReadOnlyList<SchemaViolation> Check(JsonSchema parameters, JsonElement arguments)
    {
        if (arguments.ValueKind != JsonValueKind.Object)
        {
            return [];
        }

        var violations = parameters.Validate(arguments).Where(violation => JsonPointer.Find(arguments, violation.Pointer) is not { } found || !HasExpression(found));
        return [.. HasExpression(arguments) ? violations.Concat(CheckNames(parameters.Json, arguments)) : violations];
    }

    private static IEnumerable<SchemaViolation> CheckNames(JsonElement schema, JsonElement arguments)
    {
        if (schema.ValueKind != JsonValueKind.Object)
        {
            yield break;
        }

        if (schema.TryGetProperty("required", out var required) && required.ValueKind == JsonValueKind.Array)
        {
            foreach (var name in required.EnumerateArray().Where(name => name.ValueKind == JsonValueKind.String && !arguments.TryGetProperty(name.GetString()!, out _)))
            {
                yield return new SchemaViolation("", $"The required member \"{name.GetString()}\" is missing.");
            }
        }

        if (schema.TryGetProperty("additionalProperties", out var others) && others.ValueKind == JsonValueKind.False && !schema.TryGetProperty("patternProperties", out _))
        {
            var known = schema.TryGetProperty("properties", out var properties) && properties.ValueKind == JsonValueKind.Object ? properties : default;
            foreach (var member in arguments.EnumerateObject().Where(member => HasExpression(member.Value) && (known.ValueKind != JsonValueKind.Object || !known.TryGetProperty(member.Name, out _))))
            {
                yield return new SchemaViolation($"/{JsonPointer.Escape(member.Name)}", $"There is no member \"{member.Name}\".");
            }
        }
    }

    private static bool HasExpression(JsonElement value) => value.GetRawText().Contains(Expression, StringComparison.Ordinal);
}
