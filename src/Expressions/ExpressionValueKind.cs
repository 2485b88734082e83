namespace Polyphony.Expressions;

/// <summary>The kinds of values of the workflow language.</summary>
public enum ExpressionValueKind
{
    /// <summary>Nothing; the default.</summary>
    Null,

    /// <summary>True or false.</summary>
    Bool,

    /// <summary>A whole number of 64 bits.</summary>
    Int,

    /// <summary>Any other number, an IEEE 754 double.</summary>
    Double,

    /// <summary>A text.</summary>
    String,

    /// <summary>A list.</summary>
    List,

    /// <summary>A map from texts to values: a JSON object.</summary>
    Map,
}
