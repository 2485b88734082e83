namespace Polyphony.Expressions.Schemas;

/// <summary>What bounds the check of a value, so that no schema and no value can hold a worker or exhaust memory.</summary>
internal static class SchemaLimits
{
    /// <summary>The steps that one check may take: one for each part of the schema that looks at a part of the value, and one for every sixteen bytes read or compared.</summary>
    public const long Steps = 10_000_000;

    /// <summary>The most violations that are listed.</summary>
    public const int Violations = 100;

    /// <summary>The digits that a number may have where it is divided (<c>multipleOf</c>).</summary>
    internal const int Digits = 4096;

    /// <summary>The steps of those that are left for saying what is wrong with a value that doesn't fit; a message costs more than to decide.</summary>
    internal const long ExplanationSteps = 2_000_000;

    /// <summary>How many alternatives of a union are asked why they don't fit.</summary>
    internal const int ExplainedAlternatives = 100;

    /// <summary>How deep value and schema may be nested together, so that nothing can overflow the stack.</summary>
    internal const int Recursion = 256;

    /// <summary>How many parts of a schema may build on each other for one value; the rest of the depth is for the value.</summary>
    internal const int Height = Recursion / 2;

    /// <summary>How many results are kept to be found again; what is beyond is checked again.</summary>
    internal const int Results = 1_000_000;
}
