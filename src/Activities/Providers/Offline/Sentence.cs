namespace Polyphony.Activities.Providers.Offline;

/// <summary>A sentence, as it stands in the input.</summary>
internal sealed record Sentence(string Text, IReadOnlyList<string> Terms)
{
    // A longer one is a table or generated text; it is cut, at a word, so that one sentence can't fill an answer.
    private const int LongestSentence = 600;

    /// <summary>Splits a text. Headings, table rows, code blocks, and what has fewer than three terms are left out, bullets and quotes lose their mark.</summary>
    public static IReadOnlyList<Sentence> Split(string text)
    {
        List<Sentence> sentences = [];
        var inCode = false;
        var paragraph = (Start: -1, End: -1);
        var position = 0;
        while (position <= text.Length)
        {
            var end = text.IndexOf('\n', position);
            end = end < 0 ? text.Length : end;
            var line = text.AsSpan(position, end - position).Trim();
            if (line.StartsWith("```", StringComparison.Ordinal))
            {
                inCode = !inCode;
                Flush();
            }
            else if (inCode || line.IsEmpty || line[0] is '#' or '|' || line[^1] is ':')
            {
                Flush();
            }
            else
            {
                var mark = MarkLength(line);
                if (mark > 0)
                {
                    Flush();
                }

                var start = position + text.AsSpan(position, end - position).IndexOf(line) + mark;
                paragraph = paragraph.Start < 0 ? (start, end) : (paragraph.Start, end);
            }

            position = end + 1;
        }

        Flush();
        return sentences;

        void Flush()
        {
            if (paragraph.Start >= 0)
            {
                SplitParagraph(text.AsSpan(paragraph.Start, paragraph.End - paragraph.Start), sentences);
                paragraph = (-1, -1);
            }
        }
    }

    private static void SplitParagraph(ReadOnlySpan<char> text, List<Sentence> sentences)
    {
        var start = 0;
        for (var i = 0; i < text.Length; i++)
        {
            var ends = text[i] is '。' or '！' or '？'
                || (text[i] is '.' or '!' or '?' && (i + 1 == text.Length || char.IsWhiteSpace(text[i + 1])) && !IsAbbreviation(text[start..i]));
            if (ends || i + 1 == text.Length)
            {
                Add(text[start..(i + 1)]);
                start = i + 1;
            }
        }

        void Add(ReadOnlySpan<char> candidate)
        {
            candidate = candidate.Trim();
            if (candidate.Length > LongestSentence)
            {
                candidate = CutAtWord(candidate, LongestSentence);
            }

            var terms = Offline.Terms.Of(candidate);
            if (terms.Count >= 3)
            {
                sentences.Add(new Sentence(candidate.ToString(), terms));
            }
        }
    }

    /// <summary>Cuts a text to a length, at the end of a word where there is one.</summary>
    public static ReadOnlySpan<char> CutAtWord(ReadOnlySpan<char> text, int length)
    {
        if (text.Length <= length)
        {
            return text;
        }

        var cut = text[..length];
        if (length > 0 && char.IsHighSurrogate(cut[^1]))
        {
            cut = cut[..^1];
        }

        var space = cut.LastIndexOf(' ');
        return (space > length / 2 ? cut[..space] : cut).TrimEnd();
    }

    private static int MarkLength(ReadOnlySpan<char> line)
    {
        if (line.StartsWith("- ", StringComparison.Ordinal) || line.StartsWith("* ", StringComparison.Ordinal) || line.StartsWith("> ", StringComparison.Ordinal))
        {
            return 2;
        }

        var digits = line.IndexOfAnyExceptInRange('0', '9');
        return digits > 0 && digits + 1 < line.Length && line[digits] is '.' or ')' && line[digits + 1] == ' ' ? digits + 2 : 0;
    }

    private static bool IsAbbreviation(ReadOnlySpan<char> before)
    {
        var word = before[(before.LastIndexOf(' ') + 1)..];
        return word.EndsWith("e.g", StringComparison.Ordinal) || word.EndsWith("i.e", StringComparison.Ordinal) || word is "etc" or "cf" or "vs" or "Dr" or "Mr" or "Ms";
    }
}
