using System.Diagnostics.CodeAnalysis;
using Polyphony.Expressions.Syntax;

namespace Polyphony.Expressions;

/// <summary>A parsed expression of the workflow language, a subset of CEL (https://github.com/google/cel-spec). Immutable, thread-safe.</summary>
public sealed class Expression
{
    private readonly SyntaxTree _tree;

    private Expression(string text, SyntaxTree tree)
    {
        Text = text;
        _tree = tree;
    }

    /// <summary>Gets the source text.</summary>
    public string Text { get; }

    /// <summary>Gets the variables that it reads, each with the member path as far as it is fixed, such as <c>nodes.plan.output</c>.</summary>
    public IReadOnlyList<ExpressionReference> References => _tree.References;

    /// <summary>Parses an expression; every syntax problem is reported.</summary>
    /// <param name="text">The source.</param>
    /// <param name="expression">The expression, if there is no problem.</param>
    /// <param name="problems">What is wrong, with offsets into the text.</param>
    /// <returns>Whether it could be parsed.</returns>
    public static bool TryParse(string text, [NotNullWhen(true)] out Expression? expression, out IReadOnlyList<ExpressionProblem> problems)
    {
        List<ExpressionProblem> found = [];
        expression = null;
        problems = found;
        if (text.Length > ExpressionLimits.TextLength)
        {
            found.Add(new ExpressionProblem(0, text.Length, $"The expression is longer than {ExpressionLimits.TextLength} characters."));
            return false;
        }

        if (text.AsSpan().TrimStart().StartsWith("{{") && text.AsSpan().TrimEnd().EndsWith("}}"))
        {
            found.Add(new ExpressionProblem(0, text.Length, "This is already an expression.", "Leave out the {{ and }}."));
            return false;
        }

        if (Parser.Parse(text, 0, inTemplate: false, found, out _, out _) is not { } tree)
        {
            return false;
        }

        expression = new Expression(text, tree);
        return true;
    }

    /// <summary>Checks names and types.</summary>
    /// <param name="scope">The types of the variables.</param>
    /// <param name="problems">Receives what is wrong.</param>
    /// <returns>The expression's type; <see cref="ExpressionType.Any"/> where it can't be known.</returns>
    public ExpressionType Check(ExpressionTypeScope scope, ICollection<ExpressionProblem> problems) => _tree.Check(scope, problems);

    /// <summary>Checks names and types, and that the expression can be a condition.</summary>
    /// <param name="scope">The types of the variables.</param>
    /// <param name="problems">Receives what is wrong.</param>
    public void CheckCondition(ExpressionTypeScope scope, ICollection<ExpressionProblem> problems) =>
        _tree.Root.CheckCondition(new Checker(scope, problems, _tree.Locals), "A condition");

    /// <summary>Evaluates the expression. Free of side effects; the cost is bounded by <see cref="ExpressionLimits"/>.</summary>
    /// <param name="scope">The values of the variables.</param>
    /// <returns>The value.</returns>
    /// <exception cref="ExpressionException">A name is unknown, a type is wrong, or the cost limit was reached.</exception>
    public ExpressionValue Evaluate(IExpressionScope scope)
    {
        var steps = ExpressionLimits.Steps;
        return _tree.Evaluate(scope, ref steps);
    }

    /// <summary>Evaluates a condition.</summary>
    /// <param name="scope">The values of the variables.</param>
    /// <returns>Whether it holds.</returns>
    /// <exception cref="ExpressionException">As for <see cref="Evaluate"/>; or the value is no bool.</exception>
    public bool EvaluateCondition(IExpressionScope scope)
    {
        var steps = ExpressionLimits.Steps;
        return _tree.EvaluateCondition(scope, ref steps);
    }

    /// <inheritdoc/>
    public override string ToString() => Text;
}
