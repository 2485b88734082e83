using System.Text.RegularExpressions;
using Polyphony.Expressions.Evaluation;

namespace Polyphony.Expressions.Syntax;

/// <summary>A call of a function.</summary>
internal sealed class CallNode(Function function, IReadOnlyList<Node> arguments) : Node
{
    public string Name => function.Name;

    public override ExpressionValue Evaluate(ref EvaluationContext context)
    {
        context.Charge(this, 1);
        var buffer = default(ArgumentBuffer);
        for (var i = 0; i < arguments.Count; i++)
        {
            var value = arguments[i].Evaluate(ref context);
            if ((function.Parameters[i] & Kinds.Of(value.Kind)) == KindSet.None)
            {
                throw context.Fault(arguments[i], Message(i, Kinds.Name(value.Kind)), Hint(i, Kinds.Of(value.Kind)));
            }

            buffer[i] = value;
        }

        ReadOnlySpan<ExpressionValue> values = buffer;
        return function.Body(ref context, this, values[..arguments.Count]);
    }

    public override ExpressionType Check(Checker checker)
    {
        var types = new ExpressionType[arguments.Count];
        for (var i = 0; i < types.Length; i++)
        {
            types[i] = arguments[i].Check(checker);
            if ((types[i].ValueKinds & function.Parameters[i]) == KindSet.None)
            {
                types[i] = checker.Report(arguments[i], Message(i, types[i].ToString()), Hint(i, types[i].ValueKinds));
            }
        }

        return function.Result(types);
    }

    private string Message(int argument, string found) => $"{function.Describe(argument)} must be {Kinds.WithArticle(Kinds.Name(function.Parameters[argument]))}, found {found}.";

    private string? Hint(int argument, KindSet found)
    {
        if (found == KindSet.Null)
        {
            return "Give a default with coalesce(x, ...).";
        }

        if (function.Name == "contains" && argument == 0 && found == KindSet.List)
        {
            return "Write item in array.";
        }

        if (function.Name == "string")
        {
            return "Write toJson(x).";
        }

        return (function.Parameters[argument] & KindSet.String) != KindSet.None && (found & KindSet.Number) != KindSet.None ? "Convert it with string(x)." : null;
    }
}

/// <summary><c>text.matches(pattern)</c>.</summary>
/// <param name="text">The text.</param>
/// <param name="pattern">The pattern.</param>
/// <param name="compiled">The pattern compiled, if it is constant.</param>
internal sealed class MatchesNode(Node text, Node pattern, Regex? compiled) : Node
{
    // Compiling a pattern costs about as much as some thousand other steps.
    private const int StepsToCompile = 5000;

    public override ExpressionValue Evaluate(ref EvaluationContext context)
    {
        context.Charge(this, 1);
        var value = text.Evaluate(ref context);
        if (value.Kind != ExpressionValueKind.String)
        {
            throw context.Fault(text, $"The value before .matches() must be a string, found {Kinds.Name(value.Kind)}.", value.IsNull ? "Give a default with coalesce(x, '')." : null);
        }

        var regex = compiled ?? Compile(ref context);
        var input = context.Text(this, value);

        // In the worst case each character is compared with each place of the pattern.
        context.Charge(this, input.Length / 4);
        return ExpressionValue.FromBoolean(regex.IsMatch(input));
    }

    public override ExpressionType Check(Checker checker)
    {
        var type = text.Check(checker);
        if (!type.CanBe(ExpressionType.String))
        {
            checker.Report(text, $"The value before .matches() must be a string, found {type}.");
        }

        type = pattern.Check(checker);
        if (!type.CanBe(ExpressionType.String))
        {
            checker.Report(pattern, $"The argument of matches() must be a string, found {type}.");
        }

        return ExpressionType.Bool;
    }

    private Regex Compile(ref EvaluationContext context)
    {
        var value = pattern.Evaluate(ref context);
        if (value.Kind != ExpressionValueKind.String)
        {
            throw context.Fault(pattern, $"The argument of matches() must be a string, found {Kinds.Name(value.Kind)}.");
        }

        context.Charge(this, StepsToCompile);
        return SafePattern.TryCompile(context.Text(pattern, value), out var problem) ?? throw context.Fault(pattern, problem!);
    }
}
