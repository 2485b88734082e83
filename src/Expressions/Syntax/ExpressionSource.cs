namespace Polyphony.Expressions.Syntax;

/// <summary>Where an expression stands.</summary>
/// <param name="Text">The whole text: the expression, or the template that holds it.</param>
/// <param name="Start">Where the expression begins.</param>
/// <param name="End">Where it ends.</param>
internal sealed record ExpressionSource(string Text, int Start, int End)
{
    /// <summary>Makes the exception for a problem of this expression.</summary>
    public ExpressionException Failure(ExpressionProblem problem, bool isLimit = false)
    {
        var start = Start;
        while (start < End && char.IsWhiteSpace(Text[start]))
        {
            start++;
        }

        return new ExpressionException(Text[start..End].TrimEnd(), start, problem, isLimit);
    }
}
