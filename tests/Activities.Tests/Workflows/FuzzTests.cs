using Polyphony.Activities.Workflows;
using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Sources;
using Polyphony.TestKit;
using Polyphony.TestKit.Fuzzing;

namespace Polyphony.Activities.Tests.Workflows;

/// <summary>Broken files give problems, never exceptions. The seeds are fixed, so a failure repeats.</summary>
[Trait("Row", "B1")]
public sealed class FuzzTests
{
    private static readonly string[] Pieces =
        ["{{", "}}", "\"", "'", ": ", "- ", "\n", "\t", "[", "]", "{", "}", "|", ">", "&a ", "*a", "<<: ", "!t ", "#", "%", "\\", "\\ud800", "\uFEFF", "é", "\U0001F600", "null", "9999999999999999999", "-> ", "1e999", "nodes.", "---\n", "? ", "\r"];

    [Fact]
    public void Read_MutatedYaml_GivesAResultOrProblems()
    {
        var samples = Directory.GetFiles(Path.Combine(Repository.Root, "samples"), "*.yaml").Order(StringComparer.Ordinal).Select(File.ReadAllText).ToArray();
        var invalid = 0;
        var tried = Fuzz.Check(1, 900, random => Fuzz.Mutate(samples[random.Next(samples.Length)], Pieces, random), text =>
        {
            var result = Parse(text, YamlSource.Read);
            Assert.True(result.Definition is not null || result.Problems.Count > 0);
            invalid += result.Problems.Count > 0 ? 1 : 0;
        });

        Assert.True(tried >= 900 && invalid > tried / 3, $"only {invalid} of {tried} were invalid");
    }

    [Fact]
    public void Read_MutatedJson_GivesAResultOrProblems()
    {
        var samples = Directory.GetFiles(Path.Combine(Repository.Root, "samples"), "*.yaml").Order(StringComparer.Ordinal)
            .Select(path => WorkflowFile.Load(path).Result.Require().CanonicalJson).ToArray();
        Fuzz.Check(1, 600, random => Fuzz.Mutate(samples[random.Next(samples.Length)], Pieces, random), text =>
        {
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
        });
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
}
