using Polyphony.Expressions.Evaluation;

namespace Polyphony.Expressions.Syntax;

/// <summary><c>a == b</c> and <c>a != b</c>.</summary>
internal sealed class EqualityNode(Node left, Node right, bool negate) : Node
{
    public override ExpressionValue Evaluate(ref EvaluationContext context)
    {
        var a = left.Evaluate(ref context);
        var b = right.Evaluate(ref context);
        return ExpressionValue.FromBoolean(Comparison.AreEqual(ref context, this, a, b) != negate);
    }

    public override ExpressionType Check(Checker checker)
    {
        var a = left.Check(checker);
        var b = right.Check(checker);

        var either = a.ValueKinds | b.ValueKinds;
        if (!a.CanEqual(b))
        {
            checker.Report(
                this,
                $"{Capital(a.ToString())} and {b} are never equal, so this is always {(negate ? "true" : "false")}.",
                either.HasFlag(KindSet.String) && (either & KindSet.Number) != KindSet.None && (either & ~(KindSet.String | KindSet.Number)) == KindSet.None
                    ? "A number stands without quotes; convert with int(x), double(x) or string(x)."
                    : null);
        }

        return ExpressionType.Bool;
    }

    private static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];
}

/// <summary><c>a &lt; b</c> and its like: of two numbers, or of two texts.</summary>
internal sealed class OrderNode(Node left, Node right, TokenKind operation, int operatorOffset) : Node
{
    private string Name => operation switch
    {
        TokenKind.Less => "<",
        TokenKind.LessOrEqual => "<=",
        TokenKind.Greater => ">",
        _ => ">=",
    };

    public override ExpressionValue Evaluate(ref EvaluationContext context)
    {
        context.Charge(this, 1);
        var a = left.Evaluate(ref context);
        var b = right.Evaluate(ref context);
        int order;
        if (Comparison.IsNumber(a) && Comparison.IsNumber(b))
        {
            order = Comparison.CompareNumbers(a, b);
        }
        else if (a.Kind == ExpressionValueKind.String && b.Kind == ExpressionValueKind.String)
        {
            order = Comparison.CompareTexts(context.Text(left, a), context.Text(right, b));
        }
        else
        {
            throw context.Fault(operatorOffset, Name.Length, Message(Kinds.Name(a.Kind), Kinds.Name(b.Kind)), Hint(Kinds.Of(a.Kind), Kinds.Of(b.Kind)));
        }

        return ExpressionValue.FromBoolean(operation switch
        {
            TokenKind.Less => order < 0,
            TokenKind.LessOrEqual => order <= 0,
            TokenKind.Greater => order > 0,
            _ => order >= 0,
        });
    }

    public override ExpressionType Check(Checker checker)
    {
        var a = left.Check(checker);
        var b = right.Check(checker);
        var fits = ((a.ValueKinds & KindSet.Number) != KindSet.None && (b.ValueKinds & KindSet.Number) != KindSet.None)
            || (a.ValueKinds & b.ValueKinds).HasFlag(KindSet.String);
        if (!fits)
        {
            checker.Report(operatorOffset, Name.Length, Message(a.ToString(), b.ToString()), left is OrderNode ? "Write a < b && b < c." : Hint(a.ValueKinds, b.ValueKinds));
        }

        return ExpressionType.Bool;
    }

    private string Message(string a, string b) => $"\"{Name}\" compares two numbers or two strings, found {a} and {b}.";

    private static string? Hint(KindSet a, KindSet b)
    {
        var either = a | b;
        if ((either & (KindSet.List | KindSet.Map)) != KindSet.None)
        {
            return "Compare the size: size(x) > 0.";
        }

        return either.HasFlag(KindSet.String) && (either & KindSet.Number) != KindSet.None ? "Convert the string with int(x) or double(x)." : null;
    }
}

/// <summary><c>a in b</c>: an item of a list, or the name of a member.</summary>
internal sealed class InNode(Node left, Node right) : Node
{
    public override ExpressionValue Evaluate(ref EvaluationContext context)
    {
        context.Charge(this, 1);
        var item = left.Evaluate(ref context);
        var container = right.Evaluate(ref context);
        if (container.Kind == ExpressionValueKind.Map)
        {
            if (item.Kind != ExpressionValueKind.String)
            {
                return ExpressionValue.FromBoolean(false);
            }

            context.Charge(this, container.IsJson ? 1 + container.Count / 16 : 1);
            return ExpressionValue.FromBoolean(container.TryGetMember(context.Text(left, item), out _));
        }

        if (container.Kind != ExpressionValueKind.List)
        {
            throw context.Fault(right, $"The value after \"in\" must be an array or an object, found {Kinds.Name(container.Kind)}.", Hint(Kinds.Of(container.Kind)));
        }

        for (var items = new ItemReader(container); items.MoveNext();)
        {
            if (Comparison.AreEqual(ref context, this, item, items.Current))
            {
                return ExpressionValue.FromBoolean(true);
            }
        }

        return ExpressionValue.FromBoolean(false);
    }

    public override ExpressionType Check(Checker checker)
    {
        var item = left.Check(checker);
        var container = right.Check(checker);
        if ((container.ValueKinds & (KindSet.List | KindSet.Map)) == KindSet.None)
        {
            checker.Report(right, $"The value after \"in\" must be an array or an object, found {container}.", Hint(container.ValueKinds));
        }
        else if (container.ValueKinds == KindSet.List && container.ListElement() is { } element && !item.CanEqual(element))
        {
            checker.Report(this, $"The items are {element}, so {item} is never among them.");
        }

        return ExpressionType.Bool;
    }

    private static string? Hint(KindSet kinds) => kinds == KindSet.String ? "A part of a string is found with x.contains(y)." : null;
}
