namespace Polyphony.Expressions;

/// <summary>The values of the variables of an expression.</summary>
public interface IExpressionScope
{
    /// <summary>Looks a variable up.</summary>
    /// <param name="name">Its name, such as <c>input</c>.</param>
    /// <param name="value">Its value.</param>
    /// <returns>Whether there is such a variable.</returns>
    bool TryGetVariable(string name, out ExpressionValue value);
}
