using System.Text.RegularExpressions;

namespace Polyphony.Architecture.Tests;

/// <summary>What a kind of node needs is in its folder: nothing else asks a node of which type it is.</summary>
public sealed partial class NodeKindTests
{
    private static readonly string Nodes = Path.Combine(Tree.Root, "src", "Core", "Nodes") + Path.DirectorySeparatorChar;

    [Fact]
    public void Sources_OutsideOfTheKindsFolders_AskNoNodeForItsType()
    {
        var types = Types();
        Assert.True(types.Length >= 6, $"Only {types.Length} types of nodes were found below {Nodes}.");

        var questions = Tree.Sources("src")
            .Where(file => !file.StartsWith(Nodes, StringComparison.Ordinal))
            .SelectMany(file => Questions(File.ReadAllText(file), types).Select(question => $"{Path.GetRelativePath(Tree.Root, file)}: {question}"));

        Assert.Empty(questions);
    }

    [Fact]
    public void Folders_OfTheKinds_HaveTheSameRoles()
    {
        foreach (var type in Types())
        {
            var folder = Path.GetDirectoryName(Assert.Single(Tree.Sources(Path.Combine("src", "Core", "Nodes")), file => Path.GetFileName(file) == type + ".cs"))!;
            Assert.All(["Kind", "Reader", "Writer", "Runner"], role => Assert.True(File.Exists(Path.Combine(folder, type + role + ".cs")), $"{folder} has no {type}{role}.cs."));
        }
    }

    [Fact]
    public void Questions_InAnyForm_AreFound()
    {
        Assert.Equal(
            ["is ToneNode", "is not ToneNode", "OfType<ToneNode>", "as ToneNode", "case ToneNode", "(ToneNode)", "ToneNode tone =>", "ToneNode { Loud: true } tone =>", "typeof(ToneNode)", "or ToneNode"],
            Questions(
                """
                x is ToneNode; x is not ToneNode; all.OfType<ToneNode>(); x as ToneNode; case ToneNode tone: ((ToneNode)x).Loud; x switch { ToneNode tone => 1, ToneNode { Loud: true } tone => 2 }; typeof(ToneNode);
                x is null or ToneNode; new ToneNode { Name = "a" }; builder.ToneNode("a"); ToneNodeKind.Instance; see cref="ToneNode"/>
                """,
                ["ToneNode"]));
    }

    private static string[] Types() => [.. Tree.Sources(Path.Combine("src", "Core", "Nodes")).SelectMany(file => Record().Matches(File.ReadAllText(file))).Select(match => match.Groups["name"].Value)];

    private static IEnumerable<string> Questions(string source, string[] types)
    {
        var type = $"(?:{string.Join('|', types)})";
        return Regex
            .Matches(source, $@"\b(?:is|is not|as|case|or) {type}\b|OfType<{type}>|typeof\({type}\)|\({type}\)|\b{type}(?: \{{[^}}]*\}})?(?: \w+)? =>", RegexOptions.None, TimeSpan.FromSeconds(1))
            .Select(match => match.Value);
    }

    [GeneratedRegex(@"record (?<name>\w+) : NodeDefinition\b", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Record();
}
