using Polyphony.Expressions.Syntax;

namespace Polyphony.Expressions.Evaluation;

/// <summary>One evaluation: the variables, the steps that are left, and where to report.</summary>
internal ref struct EvaluationContext(ExpressionSource source, IExpressionScope scope, int locals, ref long steps)
{
    private const int CharactersPerStep = 10;

    private readonly ref long _steps = ref steps;

    /// <summary>Gets the variables.</summary>
    public IExpressionScope Scope { get; } = scope;

    /// <summary>Gets the variables of the macros, by slot.</summary>
    public ExpressionValue[] Locals { get; } = locals == 0 ? [] : new ExpressionValue[locals];

    /// <summary>Takes steps.</summary>
    public readonly void Charge(Node node, long steps)
    {
        if ((_steps -= steps) < 0)
        {
            throw Limit(
                node,
                $"The evaluation takes more than {ExpressionLimits.Steps:N0} steps.",
                "Work on less data: filter first, or let a node do this.");
        }
    }

    /// <summary>Takes the steps for a text that is read or made.</summary>
    public readonly void ChargeText(Node node, long length) => Charge(node, 1 + length / CharactersPerStep);

    /// <summary>Takes the steps for a text that is about to be made, and checks its length.</summary>
    public readonly void ChargeResult(Node node, long length)
    {
        CheckLength(node, length);
        ChargeText(node, length);
    }

    /// <summary>Checks the length of a text that is about to be made.</summary>
    public readonly void CheckLength(Node node, long length)
    {
        if (length > ExpressionLimits.ResultLength)
        {
            throw Limit(node, $"The text would be longer than {ExpressionLimits.ResultLength:N0} characters.", null);
        }
    }

    /// <summary>Takes the text of a string.</summary>
    public readonly string Text(Node node, in ExpressionValue value)
    {
        ChargeText(node, value.ApproximateLength());
        return value.AsString();
    }

    /// <summary>Makes the exception for a failed operation.</summary>
    public readonly ExpressionException Fault(Node node, string message, string? hint = null) => Fault(node.Offset, node.Length, message, hint);

    /// <summary>Makes the exception for a failed operation at a place within a node.</summary>
    public readonly ExpressionException Fault(int offset, int length, string message, string? hint = null) => source.Failure(new ExpressionProblem(offset, length, message, hint));

    private readonly ExpressionException Limit(Node node, string message, string? hint) =>
        source.Failure(new ExpressionProblem(node.Offset, node.Length, message, hint), isLimit: true);
}
