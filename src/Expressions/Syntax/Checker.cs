namespace Polyphony.Expressions.Syntax;

/// <summary>Collects what static checking finds.</summary>
/// <param name="scope">The types of the variables.</param>
/// <param name="problems">Receives what is wrong.</param>
/// <param name="locals">How many variables macros declare.</param>
internal sealed class Checker(ExpressionTypeScope scope, ICollection<ExpressionProblem> problems, int locals)
{
    /// <summary>Gets the types of the variables.</summary>
    public ExpressionTypeScope Scope { get; } = scope;

    /// <summary>Gets the types of the variables of the macros, by slot.</summary>
    public ExpressionType[] Locals { get; } = new ExpressionType[locals];

    /// <summary>Reports a problem of a node.</summary>
    /// <returns>Any, so that nothing follows from it.</returns>
    public ExpressionType Report(Node node, string message, string? hint = null) => Report(node.Offset, node.Length, message, hint);

    /// <summary>Reports a problem.</summary>
    /// <returns>Any, so that nothing follows from it.</returns>
    public ExpressionType Report(int offset, int length, string message, string? hint = null)
    {
        problems.Add(new ExpressionProblem(offset, length, message, hint));
        return ExpressionType.Any;
    }
}
