using Polyphony.Expressions.Evaluation;

namespace Polyphony.Expressions.Syntax;

/// <summary>
/// <c>a &amp;&amp; b</c> and <c>a || b</c>. As in CEL they are commutative: if one side decides, an error of the other side doesn't matter.
/// </summary>
internal sealed class LogicNode(Node left, Node right, bool isAnd) : Node
{
    // Throwing costs far more than any other step.
    public const int StepsPerError = 100;

    private string Role => isAnd ? "A side of \"&&\"" : "A side of \"||\"";

    public override ExpressionValue Evaluate(ref EvaluationContext context)
    {
        context.Charge(this, 1);
        bool first;
        try
        {
            first = left.EvaluateCondition(ref context, Role);
        }
        catch (ExpressionException exception) when (!exception.IsLimit)
        {
            context.Charge(this, StepsPerError);
            if (right.EvaluateCondition(ref context, Role) != isAnd)
            {
                return ExpressionValue.FromBoolean(!isAnd);
            }

            throw;
        }

        return ExpressionValue.FromBoolean(first != isAnd ? first : right.EvaluateCondition(ref context, Role));
    }

    public override ExpressionType Check(Checker checker)
    {
        left.CheckCondition(checker, Role);
        right.CheckCondition(checker, Role);
        return ExpressionType.Bool;
    }
}

/// <summary><c>!a</c>.</summary>
internal sealed class NotNode(Node operand) : Node
{
    public override ExpressionValue Evaluate(ref EvaluationContext context)
    {
        context.Charge(this, 1);
        return ExpressionValue.FromBoolean(!operand.EvaluateCondition(ref context, "What follows \"!\""));
    }

    public override ExpressionType Check(Checker checker)
    {
        operand.CheckCondition(checker, "What follows \"!\"");
        return ExpressionType.Bool;
    }
}

/// <summary><c>condition ? a : b</c>.</summary>
internal sealed class ConditionalNode(Node condition, Node then, Node otherwise) : Node
{
    public override ExpressionValue Evaluate(ref EvaluationContext context)
    {
        context.Charge(this, 1);
        return condition.EvaluateCondition(ref context, "What stands before \"?\"") ? then.Evaluate(ref context) : otherwise.Evaluate(ref context);
    }

    public override ExpressionType Check(Checker checker)
    {
        condition.CheckCondition(checker, "What stands before \"?\"");
        return ExpressionType.Union(then.Check(checker), otherwise.Check(checker));
    }
}
