using System.Text.RegularExpressions;

namespace Polyphony.Architecture.Tests;

/// <summary>The words that docs/glossary.md does without are used nowhere: in the documentation, in messages, in comments and in names.</summary>
public sealed partial class WordTests
{
    private static readonly string[] Folders = ["docs", "samples", "src", ".github"];
    private static readonly string[] Kinds = [".md", ".cs", ".yaml", ".yml"];

    [Fact]
    public void Words_ThatTheGlossaryDoesWithout_AreUsedNowhere()
    {
        var words = ReadWords(File.ReadAllLines(Path.Combine(Tree.Root, "docs", "glossary.md")));
        var files = Directory.EnumerateFiles(Tree.Root, "*.md")
            .Concat(Folders.SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Tree.Root, folder), "*", SearchOption.AllDirectories)))
            .Select(file => Path.GetRelativePath(Tree.Root, file).Replace('\\', '/'))
            .Where(file => Kinds.Contains(Path.GetExtension(file), StringComparer.Ordinal) && !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal) && file != "docs/glossary.md")
            .ToList();

        Assert.True(words.Count >= 5 && files.Count > 300, $"{words.Count} words, {files.Count} files");
        Assert.Empty(files.SelectMany(file => Find(file, File.ReadLines(Path.Combine(Tree.Root, file)), words)));
    }

    [Fact]
    public void Find_TextAndNames_SaysWhereAndWhatToWrite()
    {
        var words = ReadWords(["| term | what | elsewhere | not |", "|---|---|---|---|", "| manage | to act on | | `steer`, `steering` |", "| limit | the maximum | | `at the most` |", "| free | | | |"]);
        string[] text = ["Ten At The Most.", "void SteeringRun() and SteerHandlers", "steerage and a mosteer", "nothing"];

        Assert.Equal(
            ["a.md:1: \"at the most\", see \"limit\" in docs/glossary.md", "a.md:2: \"steering\", see \"manage\" in docs/glossary.md", "a.md:2: \"steer\", see \"manage\" in docs/glossary.md"],
            Find("a.md", text, words));
    }

    /// <summary>Reads the words of the last column, each with the term of its row.</summary>
    private static List<(string Word, string Term)> ReadWords(IEnumerable<string> lines) =>
    [
        .. lines.Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Select(line => line.Split('|'))
            .SelectMany(cells => CodeMark().Matches(cells[4]).Select(match => (match.Groups["word"].Value, cells[1].Trim()))),
    ];

    private static IEnumerable<string> Find(string file, IEnumerable<string> lines, List<(string Word, string Term)> words) =>
        lines.SelectMany((line, index) => words
            .Select(word => (word.Word, word.Term, Match: Pattern(word.Word).Match(line)))
            .Where(found => found.Match.Success)
            .OrderBy(found => found.Match.Index)
            .Select(found => $"{file}:{index + 1}: \"{found.Word}\", see \"{found.Term}\" in docs/glossary.md"));

    // As words of a text, or as parts of a name in Pascal case.
    private static Regex Pattern(string word)
    {
        var spaced = Regex.Escape(word).Replace("\\ ", "\\s+", StringComparison.Ordinal);
        var pascal = string.Concat(word.Split(' ').Select(part => char.ToUpperInvariant(part[0]) + part[1..]));
        return new Regex($@"\b(?i:{spaced})\b|{pascal}(?![a-z])", RegexOptions.None, TimeSpan.FromSeconds(10));
    }

    [GeneratedRegex("`(?<word>[^`]+)`", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex CodeMark();
}
