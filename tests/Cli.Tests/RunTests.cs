using System.Text.Json;
using System.Text.RegularExpressions;

namespace Polyphony.Cli.Tests;

/// <summary>What the commands print and how they end, by the real tool.</summary>
[Trait("Row", "H10")]
public sealed partial class RunTests : IDisposable
{
    private readonly DataFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    [Trait("Row", "H9")]
    public async Task Run_WithoutFile_ReviewsTheDocumentsOfTheRepository()
    {
        var (code, output, error) = await ToolProcess.RunAsync(_folder.Data, ["run", "--json"]);

        Assert.Equal((0, ""), (code, error));
        var status = JsonElement.Parse(output);
        Assert.Equal("Completed", status.GetProperty("runtimeStatus").GetString());
        Assert.Equal("completed", status.GetProperty("stopReason").GetString());

        var documents = Directory.GetFiles(Path.Combine(ToolProcess.Root, "docs"), "*.md", SearchOption.AllDirectories);
        var nodes = status.GetProperty("customStatus").GetProperty("nodes").EnumerateArray().ToDictionary(node => node.GetProperty("node").GetString()!);
        Assert.Equal(documents.Length, nodes["read"].GetProperty("items").GetInt32());
        Assert.Equal("offline", nodes["read"].GetProperty("provider").GetString());

        // The report says what the documents say, in their words.
        var report = status.GetProperty("output").GetString()!;
        Assert.StartsWith($"# Review of {documents.Length} documents", report, StringComparison.Ordinal);
        var words = string.Join(' ', documents.Select(File.ReadAllText).Select(Words));
        var sentences = report.Split('\n').Skip(1).Select(Words).Where(line => line.Split(' ').Length > 5).ToList();
        Assert.NotEmpty(sentences);
        Assert.All(sentences, sentence => Assert.Contains(string.Join(' ', sentence.Split(' ').Take(6)), words, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Run_WithInput_PrintsTheResultOnStdoutAndTheRestOnStderr()
    {
        var (code, output, error) = await ToolProcess.RunAsync(_folder.Data, ["run", "samples/hello.yaml", "name=Ada"]);

        Assert.Equal(0, code);
        Assert.Equal("Ada", JsonElement.Parse(output).GetProperty("to").GetString());
        Assert.Matches("(?m)^write +done .*offline model$", error);
        Assert.Contains("Completed after", error, StringComparison.Ordinal);
        Assert.Contains("The answers come from the offline model", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_Values_AreReadByTheTypesOfTheSchema()
    {
        var file = _folder.Write("types.yaml", """
            name: types
            input:
              type: object
              properties: { text: { type: string }, number: { type: number }, flag: { type: boolean }, list: { type: array }, free: {} }
            nodes: { same: { transform: "{{ input }}" } }
            output: "{{ nodes.same.output }}"
            """);
        var more = _folder.Write("more.json", """{"text":"from the file","free":"x"}""");

        var (code, output, _) = await ToolProcess.RunAsync(_folder.Data, ["run", file, "--input", more, "text=7", "number=7", "flag=true", "list=[1,\"a\"]"]);

        Assert.Equal(0, code);
        Assert.Equal("""{"text":"7","free":"x","number":7,"flag":true,"list":[1,"a"]}""", JsonSerializer.Serialize(JsonElement.Parse(output)));
    }

    [Theory]
    [InlineData(2, "nothing", "nothing")]
    [InlineData(2, "missing.yaml", "run|missing.yaml")]
    [InlineData(2, "Unknown key \"nme\"", "run|samples/hello.yaml|nme=Ada|x=1")]
    [InlineData(2, "Unknown key \"x\"", "run|samples/hello.yaml|nme=Ada|x=1")]
    [InlineData(2, "name", "run|samples/hello.yaml")]
    [InlineData(2, "is not of the form key=value", "run|samples/hello.yaml|Ada")]
    [InlineData(2, "nowhere.json", "run|samples/hello.yaml|--input|nowhere.json")]
    [InlineData(2, "There is no data", "status|no-such-id")]
    [InlineData(2, "Unknown option --nothing", "run|samples/hello.yaml|--nothing")]
    [InlineData(2, "does not wait for a person", "approve|no-such-id|x=1")]
    [InlineData(2, "No instance \"no-such-id\"", "suspend|no-such-id")]
    [InlineData(2, "POLYPHONY_API_KEY", "up|--listen|0.0.0.0")]
    [InlineData(2, "--listen must be an IP address", "up|--listen|here")]
    [InlineData(2, "--port must be 0 to 65535", "up|--port|70000")]
    [InlineData(2, "nowhere.yaml", "validate|nowhere.yaml")]
    [InlineData(0, "", "validate|samples/hello.yaml|samples/loop.yaml")]
    [InlineData(0, "", "status")]
    [InlineData(0, "", "--help")]
    public async Task Command_RightOrWrong_EndsWithItsCodeAndSaysWhy(int code, string says, string command)
    {
        var ended = await ToolProcess.RunAsync(_folder.Data, command.Split('|'));

        Assert.True(code == ended.Code, $"Exit code {ended.Code}; it said:\n{ended.Out}{ended.Error}");
        Assert.Contains(says, ended.Out + ended.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", ended.Error, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Row", "B1")]
    public async Task Validate_WithAndWithoutSettings_CountsTheFallbacksOfTheHostOrSaysThatItDoesNot()
    {
        var file = _folder.Write("fast.yaml", """
            name: fast
            agents: { a: { model: fast, retry: { maxAttempts: 2 } } }
            nodes: { one: { agent: a, prompt: hi } }
            """);

        var (code, output, _) = await ToolProcess.RunAsync(_folder.Data, ["validate", file]);
        Assert.Equal(0, code);
        Assert.Contains("At most 2 model calls (1 without retries).", output, StringComparison.Ordinal);
        Assert.Contains("Not counted: fallbacks of \"fast\", which neither the workflow nor the host's settings define.", output, StringComparison.Ordinal);

        var settings = _folder.Write("settings.json", """
            { "models": { "fast": { "provider": "offline", "fallback": ["spare", "last"] }, "spare": { "provider": "offline" }, "last": { "provider": "offline" } } }
            """);
        (code, output, _) = await ToolProcess.RunAsync(_folder.Data, ["validate", file], ("POLYPHONY_SETTINGS", settings));
        Assert.Equal(0, code);
        Assert.Contains("At most 6 model calls (1 without retries).", output, StringComparison.Ordinal);
        Assert.Contains("Counted with the fallbacks that the host's settings give to \"fast\".", output, StringComparison.Ordinal);
        Assert.DoesNotContain("Not counted", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_InvalidFile_ListsEveryProblemWithItsPlace()
    {
        var file = _folder.Write("bad.yaml", """
            name: bad
            nodes:
              a: { agent: nobody, prompt: hi }
              b: { transfrom: 1 }
            """);

        var (code, output, error) = await ToolProcess.RunAsync(_folder.Data, ["run", file]);

        Assert.Equal((2, ""), (code, output));
        Assert.Contains($"{file}:3:", error, StringComparison.Ordinal);
        Assert.Contains($"{file}:4:", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_FailingWorkflow_EndsWithOneAndSaysWhy()
    {
        var file = _folder.Write("fails.yaml", """
            name: fails
            nodes: { read: { tool: read_file, arguments: { path: no-such-file.md } } }
            """);

        var (code, output, error) = await ToolProcess.RunAsync(_folder.Data, ["run", file]);

        Assert.Equal((1, ""), (code, output));
        Assert.Contains("Failed after", error, StringComparison.Ordinal);
        Assert.Contains("no-such-file.md", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_DamagedDataFile_EndsWithThreeAndLeavesTheFile()
    {
        var garbage = _folder.Write(Path.Combine("data", "polyphony.db"), new string('x', 5000));

        var (code, output, error) = await ToolProcess.RunAsync(_folder.Data, ["run", "samples/hello.yaml", "name=Ada"]);

        Assert.Equal((3, ""), (code, output));
        Assert.Contains("polyphony.db", error, StringComparison.Ordinal);
        Assert.Equal(new string('x', 5000), await File.ReadAllTextAsync(garbage, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Run_DataFolderThatIsAFile_EndsWithThree()
    {
        var file = _folder.Write("data", "a file");

        var (code, _, error) = await ToolProcess.RunAsync(file, ["run", "samples/hello.yaml", "name=Ada"]);

        Assert.Equal(3, code);
        Assert.Contains("--data", error, StringComparison.Ordinal);
    }

    private static string Words(string text) => NoWords().Replace(text, " ").Trim();

    [GeneratedRegex(@"[^\p{L}\p{N}]+", RegexOptions.None, 1000)]
    private static partial Regex NoWords();
}
