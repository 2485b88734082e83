using System.Runtime.CompilerServices;
using Polyphony.Expressions.Syntax;

namespace Polyphony.Expressions.Evaluation;

/// <summary>What a function does. The arguments are of the declared kinds; the receiver of a method is the first.</summary>
internal delegate ExpressionValue FunctionBody(ref EvaluationContext context, CallNode call, scoped ReadOnlySpan<ExpressionValue> arguments);

/// <summary>A function of the language, in one of its forms.</summary>
/// <param name="Name">Its name.</param>
/// <param name="IsMethod">Whether it is called as <c>x.name()</c> rather than <c>name(x)</c>.</param>
/// <param name="Usage">How to call it, for messages.</param>
/// <param name="Required">How many arguments it needs, the receiver included.</param>
/// <param name="Parameters">The kinds that each argument may be.</param>
/// <param name="Result">Finds the type of the result from those of the arguments.</param>
/// <param name="Body">What it does.</param>
internal sealed record Function(
    string Name,
    bool IsMethod,
    string Usage,
    int Required,
    IReadOnlyList<KindSet> Parameters,
    Func<IReadOnlyList<ExpressionType>, ExpressionType> Result,
    FunctionBody Body)
{
    /// <summary>The most arguments that any function has.</summary>
    public const int MostArguments = 3;

    /// <summary>Says which argument is meant.</summary>
    public string Describe(int argument) => (IsMethod, argument) switch
    {
        (true, 0) => $"What stands before .{Name}()",
        (true, _) => Parameters.Count == 2 ? $"The argument of {Name}()" : $"Argument {argument} of {Name}()",
        (false, _) => Parameters.Count == 1 ? $"The argument of {Name}()" : $"Argument {argument + 1} of {Name}()",
    };
}

/// <summary>Room for the arguments of a call, on the stack.</summary>
[InlineArray(Function.MostArguments)]
internal struct ArgumentBuffer
{
    private ExpressionValue _first;
}
