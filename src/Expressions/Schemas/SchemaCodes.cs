namespace Polyphony.Expressions.Schemas;

/// <summary>The kinds of violations. The last two say that a check was given up, and a value that was not checked is refused.</summary>
internal static class SchemaCodes
{
    /// <summary>The value does not fit its schema, or the schema is not a schema.</summary>
    public const string Mismatch = "schema_mismatch";

    /// <summary>Value and schema together take more than <see cref="SchemaLimits.Steps"/> steps to check.</summary>
    public const string TooComplex = "schema_check_too_complex";

    /// <summary>The value is nested deeper than <see cref="Expressions.ExpressionLimits.Nesting"/> levels.</summary>
    public const string TooDeep = "value_too_deep";
}
