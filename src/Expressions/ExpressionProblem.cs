namespace Polyphony.Expressions;

/// <summary>Something wrong in an expression or a template.</summary>
/// <param name="Offset">Where it begins, in characters from the start of the text.</param>
/// <param name="Length">How many characters it concerns.</param>
/// <param name="Message">What is wrong.</param>
/// <param name="Hint">What would be right, if that is known.</param>
public sealed record ExpressionProblem(int Offset, int Length, string Message, string? Hint = null);
