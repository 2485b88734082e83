using System.Globalization;
using System.Text;

namespace Polyphony.Cli.Output;

/// <summary>
/// Makes text from anywhere safe to show. What a terminal would act on, or what would change the order of what is read, is shown as <c>\u001b</c>: control characters, separators
/// of lines and paragraphs, and marks of direction. JSON means the same after it.
/// </summary>
internal static class PlainText
{
    /// <summary>Makes text of several lines safe; line breaks and tabs stay.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The text without what is not shown.</returns>
    public static string Of(string text) => Escape(text, keepsLines: true);

    /// <summary>Makes one line of text; line breaks are shown as <c>\n</c>.</summary>
    /// <param name="text">The text.</param>
    /// <returns>A line.</returns>
    public static string Line(string text) => Escape(text, keepsLines: false);

    /// <summary>Determines whether a character is shown unchanged.</summary>
    internal static bool IsShown(char character) => character switch
    {
        < ' ' or '\u007f' => false,
        < '\u0080' => true,

        // Marks, embeddings, overrides and isolates of direction.
        '\u061c' or '\u200e' or '\u200f' or (>= '\u202a' and <= '\u202e') or (>= '\u2066' and <= '\u2069') => false,
        _ => char.GetUnicodeCategory(character) is not (UnicodeCategory.Control or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator),
    };

    private static string Escape(string text, bool keepsLines)
    {
        StringBuilder? shown = null;
        for (var i = 0; i < text.Length; i++)
        {
            var character = text[i];
            if (IsShown(character) || (keepsLines && IsLayout(text, i)))
            {
                shown?.Append(character);
                continue;
            }

            shown ??= new StringBuilder(text, 0, i, text.Length + 16);
            _ = character switch
            {
                '\n' => shown.Append("\\n"),
                '\r' => shown.Append("\\r"),
                '\t' => shown.Append("\\t"),
                _ => shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}"),
            };
        }

        return shown?.ToString() ?? text;
    }

    // A carriage return alone would let the rest of the line overwrite its beginning.
    private static bool IsLayout(string text, int index) =>
        text[index] is '\n' or '\t' || (text[index] == '\r' && index + 1 < text.Length && text[index + 1] == '\n');
}
