using System.Text;
using Polyphony.Activities.Workflows;
using Polyphony.Core.Workflows;

namespace Polyphony.Activities.Tests.Workflows;

/// <summary>Broken files give problems, never exceptions. The seeds are fixed, so a failure repeats.</summary>
[Trait("Row", "B1")]
public sealed class FuzzTests
{
    private static readonly string[] Pieces =
        ["{{", "}}", "\"", "'", ": ", "- ", "\n", "\t", "[", "]", "{", "}", "|", ">", "&a ", "*a", "<<: ", "!t ", "#", "%", "\\", "\\ud800", "\uFEFF", "é", "\U0001F600", "null", "9999999999999999999", "-> ", "1e999", "nodes.", "---\n", "? ", "\r"];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Read_MutatedYaml_GivesAResultOrProblems(int seed)
    {
        var random = new Random(seed);
        var samples = Directory.GetFiles(Path.Combine(Repository.Root, "samples"), "*.yaml").Order(StringComparer.Ordinal).Select(File.ReadAllText).ToArray();
        var (valid, invalid) = (0, 0);
        for (var i = 0; i < 300; i++)
        {
            var result = Parse(Mutate(samples[random.Next(samples.Length)], random), YamlSource.Read);
            valid += result.Definition is null ? 0 : 1;
            invalid += result.Problems.Count > 0 ? 1 : 0;
        }

        Assert.Equal(300, valid + invalid);
        Assert.True(invalid > 100, $"only {invalid} of 300 were invalid");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Read_MutatedJson_GivesAResultOrProblems(int seed)
    {
        var random = new Random(seed);
        var samples = Directory.GetFiles(Path.Combine(Repository.Root, "samples"), "*.yaml").Order(StringComparer.Ordinal)
            .Select(path => WorkflowFile.Load(path).Result.Require().CanonicalJson).ToArray();
        for (var i = 0; i < 300; i++)
        {
            var text = Mutate(samples[random.Next(samples.Length)], random);
            var result = Parse(text, JsonSource.Read);
            Assert.True(result.Definition is not null || result.Problems.Count > 0);
            try
            {
                WorkflowDefinition.FromJson(text);
            }
            catch (WorkflowInvalidException)
            {
                // The only exception that pinned definitions may give.
            }
        }
    }

    private static WorkflowParseResult Parse(string text, Func<string, string?, SourceReadResult> read)
    {
        var source = read(text, "fuzz");
        var result = source.Root is null
            ? new WorkflowParseResult(null, source.Problems, [], new Dictionary<string, SourceLocation>())
            : WorkflowParser.Parse(source.Root, "fuzz");

        var lines = text.Split('\n').Length;
        Assert.All(result.Problems.Concat(result.Warnings), problem =>
        {
            Assert.InRange(problem.Location.Line, 1, lines + text.Count(character => character == '\r') + 1);
            Assert.True(problem.Location.Column >= 1 && problem.Message.Length > 0 && problem.Code.Length > 0, problem.ToString());
        });
        return result;
    }

    private static string Mutate(string text, Random random)
    {
        var mutated = new StringBuilder(text);
        for (var i = random.Next(1, 4); i > 0 && mutated.Length > 0; i--)
        {
            var at = random.Next(mutated.Length);
            switch (random.Next(5))
            {
                case 0:
                    mutated.Remove(at, Math.Min(random.Next(1, 12), mutated.Length - at));
                    break;
                case 1:
                    mutated.Insert(at, Pieces[random.Next(Pieces.Length)]);
                    break;
                case 2:
                    mutated[at] = (char)random.Next(1, 0x250);
                    break;
                case 3:
                    var length = Math.Min(random.Next(1, 60), mutated.Length - at);
                    mutated.Insert(random.Next(mutated.Length), mutated.ToString(at, length));
                    break;
                default:
                    mutated.Length = at;
                    break;
            }
        }

        return mutated.ToString();
    }
}
