namespace Polyphony.Expressions;

/// <summary>A variable that an expression reads.</summary>
/// <param name="Path">The variable and the members after it as far as they are fixed: <c>["nodes", "plan", "output", "questions"]</c>.</param>
public sealed record ExpressionReference(IReadOnlyList<string> Path)
{
    /// <inheritdoc/>
    public override string ToString() => string.Join('.', Path);
}
