using Polyphony.Expressions.Evaluation;

namespace Polyphony.Expressions.Syntax;

/// <summary>A parsed expression.</summary>
/// <param name="Source">Where it stands.</param>
/// <param name="Root">Its tree.</param>
/// <param name="Locals">How many variables its macros declare.</param>
/// <param name="References">What it reads.</param>
internal sealed record SyntaxTree(ExpressionSource Source, Node Root, int Locals, IReadOnlyList<ExpressionReference> References)
{
    /// <summary>Checks names and types.</summary>
    public ExpressionType Check(ExpressionTypeScope scope, ICollection<ExpressionProblem> problems) => Root.Check(new Checker(scope, problems, Locals));

    /// <summary>Evaluates the expression.</summary>
    public ExpressionValue Evaluate(IExpressionScope scope, ref long steps)
    {
        var context = new EvaluationContext(Source, scope, Locals, ref steps);
        try
        {
            return Root.Evaluate(ref context);
        }
        catch (InvalidOperationException)
        {
            throw Broken();
        }
    }

    /// <summary>Evaluates the expression to a condition.</summary>
    public bool EvaluateCondition(IExpressionScope scope, ref long steps)
    {
        var context = new EvaluationContext(Source, scope, Locals, ref steps);
        try
        {
            return Root.EvaluateCondition(ref context, "A condition");
        }
        catch (InvalidOperationException)
        {
            throw Broken();
        }
    }

    /// <summary>Evaluates the expression to the text that it is in a template.</summary>
    public string Render(IExpressionScope scope, ref long steps)
    {
        var context = new EvaluationContext(Source, scope, Locals, ref steps);
        try
        {
            return Conversions.Render(ref context, Root, Root.Evaluate(ref context));
        }
        catch (InvalidOperationException)
        {
            throw Broken();
        }
    }

    /// <summary>Reading a JSON text with half a surrogate pair throws; nothing else here throws that exception.</summary>
    private ExpressionException Broken() => Source.Failure(new ExpressionProblem(Root.Offset, Root.Length, ValueWriter.NotUnicode));
}
