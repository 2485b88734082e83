namespace Polyphony.Expressions.Syntax;

/// <summary>
/// Goes through the tokens. The first syntax error ends the reading, because what is said about the rest would be nonsense; what can be put right does not.
/// </summary>
/// <param name="tokens">The tokens; the last is <see cref="TokenKind.End"/>.</param>
/// <param name="problems">Receives what is wrong.</param>
internal sealed class TokenCursor(List<Token> tokens, ICollection<ExpressionProblem> problems)
{
    private int _index;

    /// <summary>Gets a value indicating whether there was a syntax error.</summary>
    public bool HasFailed { get; private set; }

    public Token Current => tokens[_index];

    /// <summary>Gets the token after this one, which is not the last.</summary>
    public Token Next => tokens[_index + 1];

    /// <summary>Gets the offset after the token before this one.</summary>
    public int PreviousEnd => _index == 0 ? 0 : tokens[_index - 1].Offset + tokens[_index - 1].Length;

    /// <summary>Goes to the next token, if there is one.</summary>
    /// <returns>The token that was the current one.</returns>
    public Token Advance()
    {
        var token = Current;
        if (token.Kind != TokenKind.End)
        {
            _index++;
        }

        return token;
    }

    /// <summary>Takes the current token for another.</summary>
    public void Replace(Token token) => tokens[_index] = token;

    /// <summary>Goes past a token of a kind, or fails.</summary>
    public void Expect(TokenKind kind, string expected)
    {
        if (Current.Kind == kind)
        {
            Advance();
        }
        else
        {
            FailUnexpected(expected);
        }
    }

    /// <summary>Reports what can be put right, so that the reading continues.</summary>
    public void Report(int offset, int length, string message, string? hint = null) => problems.Add(new ExpressionProblem(offset, length, message, hint));

    /// <summary>Reports the first syntax error and goes to the end, where nothing more is reported.</summary>
    /// <returns>A node in the place of the one that can't be read.</returns>
    public Node Fail(int offset, int length, string message, string? hint = null)
    {
        if (!HasFailed)
        {
            Report(offset, length, message, hint);
        }

        HasFailed = true;
        _index = tokens.Count - 1;
        return new LiteralNode(default) { Offset = offset, Length = length };
    }

    /// <summary>Reports that the current token can't stand here.</summary>
    public Node FailUnexpected(string expected)
    {
        var token = Current;
        if (token.Kind == TokenKind.End)
        {
            return Fail(token.Offset, 0, $"The expression ends too early: expected {expected}.");
        }

        var (shown, hint) = token.Kind switch
        {
            TokenKind.Identifier => ($"\"{token.Text}\"", token.Text is "if" or "else" or "then" ? "Write condition ? a : b." : null),
            TokenKind.String => ("a string", "Strings are joined with \"+\"."),
            TokenKind.Int or TokenKind.Double => ($"\"{token.Text}\"", null),
            _ => ($"\"{Symbols.TextOf(token.Kind)}\"", (string?)null),
        };
        return Fail(token.Offset, token.Length, $"Unexpected {shown}: expected {expected}.", hint);
    }
}
