using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Polyphony.Core.Expressions;

/// <summary>A JSON value whose texts, at any depth, are templates. Immutable.</summary>
public sealed class ValueTemplate
{
    private ValueTemplate(IReadOnlyList<ExpressionReference> references) => References = references;

    /// <summary>Gets what its expressions read.</summary>
    public IReadOnlyList<ExpressionReference> References { get; }

    /// <summary>Compiles a JSON value.</summary>
    /// <param name="json">The value.</param>
    /// <param name="template">The template, if there is no problem.</param>
    /// <param name="problems">What is wrong: where in the value (a JSON pointer, RFC 6901), and what.</param>
    /// <returns>Whether all texts could be parsed.</returns>
    public static bool TryParse(JsonElement json, [NotNullWhen(true)] out ValueTemplate? template, out IReadOnlyList<(string Pointer, ExpressionProblem Problem)> problems) =>
        throw new NotSupportedException(json.GetRawText());

    /// <summary>Checks names and types.</summary>
    /// <param name="scope">The types of the variables.</param>
    /// <param name="problems">Receives what is wrong, and where.</param>
    /// <returns>The type of the whole.</returns>
    public ExpressionType Check(ExpressionTypeScope scope, ICollection<(string Pointer, ExpressionProblem Problem)> problems) => throw new NotSupportedException();

    /// <summary>Evaluates every text.</summary>
    /// <param name="scope">The values of the variables.</param>
    /// <returns>The value.</returns>
    /// <exception cref="ExpressionException">An expression failed.</exception>
    public ExpressionValue Evaluate(IExpressionScope scope) => throw new NotSupportedException();
}
