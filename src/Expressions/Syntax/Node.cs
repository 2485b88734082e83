using Polyphony.Expressions.Evaluation;

namespace Polyphony.Expressions.Syntax;

/// <summary>A node of the syntax tree. Immutable; evaluates and checks itself.</summary>
internal abstract class Node
{
    /// <summary>Gets where it begins in the whole text.</summary>
    public required int Offset { get; init; }

    /// <summary>Gets how long it is there.</summary>
    public required int Length { get; init; }

    /// <summary>Gets how many nodes lie on the longest way down, itself included: the depth of recursion.</summary>
    public int Height { get; init; } = 1;

    /// <summary>Gets the offset after it.</summary>
    public int End => Offset + Length;

    /// <summary>Computes the value.</summary>
    public abstract ExpressionValue Evaluate(ref EvaluationContext context);

    /// <summary>Finds the type, and reports what can't work.</summary>
    public abstract ExpressionType Check(Checker checker);

    /// <summary>Computes the value, if all the members on its path exist; for <c>has</c> and <c>coalesce</c>.</summary>
    public virtual bool TryEvaluate(ref EvaluationContext context, out ExpressionValue value)
    {
        value = Evaluate(ref context);
        return true;
    }

    /// <summary>Computes a value that must be a bool.</summary>
    public bool EvaluateCondition(ref EvaluationContext context, string role)
    {
        var value = Evaluate(ref context);
        return value.Kind == ExpressionValueKind.Bool
            ? value.AsBoolean()
            : throw context.Fault(this, $"{role} must be a bool, found {Kinds.Name(value.Kind)}.", BoolHint(Kinds.Of(value.Kind)));
    }

    /// <summary>Checks a part that must be a bool.</summary>
    public void CheckCondition(Checker checker, string role)
    {
        var type = Check(checker);
        if (!type.CanBe(ExpressionType.Bool))
        {
            checker.Report(this, $"{role} must be a bool, found {type}.", BoolHint(type.ValueKinds));
        }
    }

    /// <summary>Gets the height of a node above others.</summary>
    public static int HeightAbove(params ReadOnlySpan<Node> children)
    {
        var height = 0;
        foreach (var child in children)
        {
            height = Math.Max(height, child.Height);
        }

        return height + 1;
    }

    /// <summary>Says how to make a condition of something else.</summary>
    public static string? BoolHint(KindSet kinds) => kinds switch
    {
        KindSet.Null => "Compare it: x == null.",
        KindSet.String => "Compare it: x != ''.",
        KindSet.List or KindSet.Map => "Compare its size: size(x) > 0.",
        _ when (kinds & ~KindSet.Number) == KindSet.None => "Compare it: x != 0.",
        _ => null,
    };
}
