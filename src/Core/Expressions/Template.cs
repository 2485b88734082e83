using System.Diagnostics.CodeAnalysis;

namespace Polyphony.Core.Expressions;

/// <summary>
/// Text with <c>{{ expression }}</c> parts. A template that is one such part and nothing else has the expression's value and type;
/// any other is a text. Immutable.
/// </summary>
public sealed class Template
{
    private Template(string text, IReadOnlyList<ExpressionReference> references)
    {
        Text = text;
        References = references;
    }

    /// <summary>Gets the source text.</summary>
    public string Text { get; }

    /// <summary>Gets what its expressions read.</summary>
    public IReadOnlyList<ExpressionReference> References { get; }

    /// <summary>Parses a template; every problem is reported.</summary>
    /// <param name="text">The source.</param>
    /// <param name="template">The template, if there is no problem.</param>
    /// <param name="problems">What is wrong, with offsets into the text.</param>
    /// <returns>Whether it could be parsed.</returns>
    public static bool TryParse(string text, [NotNullWhen(true)] out Template? template, out IReadOnlyList<ExpressionProblem> problems) =>
        throw new NotSupportedException(text);

    /// <summary>Checks names and types.</summary>
    /// <param name="scope">The types of the variables.</param>
    /// <param name="problems">Receives what is wrong.</param>
    /// <returns>The template's type.</returns>
    public ExpressionType Check(ExpressionTypeScope scope, ICollection<ExpressionProblem> problems) => throw new NotSupportedException(Text);

    /// <summary>Evaluates the template to a value: that of its only expression, or the text.</summary>
    /// <param name="scope">The values of the variables.</param>
    /// <returns>The value.</returns>
    /// <exception cref="ExpressionException">An expression failed.</exception>
    public ExpressionValue Evaluate(IExpressionScope scope) => throw new NotSupportedException(Text);

    /// <summary>Evaluates the template to a text; values that are no text appear as JSON, and null as nothing.</summary>
    /// <param name="scope">The values of the variables.</param>
    /// <returns>The text.</returns>
    /// <exception cref="ExpressionException">An expression failed.</exception>
    public string Render(IExpressionScope scope) => throw new NotSupportedException(Text);
}
