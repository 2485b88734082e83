using Polyphony.Activities.Workflows;
using Polyphony.TestKit;

namespace Polyphony.Activities.Tests.Workflows;

/// <summary>
/// A table of invalid files. Each begins with the problems that are expected, all of them and in this order, as comments: <c># problem: CODE at LINE:COLUMN</c>, the
/// message on the next line, and after <c>&gt;</c> the hint.
/// </summary>
[Trait("Row", "B1")]
public sealed class InvalidFilesTests
{
    private static readonly string Folder = Path.Combine(Repository.Root, "tests", "Activities.Tests", "Workflows", "Invalid");

    public static TheoryData<string> Files() => [.. Directory.GetFiles(Folder, "*.yaml").Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Files))]
    public void Load_InvalidFile_HasExactlyTheExpectedProblems(string file)
    {
        var expected = Expected(File.ReadAllText(Path.Combine(Folder, file)));

        var result = WorkflowFile.Load(Path.Combine(Folder, file), file).Result;

        var actual = result.Problems.Select(problem =>
            $"{problem.Code} at {problem.Location.Line}:{problem.Location.Column}\n{problem.Message}{(problem.Hint is null ? "" : "\n> " + problem.Hint)}");
        Assert.Equal(expected, actual);
        Assert.Null(result.Definition);
        Assert.All(result.Problems, problem => Assert.Equal(file, problem.File));
    }

    [Fact]
    public void Files_OfTheTable_AreAtLeastSixty() => Assert.True(Files().Count >= 60);

    private static List<string> Expected(string text)
    {
        var problems = new List<string>();
        foreach (var line in text.Split('\n'))
        {
            const string begin = "# problem: ";
            if (line.StartsWith(begin, StringComparison.Ordinal))
            {
                problems.Add(line[begin.Length..]);
            }
            else if (line.StartsWith("#   ", StringComparison.Ordinal) && problems.Count > 0)
            {
                problems[^1] += "\n" + line[4..];
            }
            else
            {
                break;
            }
        }

        Assert.NotEmpty(problems);
        return problems;
    }
}
