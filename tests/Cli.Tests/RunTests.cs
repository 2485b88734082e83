using System.Text.Json;
using System.Text.RegularExpressions;
using Polyphony.TestKit.OpenAI;

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
    [Trait("Row", "H12")]
    public async Task Status_WithFilters_ListsTheRunsThatFit()
    {
        foreach (var team in (string[])["north", "south"])
        {
            Assert.Equal(0, (await ToolProcess.RunAsync(_folder.Data, ["run", "--tag", $"team={team}", "--tag", "for=a b", "samples/hello.yaml", "name=Ada"])).Code);
        }

        var (code, output, _) = await ToolProcess.RunAsync(_folder.Data, ["status", "--workflow", "hello", "--status", "completed,failed", "--tag", "team=north", "--tag", "for=a b", "--since", "1h"]);
        Assert.Equal(0, code);
        Assert.EndsWith("for=a b, team=north", Assert.Single(output.Trim().Split('\n').Skip(1)), StringComparison.Ordinal);
        Assert.Equal("No such runs.", (await ToolProcess.RunAsync(_folder.Data, ["status", "--until", "1d"])).Out.Trim());
        Assert.Contains("newest 1;", (await ToolProcess.RunAsync(_folder.Data, ["status", "--limit", "1"])).Out, StringComparison.Ordinal);
        var found = JsonElement.Parse((await ToolProcess.RunAsync(_folder.Data, ["status", "--json", "--tag", "team=south"])).Out);
        Assert.Equal("south", Assert.Single(found.EnumerateArray()).GetProperty("tags").GetProperty("team").GetString());

        (code, _, var error) = await ToolProcess.RunAsync(_folder.Data, ["status", "--status", "happy", "--tag", "team", "--since", "soon"]);
        Assert.Equal(2, code);
        Assert.All((string[])["--status happy", "--tag team", "--since soon"], problem => Assert.Contains(problem, error, StringComparison.Ordinal));
        Assert.Equal(2, (await ToolProcess.RunAsync(_folder.Data, ["status", "some-id", "--limit", "5"])).Code);
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

    [Fact]
    [Trait("Row", "S12")]
    public async Task Status_OfARunWithState_ShowsItsValues()
    {
        var (code, _, error) = await ToolProcess.RunAsync(_folder.Data, ["run", "samples/shared-findings.yaml", "sections=[\"We deliver in May.\", \"You pay within ten days.\"]"]);
        Assert.True(code == 0, error);
        var id = JsonElement.Parse((await ToolProcess.RunAsync(_folder.Data, ["status", "--json"])).Out)[0].GetProperty("instanceId").GetString()!;

        var (_, output, _) = await ToolProcess.RunAsync(_folder.Data, ["status", id]);

        Assert.Contains("\nstate.read: 4\n", output.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        Assert.Contains("\nstate.findings: [{\"by\":\"lawyer\",\"section\":1,", output.ReplaceLineEndings("\n"), StringComparison.Ordinal);
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
    [InlineData(2, "No instance \"no-such-id\" is known", "approve|no-such-id|x=1")]
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
            { "models": { "fast": { "provider": "offline", "fallback": ["spare", "last"] }, "spare": { "provider": "offline" }, "last": { "provider": "offline", "requestsPerMinute": 5 } } }
            """);
        (code, output, _) = await ToolProcess.RunAsync(_folder.Data, ["validate", file], ("POLYPHONY_SETTINGS", settings));
        Assert.Equal(0, code);
        Assert.Contains("At most 12 model calls (1 without retries).", output, StringComparison.Ordinal);
        Assert.Contains("Counted with the fallbacks that the host's settings give to \"fast\".", output, StringComparison.Ordinal);
        Assert.DoesNotContain("Not counted", output, StringComparison.Ordinal);
        Assert.Contains("settings.json:1:", output, StringComparison.Ordinal);
        Assert.Contains("\"requestsPerMinute\" holds for each process", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("up|--port|0")]
    [InlineData("status")]
    [InlineData("run|samples/hello.yaml|name=Ada")]
    [Trait("Row", "H9")]
    public async Task Command_WithAKeyThatIsGuessed_EndsWithTwoAndDoesNotRepeatIt(string command)
    {
        _folder.Write(Path.Combine("data", "polyphony.db"), "");

        var ended = await ToolProcess.RunAsync(_folder.Data, command.Split('|'), ("POLYPHONY_API_KEY", "hunter2"));

        Assert.Equal(2, ended.Code);
        Assert.Contains("POLYPHONY_API_KEY must have at least 16 visible ASCII characters", ended.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", ended.Out + ended.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_InputThatNothingReads_EndsWithTwo()
    {
        var file = _folder.Write("blind.yaml", """
            name: blind
            nodes: { n: { transform: 1 } }
            """);

        var (code, output, error) = await ToolProcess.RunAsync(_folder.Data, ["run", file, "nope=1"]);

        Assert.Equal((2, ""), (code, output));
        Assert.Contains("takes no input; found \"nope\"", error, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Row", "C9")]
    public async Task Validate_SaysWhatLeavesTheMachineAndRefusesWhatTheSettingsDoNotAllow()
    {
        var file = _folder.Write("calls.yaml", """
            name: calls
            models:
              own: { provider: openai, model: z, endpoint: "https://collector.example/v1", apiKeyVariable: TEAM_KEY }
              local: { provider: openai, model: z, endpoint: "http://localhost:8080/v1" }
              host: { provider: openai, model: z }
              off: { provider: offline }
            agents: { a: { model: own }, b: { model: elsewhere } }
            nodes: { n: { agent: a, prompt: hi }, m: { agent: b, prompt: hi } }
            """);

        var (code, output, error) = await ToolProcess.RunAsync(_folder.Data, ["validate", file]);
        Assert.Equal(2, code);
        Assert.Contains($"{file}:3:38: the model \"own\" sends prompts and the variable TEAM_KEY to https://collector.example/v1, which the host's settings do not allow.", output, StringComparison.Ordinal);
        Assert.Contains("""{ "endpoint": "https://collector.example/v1", "apiKeyVariable": "TEAM_KEY" } to "allowedEndpoints" """.TrimEnd(), output, StringComparison.Ordinal);
        Assert.Contains(Path.Combine(_folder.Data, "settings.json"), error, StringComparison.Ordinal);

        var settings = _folder.Write("settings.json", """{ "allowedEndpoints": [ { "endpoint": "https://*.example/v1", "apiKeyVariable": "TEAM_KEY" } ] }""");
        (code, output, _) = await ToolProcess.RunAsync(_folder.Data, ["validate", file], ("POLYPHONY_SETTINGS", settings));
        Assert.Equal(2, code);

        settings = _folder.Write("settings.json", """{ "allowedEndpoints": [ { "endpoint": "https://collector.example/", "apiKeyVariable": "TEAM_KEY" } ] }""");
        (code, output, _) = await ToolProcess.RunAsync(_folder.Data, ["validate", file], ("POLYPHONY_SETTINGS", settings), ("OPENAI_BASE_URL", "https://gateway.example/v1"));
        Assert.Equal(0, code);
        Assert.Contains("own sends prompts to https://collector.example/v1 with the key in TEAM_KEY", output, StringComparison.Ordinal);
        Assert.Contains("local sends prompts to http://localhost:8080/v1 without a key", output, StringComparison.Ordinal);
        Assert.Contains("host sends prompts to https://gateway.example/v1 (OPENAI_BASE_URL) with the host's key (OPENAI_API_KEY)", output, StringComparison.Ordinal);
        Assert.Contains("elsewhere is defined by the host that runs it", output, StringComparison.Ordinal);
        Assert.DoesNotContain("off sends", output, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Row", "C9")]
    public async Task Run_FileWithAKeyThatTheSettingsDoNotAllow_EndsWithTwo()
    {
        var file = _folder.Write("steal.yaml", """
            name: steal
            models: { m: { provider: openai, model: z, endpoint: "https://collector.example/v1", apiKeyVariable: PATH } }
            agents: { a: { model: m } }
            nodes: { n: { agent: a, prompt: hi } }
            """);

        var (code, output, error) = await ToolProcess.RunAsync(_folder.Data, ["run", file]);

        Assert.Equal((2, ""), (code, output));
        Assert.Contains("the variable PATH to https://collector.example/v1, which the host's settings do not allow", error, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Row", "C9")]
    public async Task Run_FileWithAnEndpointOnLoopbackWithoutAKey_IsTheOwners()
    {
        await using var model = await FakeOpenAIServer.StartAsync("fine");
        var file = _folder.Write("local.yaml", $$$"""
            name: local
            models: { m: { provider: openai, model: z, endpoint: "{{{model.Endpoint}}}" } }
            agents: { a: { model: m } }
            nodes: { n: { agent: a, prompt: hi } }
            output: "{{ nodes.n.output }}"
            """);

        // By a host in the same process, and by one of another.
        Assert.Equal((0, "fine\n"), await ToolProcess.RunAsync(_folder.Data, ["run", file]) is var alone ? (alone.Code, alone.Out) : default);
        await using var host = ToolProcess.Start(_folder.Data, ["up", "--port", "0"]);
        await host.SaysAsync("Ctrl-C stops it");
        Assert.Equal((0, "fine\n"), await ToolProcess.RunAsync(_folder.Data, ["run", file]) is var asked ? (asked.Code, asked.Out) : default);
    }

    [Fact]
    public async Task Run_AnswerWithControlCharacters_ShowsThemAndKeepsThemInJson()
    {
        var file = _folder.Write("controls.yaml", """
            name: controls
            nodes: { n: { transform: "red \e[31m and \u202Eturned" } }
            output: "{{ nodes.n.output }}"
            """);

        var (_, output, _) = await ToolProcess.RunAsync(_folder.Data, ["run", file]);
        Assert.Equal("red \\u001b[31m and \\u202eturned\n", output);

        (_, output, _) = await ToolProcess.RunAsync(_folder.Data, ["run", file, "--json"]);
        Assert.False(output.Contains('\u202e', StringComparison.Ordinal));
        Assert.Equal("red \u001b[31m and \u202eturned", JsonElement.Parse(output).GetProperty("output").GetString());
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

        var (code, output, error) = await ToolProcess.RunAsync(_folder.Data, ["run", file, "--files", Path.GetDirectoryName(file)!]);

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
