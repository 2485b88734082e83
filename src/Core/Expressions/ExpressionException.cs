namespace Polyphony.Core.Expressions;

/// <summary>An expression could not be evaluated.</summary>
/// <param name="expression">Its text.</param>
/// <param name="problem">What is wrong, and where in the text.</param>
public sealed class ExpressionException(string expression, ExpressionProblem problem)
    : PolyphonyException("expression_error", $"The expression \"{expression}\" failed at character {problem.Offset + 1}: {problem.Message}{(problem.Hint is null ? "" : " " + problem.Hint)}")
{
    /// <summary>Gets what is wrong.</summary>
    public ExpressionProblem Problem { get; } = problem;
}
