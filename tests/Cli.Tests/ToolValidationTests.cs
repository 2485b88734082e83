namespace Polyphony.Cli.Tests;

/// <summary><c>validate</c> and tools: those of a file, of the host, and of tool servers, with and without <c>--connect</c>.</summary>
[Trait("Row", "O12")]
public sealed class ToolValidationTests : IDisposable
{
    private const string Workflow = """
        name: tools
        models: { fast: { provider: offline } }
        agents:
          caller: { model: fast, tools: [test.add, test.ad, read_file, search, SERVER] }
        tools:
          weather: { parameters: { type: object, properties: { city: { type: string } } }, http: { url: "https://api.example.com/v1/weather/{{ args.city }}", apiKeyVariable: WEATHER_KEY } }
        nodes:
          ask: { agent: caller, prompt: "Ask." }
          look: { tool: weather, arguments: { city: Bern } }
          sum: { tool: test.add, arguments: { a: "{{ 1 }}", b: x, c: 1 } }
          read: { tool: read_file, arguments: { path: 7 } }
        """;

    private readonly DataFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Validate_WithoutConnect_ChecksWhatTheHostKnows_AndNotesTheRest()
    {
        var file = _folder.Write("tools.yaml", Workflow.Replace("SERVER", "other.add", StringComparison.Ordinal));

        var (code, output, error) = await ToolProcess.RunAsync(_folder.Data, ["validate", file], ("POLYPHONY_SETTINGS", Settings()));

        Assert.Equal(2, code);
        Assert.Equal(
            [
                $"{file}:4:26: the tool \"other.add\" is one of the tool server \"other\", which this host's settings do not name. Add it to \"servers\" of \"tools\" in the host's settings, which name dead, test. [unknown_tool_server]",
                $"{file}:11:11: the arguments do not fit the tool \"read_file\": /path: expected string, found integer 7. Change the arguments. [invalid_arguments]",
                $"{file}:4:26: the tool \"test.add\" was not checked. With --connect its server is asked. [tool_not_checked] (warning)",
                $"{file}:4:26: the tool \"test.ad\" was not checked. With --connect its server is asked. [tool_not_checked] (warning)",
                $"{file}:4:26: the tool \"search\" is neither of this file nor of this host. It runs in apps alone that have a tool of this name: AddTool(…). The host has list_files, read_file. [unknown_tool] (warning)",
                $"{file}:10:10: the tool \"test.add\" was not checked. With --connect its server is asked. [tool_not_checked] (warning)",
            ],
            output.TrimEnd().Split('\n'));
        Assert.Contains("2 problems.", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Validate_WithConnect_AsksTheServers()
    {
        var file = _folder.Write("tools.yaml", Workflow.Replace("SERVER", "dead.add", StringComparison.Ordinal));

        var (code, output, _) = await ToolProcess.RunAsync(_folder.Data, ["validate", file, "--connect"], ("POLYPHONY_SETTINGS", Settings()));

        Assert.Equal(2, code);
        var lines = output.TrimEnd().Split('\n').Where(line => !line.Contains("read_file", StringComparison.Ordinal)).ToArray();
        Assert.Equal(4, lines.Length);
        Assert.StartsWith($"{file}:4:26: the tool \"dead.add\" cannot be checked: the tool server \"dead\" can't be started: the program ended with exit code 3 (I do not want to start.)", lines[1], StringComparison.Ordinal);
        Assert.EndsWith("[tool_server_unavailable]", lines[1], StringComparison.Ordinal);
        Assert.Equal($"{file}:4:26: the tool server \"test\" has no tool \"ad\". Did you mean \"add\"? [unknown_tool]", lines[0]);
        Assert.Contains("/b", lines[2], StringComparison.Ordinal);
        Assert.Contains("\"c\"", lines[3], StringComparison.Ordinal);
        Assert.All(lines[2..4], line => Assert.EndsWith("[invalid_arguments]", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Validate_ToolsOfAValidFile_SaysWhatLeavesTheMachine()
    {
        var file = _folder.Write("fine.yaml", """
            name: fine
            tools:
              weather: { http: { url: "https://api.example.com/v1/weather", apiKeyVariable: WEATHER_KEY } }
            nodes:
              look: { tool: weather }
              sum: { tool: test.add, arguments: { a: 1, b: 2 } }
            """);

        var (code, output, _) = await ToolProcess.RunAsync(_folder.Data, ["validate", file, "--connect"], ("POLYPHONY_SETTINGS", Settings()));

        Assert.Equal(0, code);
        Assert.Contains("tool weather sends its arguments to https://api.example.com/v1/weather with the key in WEATHER_KEY", output, StringComparison.Ordinal);
        Assert.Contains("tool test.add gives its arguments to the program dotnet, which may send them anywhere", output, StringComparison.Ordinal);

        (code, output, _) = await ToolProcess.RunAsync(_folder.Data, ["validate", file]);

        Assert.Equal(2, code);
        Assert.Contains(
            "the tool \"weather\" sends the variable WEATHER_KEY to https://api.example.com/v1/weather, which the host's settings do not allow. If you trust it, add { \"endpoint\": \"https://api.example.com/v1/\", \"apiKeyVariable\": \"WEATHER_KEY\" } to \"allowedEndpoints\" of \"tools\" in the host's settings. [endpoint_not_allowed]",
            output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Validate_SettingsThatAreWrong_ListsEveryProblem()
    {
        var file = _folder.Write("fine.yaml", "name: fine\nnodes: { a: { transform: 1 } }\n");
        var settings = _folder.Write("settings.json", """
            {
              "tools": {
                "allowedEndpoints": [ { "endpoint": "https://*.com", "privateNetwork": "yes" }, { "endpoint": "https://example.com", "apiKeyVariable": "OPENAI_API_KEY", "header": "X" } ],
                "servers": { "a.b": { "command": "x", "url": "https://example.com" }, "c": {}, "d": { "command": "x", "headers": { "A": "b" } }, "e": { "url": "file:///x", "timeout": 5, "maxBytes": 0 } },
                "files": { "docs": 7 },
                "more": 1
              }
            }
            """);

        var (code, _, error) = await ToolProcess.RunAsync(_folder.Data, ["validate", file], ("POLYPHONY_SETTINGS", settings));

        Assert.Equal(2, code);
        string[] says =
        [
            "allows every host of a top-level domain", "\"privateNetwork\" must be true or false", "OPENAI_API_KEY belongs to the host", "unknown key \"header\" in tools.allowedEndpoints[1]", "\"a.b\" is no name of a tool server",
            "either \"command\" or \"url\", not both", "and this has neither", "\"headers\" has no effect on a server with \"command\"", "\"url\" is no http or https address", "\"timeout\" must be a duration",
            "\"maxBytes\" must be from 1 to", "the folder \"docs\" must be a path", "unknown key \"more\" in tools",
        ];
        Assert.All(says, part => Assert.Contains(part, error, StringComparison.Ordinal));
        Assert.Equal(says.Length, error.TrimEnd().Split('\n').Length);
    }

    private string Settings()
    {
        var program = System.Text.Json.JsonEncodedText.Encode(Path.Combine(AppContext.BaseDirectory, "Polyphony.TestToolServer.dll"));
        var diary = System.Text.Json.JsonEncodedText.Encode(Path.Combine(Path.GetDirectoryName(_folder.Data)!, "diary.txt"));
        return _folder.Write("settings.json", $$"""
            {
              "tools": {
                "allowedEndpoints": [ { "endpoint": "https://api.example.com/v1", "apiKeyVariable": "WEATHER_KEY" } ],
                "servers": {
                  "test": { "command": "dotnet", "args": ["{{program}}", "{{diary}}"] },
                  "dead": { "command": "dotnet", "args": ["{{program}}", "{{diary}}", "--refuse"] }
                }
              }
            }
            """);
    }
}
