using Polyphony.Expressions.Evaluation;

namespace Polyphony.Expressions.Syntax;

/// <summary><c>a + b</c> and its like.</summary>
internal sealed class ArithmeticNode(Node left, Node right, TokenKind operation, int operatorOffset) : Node
{
    private string Name => operation switch
    {
        TokenKind.Plus => "+",
        TokenKind.Minus => "-",
        TokenKind.Times => "*",
        TokenKind.Divide => "/",
        _ => "%",
    };

    public override ExpressionValue Evaluate(ref EvaluationContext context)
    {
        context.Charge(this, 1);
        var a = left.Evaluate(ref context);
        var b = right.Evaluate(ref context);
        if (a.Kind == ExpressionValueKind.Int && b.Kind == ExpressionValueKind.Int)
        {
            return Compute(ref context, a.AsInt64(), b.AsInt64());
        }

        if (Comparison.IsNumber(a) && Comparison.IsNumber(b))
        {
            return Compute(ref context, a.AsDouble(), b.AsDouble());
        }

        if (operation == TokenKind.Plus && a.Kind == b.Kind)
        {
            if (a.Kind == ExpressionValueKind.String)
            {
                return Concatenate(ref context, a.AsString(), b.AsString());
            }

            if (a.Kind == ExpressionValueKind.List)
            {
                return Append(ref context, a, b);
            }
        }

        throw context.Fault(operatorOffset, 1, Message(Kinds.Name(a.Kind), Kinds.Name(b.Kind)), Hint(Kinds.Of(a.Kind), Kinds.Of(b.Kind)));
    }

    public override ExpressionType Check(Checker checker)
    {
        var a = left.Check(checker);
        var b = right.Check(checker);
        List<ExpressionType> results = [];
        var numbersA = a.ValueKinds & KindSet.Number;
        var numbersB = b.ValueKinds & KindSet.Number;
        if (numbersA != KindSet.None && numbersB != KindSet.None)
        {
            results.Add(numbersA == KindSet.Double || numbersB == KindSet.Double ? ExpressionType.Double : (numbersA | numbersB) == KindSet.Int ? ExpressionType.Int : ExpressionType.Number);
        }

        if (operation == TokenKind.Plus)
        {
            var common = a.ValueKinds & b.ValueKinds;
            if (common.HasFlag(KindSet.String))
            {
                results.Add(ExpressionType.String);
            }

            if (common.HasFlag(KindSet.List))
            {
                results.Add(ExpressionType.ListOf(ExpressionType.Union(a.ListElement()!, b.ListElement()!)));
            }
        }

        return results.Count > 0 ? ExpressionType.Union(results) : checker.Report(operatorOffset, 1, Message(a.ToString(), b.ToString()), Hint(a.ValueKinds, b.ValueKinds));
    }

    private ExpressionValue Compute(ref EvaluationContext context, long a, long b)
    {
        if (b == 0 && operation is TokenKind.Divide or TokenKind.Remainder)
        {
            throw context.Fault(operatorOffset, 1, "Division by zero.");
        }

        try
        {
            return ExpressionValue.FromInt64(operation switch
            {
                TokenKind.Plus => checked(a + b),
                TokenKind.Minus => checked(a - b),
                TokenKind.Times => checked(a * b),
                TokenKind.Divide => checked(a / b),

                // The remainder of the smallest number by -1 is 0, but the processor overflows.
                _ => b == -1 ? 0 : a % b,
            });
        }
        catch (OverflowException)
        {
            throw context.Fault(operatorOffset, 1, "The result doesn't fit into 64 bits.", "Compute with double(x).");
        }
    }

    private ExpressionValue Compute(ref EvaluationContext context, double a, double b)
    {
        if (b == 0 && operation is TokenKind.Divide or TokenKind.Remainder)
        {
            throw context.Fault(operatorOffset, 1, "Division by zero.");
        }

        var result = operation switch
        {
            TokenKind.Plus => a + b,
            TokenKind.Minus => a - b,
            TokenKind.Times => a * b,
            TokenKind.Divide => a / b,
            _ => a % b,
        };
        return double.IsFinite(result) ? ExpressionValue.FromDouble(result) : throw context.Fault(operatorOffset, 1, "The result is too large for a number.");
    }

    private ExpressionValue Concatenate(ref EvaluationContext context, string a, string b)
    {
        context.ChargeResult(this, (long)a.Length + b.Length);
        return ExpressionValue.FromString(string.Concat(a, b));
    }

    private ExpressionValue Append(ref EvaluationContext context, in ExpressionValue a, in ExpressionValue b)
    {
        context.Charge(this, (long)a.Count + b.Count);
        var items = new List<ExpressionValue>(a.Count + b.Count);
        for (var reader = new ItemReader(a); reader.MoveNext();)
        {
            items.Add(reader.Current);
        }

        for (var reader = new ItemReader(b); reader.MoveNext();)
        {
            items.Add(reader.Current);
        }

        return ExpressionValue.FromList(items);
    }

    private string Message(string a, string b) => operation == TokenKind.Plus
        ? $"\"+\" adds two numbers, two strings or two arrays, found {a} and {b}."
        : $"\"{Name}\" needs two numbers, found {a} and {b}.";

    private string? Hint(KindSet a, KindSet b)
    {
        if (operation != TokenKind.Plus)
        {
            return (a | b).HasFlag(KindSet.String) ? "Convert the string with int(x) or double(x)." : null;
        }

        if (a == KindSet.List || b == KindSet.List)
        {
            return "A single item is appended as array + [item].";
        }

        return a == KindSet.String || b == KindSet.String ? "Convert to a string with string(x) or toJson(x)." : null;
    }
}

/// <summary><c>-a</c>.</summary>
internal sealed class NegateNode(Node operand) : Node
{
    public override ExpressionValue Evaluate(ref EvaluationContext context)
    {
        context.Charge(this, 1);
        var value = operand.Evaluate(ref context);
        return value.Kind switch
        {
            ExpressionValueKind.Int when value.AsInt64() == long.MinValue => throw context.Fault(this, "The result doesn't fit into 64 bits.", "Compute with double(x)."),
            ExpressionValueKind.Int => ExpressionValue.FromInt64(-value.AsInt64()),
            ExpressionValueKind.Double => ExpressionValue.FromDouble(-value.AsDouble()),
            _ => throw context.Fault(this, $"\"-\" needs a number, found {Kinds.Name(value.Kind)}."),
        };
    }

    public override ExpressionType Check(Checker checker)
    {
        var type = operand.Check(checker);
        if ((type.ValueKinds & KindSet.Number) == KindSet.None)
        {
            return checker.Report(this, $"\"-\" needs a number, found {type}.");
        }

        return type.Kind == ExpressionTypeKind.Any ? ExpressionType.Number : type;
    }
}
