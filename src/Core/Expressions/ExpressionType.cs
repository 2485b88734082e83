namespace Polyphony.Core.Expressions;

/// <summary>A static type of the workflow language.</summary>
public sealed class ExpressionType
{
    /// <summary>Gets the type of values about which nothing is known.</summary>
    public static ExpressionType Any { get; } = new();
}

/// <summary>The types of the variables of an expression.</summary>
public sealed class ExpressionTypeScope;
