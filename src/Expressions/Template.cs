using System.Diagnostics.CodeAnalysis;
using System.Text;
using Polyphony.Expressions.Syntax;

namespace Polyphony.Expressions;

/// <summary>
/// Text with <c>{{ expression }}</c> parts. A template that is one such part and nothing else has the expression's value and type;
/// any other is a text. A literal <c>{{</c> is written <c>{{ '{{' }}</c>. Immutable, thread-safe.
/// </summary>
public sealed class Template
{
    private readonly IReadOnlyList<Part> _parts;

    private Template(string text, IReadOnlyList<Part> parts)
    {
        Text = text;
        _parts = parts;
        References = [.. parts.SelectMany(part => part.Tree?.References ?? []).DistinctBy(reference => string.Join('\0', reference.Path), StringComparer.Ordinal)];
    }

    /// <summary>Gets the source text.</summary>
    public string Text { get; }

    /// <summary>Gets what its expressions read.</summary>
    public IReadOnlyList<ExpressionReference> References { get; }

    /// <summary>Gets a value indicating whether it has no expression, so that it is a constant text.</summary>
    public bool IsConstant => _parts is [] or [{ Tree: null }];

    /// <summary>Gets a value indicating whether it is a single expression, so that it has that expression's value and type.</summary>
    public bool IsExpression => _parts is [{ Tree: not null }];

    /// <summary>Parses a template; every problem is reported.</summary>
    /// <param name="text">The source.</param>
    /// <param name="template">The template, if there is no problem.</param>
    /// <param name="problems">What is wrong, with offsets into the text.</param>
    /// <returns>Whether it could be parsed.</returns>
    public static bool TryParse(string text, [NotNullWhen(true)] out Template? template, out IReadOnlyList<ExpressionProblem> problems)
    {
        List<ExpressionProblem> found = [];
        List<Part> parts = [];
        problems = found;
        template = null;
        if (text.Length > ExpressionLimits.TemplateLength)
        {
            found.Add(new ExpressionProblem(0, text.Length, $"The template is longer than {ExpressionLimits.TemplateLength} characters."));
            return false;
        }

        var position = 0;
        while (position < text.Length)
        {
            var open = text.IndexOf("{{", position, StringComparison.Ordinal);
            if (open != position)
            {
                parts.Add(new Part(text[position..(open < 0 ? text.Length : open)], null));
            }

            if (open < 0)
            {
                break;
            }

            var before = found.Count;
            var tree = Parser.Parse(text, open + 2, inTemplate: true, found, out var end, out var isClosed);
            if (!isClosed)
            {
                // All that stands after it was read as an expression, so only the missing end is worth a word.
                found.RemoveRange(before, found.Count - before);
                found.Add(new ExpressionProblem(open, 2, "The \"{{\" is not closed.", "Close it with \"}}\". A literal \"{{\" is written {{ '{{' }}."));
                break;
            }

            if (tree is not null)
            {
                parts.Add(new Part(null, tree));
            }

            position = end + 2;
        }

        if (found.Count > 0)
        {
            return false;
        }

        template = new Template(text, parts);
        return true;
    }

    /// <summary>Checks names and types.</summary>
    /// <param name="scope">The types of the variables.</param>
    /// <param name="problems">Receives what is wrong.</param>
    /// <returns>The template's type.</returns>
    public ExpressionType Check(ExpressionTypeScope scope, ICollection<ExpressionProblem> problems)
    {
        var type = ExpressionType.String;
        foreach (var part in _parts)
        {
            if (part.Tree is not null)
            {
                type = part.Tree.Check(scope, problems);
            }
        }

        return IsExpression ? type : ExpressionType.String;
    }

    /// <summary>Evaluates the template to a value: that of its only expression, or the text.</summary>
    /// <param name="scope">The values of the variables.</param>
    /// <returns>The value.</returns>
    /// <exception cref="ExpressionException">An expression failed.</exception>
    public ExpressionValue Evaluate(IExpressionScope scope)
    {
        if (!IsExpression)
        {
            return ExpressionValue.FromString(Render(scope));
        }

        var steps = ExpressionLimits.Steps;
        return _parts[0].Tree!.Evaluate(scope, ref steps);
    }

    /// <summary>Evaluates the template to a text; values that are no text appear as JSON, and null as nothing.</summary>
    /// <param name="scope">The values of the variables.</param>
    /// <returns>The text.</returns>
    /// <exception cref="ExpressionException">An expression failed, or the text is longer than <see cref="ExpressionLimits.ResultLength"/>.</exception>
    public string Render(IExpressionScope scope)
    {
        if (IsConstant)
        {
            return Text;
        }

        var steps = ExpressionLimits.Steps;
        var texts = new string[_parts.Count];
        var length = 0L;
        for (var i = 0; i < texts.Length; i++)
        {
            var part = _parts[i];
            texts[i] = part.Literal ?? part.Tree!.Render(scope, ref steps);
            length += texts[i].Length;
            if (length > ExpressionLimits.ResultLength)
            {
                var problem = new ExpressionProblem(part.Tree?.Root.Offset ?? 0, part.Tree?.Root.Length ?? 0, $"The text would be longer than {ExpressionLimits.ResultLength:N0} characters.");
                throw part.Tree?.Source.Failure(problem) ?? new ExpressionException(Text, problem);
            }
        }

        return string.Concat(texts);
    }

    /// <summary>Evaluates the template to a text, with what its expressions give encoded for the place where it stands.</summary>
    /// <param name="scope">The values of the variables.</param>
    /// <param name="encode">Encodes a value.</param>
    /// <returns>The text.</returns>
    /// <exception cref="ExpressionException">An expression failed.</exception>
    internal string Render(IExpressionScope scope, Func<string, string> encode)
    {
        var steps = ExpressionLimits.Steps;
        var text = new StringBuilder();
        foreach (var part in _parts)
        {
            text.Append(part.Literal ?? encode(part.Tree!.Render(scope, ref steps)));
        }

        return text.ToString();
    }

    /// <summary>Gets the text with something else in place of each expression.</summary>
    /// <param name="placeholder">What stands there.</param>
    /// <returns>The text.</returns>
    internal string Outline(string placeholder) => string.Concat(_parts.Select(part => part.Literal ?? placeholder));

    /// <inheritdoc/>
    public override string ToString() => Text;

    /// <summary>A literal text or an expression.</summary>
    private readonly record struct Part(string? Literal, SyntaxTree? Tree);
}
