namespace Polyphony.Expressions;

/// <summary>An expression could not be evaluated.</summary>
public sealed class ExpressionException : PolyphonyException
{
    /// <summary>Initializes a new instance of the <see cref="ExpressionException"/> class.</summary>
    /// <param name="expression">The expression's text.</param>
    /// <param name="problem">What is wrong, and where in the text.</param>
    public ExpressionException(string expression, ExpressionProblem problem)
        : this(expression, 0, problem)
    {
    }

    /// <summary>Initializes a new instance of the <see cref="ExpressionException"/> class for an expression within a template.</summary>
    /// <param name="expression">The expression's text.</param>
    /// <param name="start">Where the expression begins in the template.</param>
    /// <param name="problem">What is wrong, and where in the template.</param>
    /// <param name="isLimit">Whether a limit was reached, which no operator may hide.</param>
    internal ExpressionException(string expression, int start, ExpressionProblem problem, bool isLimit = false)
        : base("expression_error", $"The expression \"{Shorten(expression)}\" failed at character {problem.Offset - start + 1}: {problem.Message}{(problem.Hint is null ? "" : " " + problem.Hint)}")
    {
        Problem = problem;
        IsLimit = isLimit;
    }

    /// <summary>Gets what is wrong.</summary>
    public ExpressionProblem Problem { get; }

    /// <summary>Gets a value indicating whether a limit was reached.</summary>
    internal bool IsLimit { get; }

    private static string Shorten(string text) => text.Length <= 200 ? text : string.Concat(text.AsSpan(0, 197), "...");
}
