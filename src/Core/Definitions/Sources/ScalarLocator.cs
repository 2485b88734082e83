namespace Polyphony.Core.Definitions.Sources;

/// <summary>
/// Finds the characters of a text in the file it was read from. Blocks lose their indentation, folded lines their breaks, quotes their escapes; but
/// the visible characters stay in order, so the n-th visible character of the text is the n-th visible one of what is written.
/// </summary>
internal static class ScalarLocator
{
    /// <summary>Finds a character.</summary>
    /// <param name="source">The whole file.</param>
    /// <param name="start">The offset in <paramref name="source"/> where the scalar begins, quotes or block header included.</param>
    /// <param name="end">The offset after its end.</param>
    /// <param name="startLocation">The place of <paramref name="start"/>.</param>
    /// <param name="style">How it is written.</param>
    /// <param name="text">What it says.</param>
    /// <param name="offset">The offset in <paramref name="text"/> to look for.</param>
    /// <returns>The place; for blanks, the one after the last visible character before them.</returns>
    public static SourceLocation Locate(string source, int start, int end, SourceLocation startLocation, SourceScalarStyle style, string text, int offset)
    {
        var stop = Math.Min(Math.Max(offset, 0), text.Length);
        var visibleBefore = 0;
        for (var i = 0; i < stop; i++)
        {
            visibleBefore += char.IsWhiteSpace(text[i]) ? 0 : 1;
        }

        var wantsVisible = stop < text.Length && !char.IsWhiteSpace(text[stop]);
        var cursor = new Cursor(source, start, Math.Min(end, source.Length), startLocation, style);
        var last = cursor.Location;
        var first = true;
        while (cursor.Next(out var location, out var character, out var length))
        {
            if (first)
            {
                last = location;
                first = false;
            }

            if (char.IsWhiteSpace(character))
            {
                continue;
            }

            if (visibleBefore == 0)
            {
                return wantsVisible ? location : last;
            }

            visibleBefore--;
            last = location with { Column = location.Column + length };
        }

        return last;
    }

    private struct Cursor
    {
        private readonly string _source;
        private readonly int _end;
        private readonly SourceScalarStyle _style;
        private int _index;
        private int _line;
        private int _column;
        private bool _lowHalfIsDue;

        public Cursor(string source, int start, int end, SourceLocation location, SourceScalarStyle style)
        {
            _source = source;
            _index = start;
            _end = end;
            _line = location.Line;
            _column = location.Column;
            _style = style;
            if (style is SourceScalarStyle.SingleQuoted or SourceScalarStyle.DoubleQuoted)
            {
                Step(1);
                _end--;
            }
            else if (style is SourceScalarStyle.Block)
            {
                while (_index < _end && _source[_index] != '\n')
                {
                    Step(1);
                }
            }
        }

        public readonly SourceLocation Location => new(_line, _column);

        // One character of the text: where it stands, a stand-in for it (only blank or not matters), and how many columns it takes.
        public bool Next(out SourceLocation location, out char character, out int length)
        {
            location = Location;
            character = '\0';
            length = 1;
            if (_lowHalfIsDue)
            {
                _lowHalfIsDue = false;
                character = 'x';
                return true;
            }

            if (_index >= _end)
            {
                return false;
            }

            character = _source[_index];
            if (_style is SourceScalarStyle.SingleQuoted && character == '\'')
            {
                length = 2;
            }
            else if (_style is SourceScalarStyle.DoubleQuoted && character == '\\' && _index + 1 < _end)
            {
                (character, length) = Escape();
            }

            Step(length);
            return true;
        }

        private (char Character, int Length) Escape()
        {
            var kind = _source[_index + 1];
            var digits = kind switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
            if (digits == 0)
            {
                return (kind is 'n' or 't' or 'r' or 'v' or 'f' or 'N' or '_' or 'L' or 'P' or ' ' or '\t' or '\n' or '\r' ? ' ' : 'x', 2);
            }

            var hex = _source.AsSpan(_index + 2, Math.Min(digits, _end - _index - 2));
            var code = uint.TryParse(hex, System.Globalization.NumberStyles.AllowHexSpecifier, null, out var parsed) ? parsed : 'x';
            _lowHalfIsDue = code > char.MaxValue;
            return (code <= char.MaxValue ? (char)code : 'x', 2 + hex.Length);
        }

        private void Step(int count)
        {
            for (; count > 0 && _index < _source.Length; count--, _index++)
            {
                if (_source[_index] == '\n' || (_source[_index] == '\r' && (_index + 1 >= _source.Length || _source[_index + 1] != '\n')))
                {
                    _line++;
                    _column = 1;
                }
                else
                {
                    _column++;
                }
            }
        }
    }
}
