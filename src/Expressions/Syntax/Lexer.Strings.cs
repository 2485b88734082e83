using System.Globalization;
using System.Text;

namespace Polyphony.Expressions.Syntax;

/// <content>Texts and their escapes.</content>
internal sealed partial class Lexer
{
    private void ReadString(bool raw)
    {
        var begin = _position;
        if (raw)
        {
            _position++;
        }

        var quote = text[_position++];
        var builder = new StringBuilder();
        while (true)
        {
            if (_position >= text.Length || text[_position] is '\n' or '\r')
            {
                Report(begin, _position - begin, $"The text that begins with {quote} is not closed.", $"Close it with {quote} on the same line; a line break within it is written \\n.");
                _position = begin + 1;
                SkipRest();
                return;
            }

            var c = text[_position];
            if (c == quote)
            {
                break;
            }

            if (c == '\\' && !raw)
            {
                ReadEscape(builder);
            }
            else
            {
                builder.Append(c);
                _position++;
            }
        }

        _position++;
        var value = builder.ToString();
        if (HasLoneSurrogate(value))
        {
            Report(begin, _position - begin, "The text is not valid Unicode: it has one half of a surrogate pair.", null);
        }

        _tokens.Add(new Token(TokenKind.String, begin, _position - begin, value));
    }

    private void ReadEscape(StringBuilder builder)
    {
        var begin = _position;
        var c = Peek(1);
        switch (c)
        {
            case 'x' or 'X':
                ReadCodePoint(builder, begin, 2, 16);
                return;
            case 'u':
                ReadCodePoint(builder, begin, 4, 16);
                return;
            case 'U':
                ReadCodePoint(builder, begin, 8, 16);
                return;
            case >= '0' and <= '3':
                _position--;
                ReadCodePoint(builder, begin, 3, 8);
                return;
        }

        if (EscapedCharacter(c) is { } value)
        {
            builder.Append(value);
            _position += 2;
            return;
        }

        // At the end of a line the text isn't closed, which is reported there.
        _position++;
        if (c is not ('\0' or '\n' or '\r'))
        {
            Report(begin, 2, $"\"\\{c}\" is no escape.", "A backslash is written \\\\, or the text as r'...'.");
        }
    }

    /// <summary>Gets what a character after a backslash stands for, if for one other.</summary>
    private static char? EscapedCharacter(char c) => c switch
    {
        'a' => '\a',
        'b' => '\b',
        'f' => '\f',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\v',
        '\\' or '\'' or '"' or '`' or '?' => c,
        _ => null,
    };

    private void ReadCodePoint(StringBuilder builder, int begin, int digits, int radix)
    {
        var from = _position + 2;
        var to = from;
        while (to < text.Length && to - from < digits && (radix == 16 ? char.IsAsciiHexDigit(text[to]) : text[to] is >= '0' and <= '7'))
        {
            to++;
        }

        _position = to;
        var value = 0u;
        foreach (var digit in text.AsSpan(from, to - from))
        {
            value = value * (uint)radix + (uint)(char.IsAsciiDigit(digit) ? digit - '0' : (digit | 0x20) - 'a' + 10);
        }

        if (to - from < digits)
        {
            Report(begin, to - begin, $"The escape \"{text[begin..to]}\" needs {digits.ToString(CultureInfo.InvariantCulture)} digits.", null);
        }
        else if (!Rune.IsValid(value))
        {
            Report(begin, to - begin, $"The escape \"{text[begin..to]}\" is not a Unicode character.", null);
        }
        else
        {
            builder.Append(new Rune(value).ToString());
        }
    }

    private static bool HasLoneSurrogate(string value)
    {
        for (var i = 0; i < value.Length; i++)
        {
            if (!char.IsSurrogate(value[i]))
            {
                continue;
            }

            if (!char.IsHighSurrogate(value[i]) || i + 1 == value.Length || !char.IsLowSurrogate(value[i + 1]))
            {
                return true;
            }

            i++;
        }

        return false;
    }
}
