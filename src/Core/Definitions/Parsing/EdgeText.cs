namespace Polyphony.Core.Definitions.Parsing;

/// <summary>Reads the short form of edges: names or bracketed lists of names, joined by arrows.</summary>
internal sealed class EdgeText(string text)
{
    /// <summary>Gets how far the reading came; where the problem is, if there is one.</summary>
    public int Offset { get; private set; }

    public string Problem { get; private set; } = "";

    /// <summary>Reads the text.</summary>
    /// <returns>The groups of names with their offsets, or <see langword="null"/> if there is a <see cref="Problem"/>.</returns>
    public List<List<(string Name, int Offset)>>? Read()
    {
        var groups = new List<List<(string, int)>>();
        while (true)
        {
            if (Group() is not { } group)
            {
                return null;
            }

            groups.Add(group);
            SkipBlanks();
            if (Offset == text.Length)
            {
                return groups.Count > 1 ? groups : Fail("an edge needs an arrow and a second node");
            }

            if (!text.AsSpan(Offset).StartsWith("->", StringComparison.Ordinal))
            {
                return Fail($"expected \"->\", found \"{text[Offset]}\"");
            }

            Offset += 2;
        }
    }

    private List<(string Name, int Offset)>? Group()
    {
        SkipBlanks();
        var names = new List<(string, int)>();
        if (Offset == text.Length || text[Offset] != '[')
        {
            return Name(names) ? names : null;
        }

        do
        {
            Offset++;
            SkipBlanks();
            if (!Name(names))
            {
                return null;
            }

            SkipBlanks();
        }
        while (Offset < text.Length && text[Offset] == ',');

        if (Offset == text.Length || text[Offset] != ']')
        {
            Fail(Offset == text.Length ? "the array is not closed: \"]\" is missing" : $"expected \",\" or \"]\", found \"{text[Offset]}\"");
            return null;
        }

        Offset++;
        return names;
    }

    private bool Name(List<(string Name, int Offset)> names)
    {
        var start = Offset;
        while (Offset < text.Length && (char.IsLetterOrDigit(text[Offset]) || text[Offset] is '_' or '.' || (text[Offset] == '-' && !text.AsSpan(Offset).StartsWith("->", StringComparison.Ordinal))))
        {
            Offset++;
        }

        if (Offset == start)
        {
            Fail(Offset == text.Length ? "expected the name of a node, found the end" : $"expected the name of a node, found \"{text[Offset]}\"");
            return false;
        }

        names.Add((text[start..Offset], start));
        return true;
    }

    private void SkipBlanks()
    {
        while (Offset < text.Length && char.IsWhiteSpace(text[Offset]))
        {
            Offset++;
        }
    }

    private List<List<(string Name, int Offset)>>? Fail(string problem)
    {
        Problem = problem;
        return null;
    }
}
