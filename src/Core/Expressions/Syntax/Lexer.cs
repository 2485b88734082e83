using System.Globalization;

namespace Polyphony.Core.Expressions.Syntax;

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
    private static readonly Dictionary<string, TokenKind> Words = new(StringComparer.Ordinal)
    {
        ["null"] = TokenKind.Null,
        ["true"] = TokenKind.True,
        ["false"] = TokenKind.False,
        ["in"] = TokenKind.In,
    };

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
                _position++;
            if (_position >= text.Length)
                break;
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
            ReadString(raw: true);
        else if (char.IsAsciiLetter(c) || c == '_')
            ReadWord();
        else if (char.IsAsciiDigit(c) || (c == '.' && char.IsAsciiDigit(Peek(1)) && !FollowsValue()))
            ReadNumber();
        else if (c is '\'' or '"')
            ReadString(raw: false);
        else
            ReadSymbol(c);
    }

    /// <summary>Gets whether a dot here selects a member: after a name, a bracket or a string.</summary>
    private bool FollowsValue() => _tokens.Count > 0
        && _tokens[^1].Kind is TokenKind.Identifier or TokenKind.CloseBracket or TokenKind.CloseParenthesis or TokenKind.CloseBrace or TokenKind.String;

    private void ReadWord()
    {
        var begin = _position;
        while (char.IsAsciiLetterOrDigit(Peek(0)) || Peek(0) == '_')
            _position++;
        var word = text[begin.._position];
        var isMember = _tokens.Count > 0 && _tokens[^1].Kind == TokenKind.Dot;
        _tokens.Add(new Token(!isMember && Words.TryGetValue(word, out var kind) ? kind : TokenKind.Identifier, begin, word.Length, word));
    }

    private void ReadNumber()
    {
        var begin = _position;
        if (text[_position] == '0' && Peek(1) is 'x' or 'X')
        {
            _position += 2;
            while (char.IsAsciiHexDigit(Peek(0)))
                _position++;
            var digits = text[(begin + 2).._position];
            if (!long.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) || value < 0)
            {
                Report(begin, _position - begin, digits.Length == 0 ? "A hexadecimal number needs digits after \"0x\"." : "The number doesn't fit into 64 bits.", null);
                value = 0;
            }

            _tokens.Add(new Token(TokenKind.Int, begin, _position - begin, value.ToString(CultureInfo.InvariantCulture)));
            return;
        }

        SkipDigits();
        var isDouble = false;
        if (Peek(0) == '.' && char.IsAsciiDigit(Peek(1)))
        {
            isDouble = true;
            _position++;
            SkipDigits();
        }

        if (Peek(0) is 'e' or 'E' && (char.IsAsciiDigit(Peek(1)) || (Peek(1) is '+' or '-' && char.IsAsciiDigit(Peek(2)))))
        {
            isDouble = true;
            _position += 2;
            SkipDigits();
        }

        var number = text[begin.._position];
        if (char.IsAsciiLetter(Peek(0)) || Peek(0) == '_')
        {
            var suffix = _position;
            while (char.IsAsciiLetterOrDigit(Peek(0)) || Peek(0) == '_')
                _position++;
            var rest = text[suffix.._position];
            Report(begin, _position - begin, $"\"{number}{rest}\" is no number.", rest is "u" or "U" ? "There are no unsigned numbers: leave out the \"u\"." : "A name can't begin with a digit.");
        }

        _tokens.Add(new Token(isDouble ? TokenKind.Double : TokenKind.Int, begin, _position - begin, number));
    }

    private void SkipDigits()
    {
        while (char.IsAsciiDigit(Peek(0)))
            _position++;
    }

    private void ReadSymbol(char c)
    {
        var next = Peek(1);
        switch (c)
        {
            case '.':
                Add(TokenKind.Dot, 1);
                break;
            case ',':
                Add(TokenKind.Comma, 1);
                break;
            case ':':
                Add(TokenKind.Colon, 1);
                break;
            case '(':
                Add(TokenKind.OpenParenthesis, 1);
                break;
            case ')':
                Add(TokenKind.CloseParenthesis, 1);
                break;
            case '[':
                Add(TokenKind.OpenBracket, 1);
                break;
            case ']':
                Add(TokenKind.CloseBracket, 1);
                break;
            case '{':
                _braces++;
                Add(TokenKind.OpenBrace, 1);
                break;
            case '}':
                _braces = Math.Max(0, _braces - 1);
                Add(TokenKind.CloseBrace, 1);
                break;
            case '+':
                Add(TokenKind.Plus, 1);
                break;
            case '-':
                Add(TokenKind.Minus, 1);
                break;
            case '*':
                Add(TokenKind.Times, 1);
                break;
            case '/':
                Add(TokenKind.Divide, 1);
                break;
            case '%':
                Add(TokenKind.Remainder, 1);
                break;
            case '?' when next == '?':
                AddInstead(TokenKind.Or, 2, "\"??\" is not an operator.", "Write coalesce(a, b).");
                break;
            case '?' when next == '.' && !char.IsAsciiDigit(Peek(2)):
                AddInstead(TokenKind.Dot, 2, "\"?.\" is not an operator.", "Test with has(a.b), or give a default with coalesce(a.b, 'none').");
                break;
            case '?':
                Add(TokenKind.Question, 1);
                break;
            case '!' when next == '=' && Peek(2) == '=':
                AddInstead(TokenKind.NotEqual, 3, "\"!==\" is not an operator.", "Write \"!=\".");
                break;
            case '!' when next == '=':
                Add(TokenKind.NotEqual, 2);
                break;
            case '!':
                Add(TokenKind.Not, 1);
                break;
            case '=' when next == '=' && Peek(2) == '=':
                AddInstead(TokenKind.Equal, 3, "\"===\" is not an operator.", "Write \"==\".");
                break;
            case '=' when next == '=':
                Add(TokenKind.Equal, 2);
                break;
            case '=' when next == '>':
                AddInstead(TokenKind.GreaterOrEqual, 2, "\"=>\" is not an operator.", "Write \">=\", or, for the items of a list, list.map(x, x.name).");
                break;
            case '=':
                AddInstead(TokenKind.Equal, 1, "Unexpected \"=\".", "Did you mean \"==\"?");
                break;
            case '<' when next == '>':
                AddInstead(TokenKind.NotEqual, 2, "\"<>\" is not an operator.", "Write \"!=\".");
                break;
            case '<' when next == '=':
                Add(TokenKind.LessOrEqual, 2);
                break;
            case '<':
                Add(TokenKind.Less, 1);
                break;
            case '>' when next == '=':
                Add(TokenKind.GreaterOrEqual, 2);
                break;
            case '>':
                Add(TokenKind.Greater, 1);
                break;
            case '&' when next == '&':
                Add(TokenKind.And, 2);
                break;
            case '&':
                AddInstead(TokenKind.And, 1, "Unexpected \"&\".", "Did you mean \"&&\"?");
                break;
            case '|' when next == '|':
                Add(TokenKind.Or, 2);
                break;
            case '|':
                AddInstead(TokenKind.Or, 1, "Unexpected \"|\".", "Did you mean \"||\"? There are no pipes: write x.join(', ') rather than x | join.");
                break;
            default:
                ReadUnknown(c);
                break;
        }
    }

    private void ReadUnknown(char c)
    {
        var hint = c switch
        {
            '\u2018' or '\u2019' or '\u201C' or '\u201D' => "Use straight quotes: ' or \".",
            '`' => "Texts stand in ' or \".",
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

    /// <summary>Goes on after the end of this expression, without looking at what lies between.</summary>
    private void SkipRest()
    {
        IsBroken = true;
        var close = inTemplate ? text.IndexOf("}}", _position, StringComparison.Ordinal) : -1;
        IsClosed = close >= 0;
        _position = close >= 0 ? close : text.Length;
    }

    private void Add(TokenKind kind, int length)
    {
        _tokens.Add(new Token(kind, _position, length));
        _position += length;
    }

    private void AddInstead(TokenKind kind, int length, string message, string hint)
    {
        Report(_position, length, message, hint);
        Add(kind, length);
    }

    private void Report(int offset, int length, string message, string? hint) => problems.Add(new ExpressionProblem(offset, length, message, hint));
}
