namespace Polyphony.Expressions;

/// <summary>The types of the variables of an expression. Immutable.</summary>
/// <param name="variables">The types by name.</param>
public sealed class ExpressionTypeScope(IReadOnlyDictionary<string, ExpressionType> variables)
{
    /// <summary>Gets the types by name.</summary>
    public IReadOnlyDictionary<string, ExpressionType> Variables { get; } = variables;

    /// <summary>Adds or replaces a variable.</summary>
    /// <param name="name">Its name, such as <c>item</c>.</param>
    /// <param name="type">Its type.</param>
    /// <returns>A new scope.</returns>
    public ExpressionTypeScope With(string name, ExpressionType type) =>
        new(new Dictionary<string, ExpressionType>(Variables, StringComparer.Ordinal) { [name] = type });
}
