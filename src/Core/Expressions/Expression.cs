using System.Diagnostics.CodeAnalysis;

namespace Polyphony.Core.Expressions;

/// <summary>A parsed expression of the workflow language, a subset of CEL (https://github.com/google/cel-spec). Immutable.</summary>
public sealed class Expression
{
    private Expression(string text, IReadOnlyList<ExpressionReference> references)
    {
        Text = text;
        References = references;
    }

    /// <summary>Gets the source text.</summary>
    public string Text { get; }

    /// <summary>Gets the variables that it reads, each with the member path as far as it is fixed, such as <c>nodes.plan.output</c>.</summary>
    public IReadOnlyList<ExpressionReference> References { get; }

    /// <summary>Parses an expression; every syntax problem is reported.</summary>
    /// <param name="text">The source.</param>
    /// <param name="expression">The expression, if there is no problem.</param>
    /// <param name="problems">What is wrong, with offsets into the text.</param>
    /// <returns>Whether it could be parsed.</returns>
    public static bool TryParse(string text, [NotNullWhen(true)] out Expression? expression, out IReadOnlyList<ExpressionProblem> problems) =>
        throw new NotSupportedException(text);

    /// <summary>Checks names and types.</summary>
    /// <param name="scope">The types of the variables.</param>
    /// <param name="problems">Receives what is wrong.</param>
    /// <returns>The expression's type; <see cref="ExpressionType.Any"/> where it can't be known.</returns>
    public ExpressionType Check(ExpressionTypeScope scope, ICollection<ExpressionProblem> problems) => throw new NotSupportedException(Text);

    /// <summary>Evaluates the expression. Free of side effects; the cost is bounded.</summary>
    /// <param name="scope">The values of the variables.</param>
    /// <returns>The value.</returns>
    /// <exception cref="ExpressionException">A name is unknown, a type is wrong, or the cost limit was reached.</exception>
    public ExpressionValue Evaluate(IExpressionScope scope) => throw new NotSupportedException(Text);
}
