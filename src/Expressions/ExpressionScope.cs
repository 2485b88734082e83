namespace Polyphony.Expressions;

/// <summary>Variables kept in a dictionary.</summary>
/// <param name="variables">The values by name.</param>
public sealed class ExpressionScope(IReadOnlyDictionary<string, ExpressionValue> variables) : IExpressionScope
{
    /// <inheritdoc/>
    public bool TryGetVariable(string name, out ExpressionValue value) => variables.TryGetValue(name, out value);
}
