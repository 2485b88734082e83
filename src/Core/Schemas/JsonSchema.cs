using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Polyphony.Core.Expressions;

namespace Polyphony.Core.Schemas;

/// <summary>A JSON schema (a documented subset of draft 2020-12), compiled. Immutable, thread-safe.</summary>
public sealed class JsonSchema
{
    private JsonSchema(JsonElement json) => Json = json;

    /// <summary>Gets the schema as written.</summary>
    public JsonElement Json { get; }

    /// <summary>Compiles a schema; every problem is reported.</summary>
    /// <param name="json">The schema.</param>
    /// <param name="schema">The compiled schema, if there is no problem.</param>
    /// <param name="problems">What is wrong, by JSON pointer into the schema.</param>
    /// <returns>Whether it could be compiled.</returns>
    public static bool TryParse(JsonElement json, [NotNullWhen(true)] out JsonSchema? schema, out IReadOnlyList<SchemaViolation> problems) =>
        throw new NotSupportedException(json.GetRawText());

    /// <summary>Checks a value.</summary>
    /// <param name="value">The value.</param>
    /// <returns>Every violation; empty if it fits.</returns>
    public IReadOnlyList<SchemaViolation> Validate(JsonElement value) => throw new NotSupportedException(value.GetRawText());

    /// <summary>Gets the type that values of this schema have in expressions.</summary>
    /// <returns>The type.</returns>
    public ExpressionType ToExpressionType() => throw new NotSupportedException();
}

/// <summary>Where a value or a schema is wrong.</summary>
/// <param name="Pointer">A JSON pointer (RFC 6901); empty for the whole.</param>
/// <param name="Message">What was expected and what was found.</param>
public sealed record SchemaViolation(string Pointer, string Message);
