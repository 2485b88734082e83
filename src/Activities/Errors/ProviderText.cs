using System.Globalization;
using System.Text;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Errors;

/// <summary>Makes what a provider has written fit for a status, a log line and a terminal: one line, bounded, without characters that act on the reader's screen.</summary>
internal static class ProviderText
{
    private const int ZeroWidthJoiner = 0x200D;

    /// <summary>
    /// Puts a text on one line: white space and control characters become single spaces, format characters (bidirectional ones, marks, tags) go, and half a surrogate pair
    /// becomes U+FFFD.
    /// </summary>
    /// <param name="text">The text.</param>
    /// <returns>The same words.</returns>
    public static string Clean(string text)
    {
        var clean = new StringBuilder(text.Length);
        var isGap = false;
        foreach (var rune in text.EnumerateRunes())
        {
            switch (Rune.GetUnicodeCategory(rune))
            {
                case UnicodeCategory.Control or UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator:
                    isGap = clean.Length > 0;
                    break;

                // A joiner holds emoji together and is harmless.
                case UnicodeCategory.Format when rune.Value != ZeroWidthJoiner:
                    break;
                default:
                    clean.Append(isGap ? " " : "").Append(rune.ToString());
                    isGap = false;
                    break;
            }
        }

        return clean.ToString();
    }

    /// <summary>Cuts a text between two characters, never within one.</summary>
    /// <param name="text">The text.</param>
    /// <param name="longest">The most UTF-16 units that are kept.</param>
    /// <returns>The text, or its beginning with an ellipsis.</returns>
    public static string Shorten(string text, int longest) => text.Length <= longest ? text : $"{ErrorText.Beginning(text, longest).TrimEnd()}…";
}
