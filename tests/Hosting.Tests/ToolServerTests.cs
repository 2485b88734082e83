using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ModelContextProtocol.Protocol;
using Polyphony.Activities.Tools;
using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Runs;
using Polyphony.TestKit.Servers;

namespace Polyphony.Hosting.Tests;

/// <summary>Tools from elsewhere in an app on the embedded engine: servers over HTTP and as programs, HTTP requests of a workflow, folders with names; by settings and by code.</summary>
[Trait("Row", "O12")]
public sealed class ToolServerTests : IDisposable
{
    private const string Key = "POLYPHONY_TESTS_TOOL_KEY";

    private readonly TestApp _app = new();

    public void Dispose() => _app.Dispose();

    [Fact]
    public async Task ToolNode_OfAServerOverHttp_IsCalledWithItsKeyAndHeaders()
    {
        var requests = new List<(string Key, string Team)>();
        await using var server = await StartServerAsync(requests);
        Environment.SetEnvironmentVariable(Key, "the-key");
        using var host = _app.Worker(
            builder => builder.AddPolyphony().AddWorkflow(Call("remote.greet", """{ "name": "Ada" }""")),
            ("Polyphony:InMemory", "true"),
            ("polyphony:tools:servers:remote:URL", $"{server.Urls.First()}/mcp"),
            ("Polyphony:Tools:Servers:remote:ApiKeyVariable", Key),
            ("Polyphony:Tools:Servers:remote:Headers:X-Team", "7"));
        await host.StartAsync(TestContext.Current.CancellationToken);

        Assert.Equal("Hello, Ada.", Output(await RunAsync(host)).GetString());
        Assert.NotEmpty(requests);
        Assert.All(requests, request => Assert.Equal(("Bearer the-key", "7"), request));
        await host.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task ToolNode_OfAServerThatIsOnlyThereLater_SucceedsByItsRetry()
    {
        // A port that was free a moment ago.
        var first = await StartServerAsync([]);
        var address = new Uri(first.Urls.First());
        await first.DisposeAsync();
        using var host = _app.Worker(builder => builder.AddPolyphony(options => options.InMemory = true)
            .AddToolServer("remote", new ToolServer { Url = new Uri(address, "/mcp") })
            .AddWorkflow(new WorkflowBuilder("calls").ToolNode("call", "remote.greet", new() { ["name"] = "Ada" }, node => node.Retry(new RetryDefinition { MaxAttempts = 1 })).Build()));
        await host.StartAsync(TestContext.Current.CancellationToken);

        var failed = await RunAsync(host);
        await using var server = await StartServerAsync([], address.Port);
        var client = TestApp.WorkflowsOf(host);
        await client.RewindAsync(failed.InstanceId, "again", TestContext.Current.CancellationToken);
        await client.Durable.WaitForCompletionAsync(failed.InstanceId, TestContext.Current.CancellationToken);

        Assert.Equal((OrchestrationRuntimeStatus.Failed, ErrorCodes.ToolServerUnavailable), (failed.RuntimeStatus, failed.Error!.Code));
        await host.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task ToolNode_OfAProgram_GivesItsResult_AndTheProgramEndsWithTheHost()
    {
        var diary = Path.Combine(_app.Root, "diary.txt");
        using (var host = _app.Worker(builder => builder.AddPolyphony(options => options.InMemory = true)
            .AddToolServer("test", new ToolServer { Command = "dotnet", Arguments = [Path.Combine(AppContext.BaseDirectory, "Polyphony.TestToolServer.dll"), diary] })
            .AddWorkflow(Call("test.add", """{ "a": 40, "b": "{{ 1 + 1 }}" }"""))))
        {
            await host.StartAsync(TestContext.Current.CancellationToken);

            Assert.Equal("""{"sum":42}""", Output(await RunAsync(host)).GetRawText());
            await host.StopAsync(TestContext.Current.CancellationToken);
        }

        var lines = await File.ReadAllLinesAsync(diary, TestContext.Current.CancellationToken);
        Assert.Equal("call add", lines[1]);
        Assert.Throws<ArgumentException>(() => System.Diagnostics.Process.GetProcessById(int.Parse(lines[0]["started ".Length..], System.Globalization.CultureInfo.InvariantCulture)));
    }

    [Fact]
    public async Task HttpTool_OfAWorkflow_IsCalledWhereTheSettingsAllowIt_AndRefusedAtTheStartElsewhere()
    {
        await using var api = await FakeApi.StartAsync("""{"stock":3}""");
        var workflow = new WorkflowBuilder("calls")
            .HttpTool("stock", $"{api.Address}/v1/items/{{{{ args.id }}}}", "How much there is.", new() { ["type"] = "object", ["properties"] = new System.Text.Json.Nodes.JsonObject { ["id"] = new System.Text.Json.Nodes.JsonObject() } })
            .ToolNode("call", "stock", new() { ["id"] = "a b" })
            .Build();
        using var allowing = _app.Worker(builder => builder.AddPolyphony(options => options.InMemory = true).AllowToolEndpoint($"{api.Address}/v1/items", privateNetwork: true).AddWorkflow(workflow));
        using var refusing = _app.Worker(builder => builder.AddPolyphony(options => options.InMemory = true).AddWorkflow(workflow));
        await allowing.StartAsync(TestContext.Current.CancellationToken);
        await refusing.StartAsync(TestContext.Current.CancellationToken);

        Assert.Equal("""{"stock":3}""", Output(await RunAsync(allowing)).GetRawText());
        var refused = await Assert.ThrowsAsync<EndpointNotAllowedException>(() => RunAsync(refusing));

        Assert.Equal("tools.stock.http.url", Assert.Single(refused.Problems).Path);
        Assert.Equal("/v1/items/a%20b", Assert.Single(api.Requests).Target);
        await allowing.StopAsync(TestContext.Current.CancellationToken);
        await refusing.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Files_OfNamedFolders_AreReadUnderTheirNames()
    {
        _app.Write("data/a.md", "# A").Write("prices/b.md", "# B").Write("docs/c.md", "# C").Write("settings.json", """{ "tools": { "files": { "docs": "docs" } } }""");
        using var host = _app.Worker(
            builder => builder.AddPolyphony(options => options.InMemory = true).AddFiles("prices", "prices").AddWorkflow(new WorkflowBuilder("calls")
                .ToolNode("list", "list_files").ToolNode("one", "list_files", new() { ["folder"] = "docs:" }).ToolNode("read", "read_file", new() { ["path"] = "docs:c.md" })
                .Edges().Output(new System.Text.Json.Nodes.JsonArray("{{ nodes.list.output }}", "{{ nodes.one.output }}", "{{ nodes.read.output.text }}")).Build()),
            ("Polyphony:FilesFolder", "data"),
            ("Polyphony:SettingsFile", "settings.json"));
        await host.StartAsync(TestContext.Current.CancellationToken);

        Assert.Equal("""[["a.md","docs:c.md","prices:b.md"],["docs:c.md"],"# C"]""", Output(await RunAsync(host)).GetRawText());
        await host.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public void Settings_ThatAreWrong_AreAllListedAtTheStart()
    {
        _app.Write("settings.json", """{ "tools": { "servers": { "twice": { "command": "x" } } } }""");
        using var host = _app.Worker(
            builder => builder.AddPolyphony(options => options.InMemory = true)
                .AddToolServer("twice", new ToolServer { Command = "x" })
                .AddToolServer("b.c", new ToolServer { Command = "x", Url = new Uri("https://example.com"), MaxBytes = 0, Timeout = TimeSpan.Zero }),
            ("Polyphony:SettingsFile", "settings.json"),
            ("Polyphony:Tools:Server:x:Command", "x"));

        var failures = Assert.Throws<OptionsValidationException>(() => host.Services.GetRequiredService<IOptions<PolyphonyOptions>>().Value).Failures.ToList();

        string[] says =
        [
            "unknown key \"server\"", "The tool server \"twice\" is named in two places", "\"b.c\": its name must be", "\"b.c\": it must have either Command or Url", "\"b.c\": Timeout must be", "\"b.c\": MaxBytes must be",
        ];
        Assert.All(says, part => Assert.Contains(failures, failure => failure.Contains(part, StringComparison.OrdinalIgnoreCase)));
        Assert.Equal(says.Length, failures.Count);
    }

    [Theory]
    [InlineData("https://*.com", null)]
    [InlineData("https://example.com", "OPENAI_API_KEY")]
    public void AllowToolEndpoint_OfWhatMayNotBeAllowed_Throws(string endpoint, string? variable)
    {
        using var host = _app.Worker(builder =>
        {
            var polyphony = builder.AddPolyphony();
            Assert.Throws<ArgumentException>(() => polyphony.AllowToolEndpoint(endpoint, variable));
        });
    }

    private static async Task<WorkflowStatus> RunAsync(IHost host)
    {
        var client = TestApp.WorkflowsOf(host);
        var id = await client.StartAsync("calls", JsonElement.Parse("{}"), cancellationToken: TestContext.Current.CancellationToken);
        await client.Durable.WaitForCompletionAsync(id, TestContext.Current.CancellationToken);
        return (await client.GetAsync(id, cancellationToken: TestContext.Current.CancellationToken))!;
    }

    private static JsonElement Output(WorkflowStatus status)
    {
        Assert.Null(status.Error);
        return status.Output!.Value;
    }

    private static WorkflowDefinition Call(string tool, string arguments) =>
        new WorkflowBuilder("calls").ToolNode("call", tool, System.Text.Json.Nodes.JsonNode.Parse(arguments)!.AsObject()).Build();

    /// <summary>Starts a server of tools over streamable HTTP.</summary>
    private static async Task<WebApplication> StartServerAsync(List<(string Key, string Team)> requests, int port = 0)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls($"http://127.0.0.1:{port}");
        builder.Services.AddRouting();
        builder.Logging.ClearProviders();
        builder.Services.AddMcpServer().WithHttpTransport().WithListToolsHandler((_, _) => ValueTask.FromResult(new ListToolsResult
        {
            Tools = [new Tool { Name = "greet", InputSchema = JsonElement.Parse("""{"type":"object","properties":{"name":{"type":"string"}}}""") }],
        })).WithCallToolHandler((request, _) => ValueTask.FromResult(new CallToolResult { Content = [new TextContentBlock { Text = $"Hello, {request.Params!.Arguments!["name"].GetString()}." }] }));
        var app = builder.Build();
        app.Use(async (context, next) =>
        {
            lock (requests)
            {
                requests.Add((context.Request.Headers.Authorization.ToString(), context.Request.Headers["X-Team"].ToString()));
            }

            await next(context);
        });
        app.MapMcp("/mcp");
        await app.StartAsync(TestContext.Current.CancellationToken);
        return app;
    }
}
