using System.Globalization;

namespace Polyphony.Expressions.Syntax;

/// <summary>
/// Splits an expression into tokens. A token that other languages know and this one does not (<c>and</c>, <c>=</c>) is reported and
/// taken for what was meant, so that what follows can be looked at as well.
/// </summary>
/// <param name="text">The whole text: an expression, or the template that holds it.</param>
/// <param name="start">Where the expression begins.</param>
/// <param name="inTemplate">Whether <c>}}</c> ends the expression.</param>
/// <param name="problems">Receives what is wrong.</param>
internal sealed partial class Lexer(string text, int start, bool inTemplate, ICollection<ExpressionProblem> problems)
{
    private readonly List<Token> _tokens = [];
    private int _position = start;
    private int _braces;

    /// <summary>Gets where the expression ends: at the end of the text, or at the <c>}}</c>.</summary>
    public int EndOffset { get; private set; }

    /// <summary>Gets a value indicating whether <c>}}</c> was found.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Gets a value indicating whether what follows can't be understood, because a string isn't closed.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>Reads all tokens.</summary>
    /// <returns>The tokens; the last is <see cref="TokenKind.End"/>.</returns>
    public List<Token> Read()
    {
        while (!IsBroken)
        {
            while (_position < text.Length && char.IsWhiteSpace(text[_position]))
            {
                _position++;
            }

            if (_position >= text.Length)
            {
                break;
            }

            if (inTemplate && _braces == 0 && text[_position] == '}' && Peek(1) == '}')
            {
                IsClosed = true;
                break;
            }

            ReadToken();
        }

        EndOffset = _position;
        _tokens.Add(new Token(TokenKind.End, EndOffset, 0));
        return _tokens;
    }

    private char Peek(int ahead) => _position + ahead < text.Length ? text[_position + ahead] : '\0';

    private void ReadToken()
    {
        var c = text[_position];
        if (c is 'r' or 'R' && Peek(1) is '\'' or '"')
        {
            ReadString(raw: true);
        }
        else if (char.IsAsciiLetter(c) || c == '_')
        {
            ReadWord();
        }
        else if (char.IsAsciiDigit(c) || (c == '.' && char.IsAsciiDigit(Peek(1)) && !FollowsValue()))
        {
            ReadNumber();
        }
        else if (c is '\'' or '"')
        {
            ReadString(raw: false);
        }
        else
        {
            ReadSymbol();
        }
    }

    /// <summary>Gets whether a dot here selects a member: after a name, a bracket or a string.</summary>
    private bool FollowsValue() => _tokens.Count > 0
        && _tokens[^1].Kind is TokenKind.Identifier or TokenKind.CloseBracket or TokenKind.CloseParenthesis or TokenKind.CloseBrace or TokenKind.String;

    private void ReadWord()
    {
        var begin = _position;
        var word = SkipWord();
        var isMember = _tokens.Count > 0 && _tokens[^1].Kind == TokenKind.Dot;
        _tokens.Add(new Token(isMember ? TokenKind.Identifier : Symbols.KindOf(word), begin, word.Length, word));
    }

    private void ReadNumber()
    {
        if (text[_position] == '0' && Peek(1) is 'x' or 'X')
        {
            ReadHexadecimal();
        }
        else
        {
            ReadDecimal();
        }
    }

    private void ReadHexadecimal()
    {
        var begin = _position;
        _position += 2;
        while (char.IsAsciiHexDigit(Peek(0)))
        {
            _position++;
        }

        var digits = text[(begin + 2).._position];
        if (!long.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) || value < 0)
        {
            Report(begin, _position - begin, digits.Length == 0 ? "A hexadecimal number needs digits after \"0x\"." : "The number doesn't fit into 64 bits.", null);
            value = 0;
        }

        _tokens.Add(new Token(TokenKind.Int, begin, _position - begin, value.ToString(CultureInfo.InvariantCulture)));
    }

    private void ReadDecimal()
    {
        var begin = _position;
        SkipDigits();
        var hasFraction = SkipFraction();
        var hasExponent = SkipExponent();
        var number = text[begin.._position];
        if (SkipWord() is { Length: > 0 } rest)
        {
            Report(begin, _position - begin, $"\"{number}{rest}\" is no number.", rest is "u" or "U" ? "There are no unsigned numbers: leave out the \"u\"." : "A name can't begin with a digit.");
        }

        _tokens.Add(new Token(hasFraction || hasExponent ? TokenKind.Double : TokenKind.Int, begin, _position - begin, number));
    }

    private bool SkipFraction()
    {
        if (Peek(0) != '.' || !char.IsAsciiDigit(Peek(1)))
        {
            return false;
        }

        _position++;
        SkipDigits();
        return true;
    }

    private bool SkipExponent()
    {
        if (Peek(0) is not ('e' or 'E') || !(char.IsAsciiDigit(Peek(1)) || (Peek(1) is '+' or '-' && char.IsAsciiDigit(Peek(2)))))
        {
            return false;
        }

        _position += 2;
        SkipDigits();
        return true;
    }

    private string SkipWord()
    {
        var begin = _position;
        while (char.IsAsciiLetterOrDigit(Peek(0)) || Peek(0) == '_')
        {
            _position++;
        }

        return text[begin.._position];
    }

    private void SkipDigits()
    {
        while (char.IsAsciiDigit(Peek(0)))
        {
            _position++;
        }
    }

    private void ReadSymbol()
    {
        if (Symbols.At(text.AsSpan(_position)) is not { } symbol)
        {
            ReadUnknown(text[_position]);
            return;
        }

        var length = symbol.Text.Length;
        if (symbol.Problem is not null)
        {
            Report(_position, length, symbol.Problem, symbol.Hint);
        }

        if (symbol.Kind == TokenKind.OpenBrace)
        {
            _braces++;
        }
        else if (symbol.Kind == TokenKind.CloseBrace)
        {
            _braces = Math.Max(0, _braces - 1);
        }

        _tokens.Add(new Token(symbol.Kind, _position, length));
        _position += length;
    }

    private void ReadUnknown(char c)
    {
        var hint = c switch
        {
            '\u2018' or '\u2019' or '\u201C' or '\u201D' => "Use straight quotes: ' or \".",
            '`' => "Strings are written in ' or \".",
            '$' => "Write the name alone, without \"$\".",
            '#' => "There are no comments in expressions.",
            ';' => "An expression is a single value; leave out the \";\".",
            _ => null,
        };
        var length = char.IsHighSurrogate(c) && char.IsLowSurrogate(Peek(1)) ? 2 : 1;
        var shown = char.IsSurrogate(c) && length == 1 || char.IsControl(c) ? $"U+{(int)c:X4}" : text.Substring(_position, length);
        Report(_position, length, $"Unexpected character \"{shown}\".", hint);

        // Nothing sensible can be said about what follows a character that belongs to no token.
        _position += length;
        SkipRest();
    }

    /// <summary>Continues after the end of this expression, without looking at what lies between.</summary>
    private void SkipRest()
    {
        IsBroken = true;
        var close = inTemplate ? text.IndexOf("}}", _position, StringComparison.Ordinal) : -1;
        IsClosed = close >= 0;
        _position = close >= 0 ? close : text.Length;
    }

    private void Report(int offset, int length, string message, string? hint) => problems.Add(new ExpressionProblem(offset, length, message, hint));
}
