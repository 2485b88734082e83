using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Polyphony.Expressions.Tests;

/// <summary>Runs every example of docs/expressions.md.</summary>
[Trait("Row", "O6")]
public sealed class DocumentationTests
{
    private const RegexOptions Options = RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture;

    private static readonly Regex Header = new(@"^\| (?<kind>expression|template) \| result \|", Options);
    private static readonly Regex Row = new(@"^\| `(?<text>(\\\||[^`|])+)` \| (?<error>error: )?`(?<result>(\\\||[^`|])+)` \|", Options);
    private static readonly Regex Block = new(@"```json\n(?<json>[^`]*)```", Options);

    private static readonly string Document = File.ReadAllText(Path.Combine(Folder(), "../../docs/expressions.md"));

    public static TheoryData<bool, string, string> Examples()
    {
        var examples = new TheoryData<bool, string, string>();
        var isTemplate = false;
        var isExample = false;
        foreach (var line in Document.Split('\n'))
        {
            if (Header.Match(line) is { Success: true } header)
            {
                isExample = true;
                isTemplate = header.Groups["kind"].Value == "template";
            }
            else if (!line.StartsWith('|'))
            {
                isExample = false;
            }
            else if (isExample && !line.StartsWith("|-", StringComparison.Ordinal))
            {
                var row = Row.Match(line);
                Assert.True(row.Success, $"This row can't be read: {line}");
                examples.Add(isTemplate, Unescape(row.Groups["text"].Value), (row.Groups["error"].Success ? "error: " : "") + Unescape(row.Groups["result"].Value));
            }
        }

        return examples;
    }

    [Theory]
    [MemberData(nameof(Examples))]
    public void Document_Example_GivesItsResult(bool isTemplate, string text, string expected)
    {
        var scope = Sample.Scope(Block.Match(Document).Groups["json"].Value);
        string found;
        try
        {
            found = (isTemplate ? Sample.ParseTemplate(text).Evaluate(scope) : Sample.Parse(text).Evaluate(scope)).ToString()!;
        }
        catch (ExpressionException exception)
        {
            found = $"error: {exception.Problem.Message}{(exception.Problem.Hint is null ? "" : " " + exception.Problem.Hint)}";
        }

        Assert.Equal(expected, found);
    }

    [Fact]
    public void Document_Examples_AreFound() => Assert.True(Examples().Count > 80, $"{Examples().Count} examples");

    [Theory]
    [InlineData("all", "exists", "exists_one", "filter", "map", "sortBy", "matches", "has", "coalesce", "size", "int", "double", "string", "bool", "toJson", "parseJson", "contains", "startsWith", "endsWith")]
    [InlineData("indexOf", "split", "trim", "lowerAscii", "upperAscii", "replace", "substring", "join", "first", "last", "distinct", "sort", "reverse", "flatten", "sum", "min", "max")]
    public void Document_EveryFunction_HasAnExample(params string[] names)
    {
        var texts = Examples().Select(row => row.Data.Item2).ToList();
        Assert.All(names, name => Assert.Contains(texts, text => text.Contains(name + "(", StringComparison.Ordinal)));
    }

    [Fact]
    public void Document_Json_IsValid() => Assert.Equal(JsonValueKind.Object, JsonElement.Parse(Block.Match(Document).Groups["json"].Value).ValueKind);

    private static string Unescape(string cell) => cell.Replace("\\|", "|", StringComparison.Ordinal);

    private static string Folder([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
