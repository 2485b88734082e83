namespace Polyphony.Expressions;

/// <summary>What bounds an expression, so that no file and no input can hold a worker or exhaust memory.</summary>
internal static class ExpressionLimits
{
    /// <summary>The longest expression, in characters.</summary>
    public const int TextLength = 16 * 1024;

    /// <summary>The longest template, in characters; each of its expressions is bounded by <see cref="TextLength"/>.</summary>
    public const int TemplateLength = 1024 * 1024;

    /// <summary>How deep brackets may be nested in an expression, and lists and maps in a value.</summary>
    public const int Nesting = 64;

    /// <summary>The longest chain of operators, members and calls that build on each other.</summary>
    public const int Chain = 250;

    /// <summary>The steps that one evaluation may take: one for each operation and item, and one for every ten characters read or copied.</summary>
    public const long Steps = 1_000_000;

    /// <summary>The longest text that an evaluation may make, in characters.</summary>
    public const int ResultLength = 10_000_000;
}
