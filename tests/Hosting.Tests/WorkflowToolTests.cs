using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using ModelContextProtocol;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;
using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Hosting.Routes;
using Polyphony.TestKit.Clocks;

namespace Polyphony.Hosting.Tests;

/// <summary>Workflows as tools of the host's MCP server, by the client of the official package.</summary>
[Trait("Row", "R14")]
public sealed class WorkflowToolTests : IDisposable
{
    private const string Key = "0123456789abcdef0";

    private readonly TestApp _app = new();
    private readonly FakeClock _clock = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _app.Dispose();

    [Fact]
    public async Task List_NamesEveryWorkflow_WithItsDescriptionAndSchema()
    {
        await using var app = await StartAsync();
        await using var client = await ConnectAsync(app);

        var tools = (await client.ListToolsAsync(cancellationToken: Token)).ToDictionary(tool => tool.Name, StringComparer.Ordinal);

        Assert.Equal(["ask", "double", "fails", "get_instance", "greet", "plain"], tools.Keys.Order(StringComparer.Ordinal));
        Assert.StartsWith("Greets somebody.", tools["greet"].Description, StringComparison.Ordinal);
        Assert.Equal("name", tools["greet"].JsonSchema.GetProperty("required")[0].GetString());
        Assert.Equal("integer", tools["double"].JsonSchema.GetProperty("properties").GetProperty("input").GetProperty("type").GetString());
        Assert.False(tools["plain"].JsonSchema.GetProperty("additionalProperties").GetBoolean());
    }

    [Theory]
    [InlineData("greet", """{"name":"Ada"}""", """{"text":"Hello, Ada."}""", true)]
    [InlineData("double", """{"input":21}""", "42", false)]
    [InlineData("plain", "{}", "done", false)]
    public async Task Call_OfAWorkflow_RunsIt_AndGivesItsOutput(string workflow, string arguments, string text, bool isStructured)
    {
        await using var app = await StartAsync();
        await using var client = await ConnectAsync(app);

        var result = await CallAsync(client, workflow, arguments);

        Assert.NotEqual(true, result.IsError);
        Assert.Equal(text, Text(result));
        Assert.Equal(isStructured ? text : null, result.StructuredContent?.GetRawText());
    }

    [Theory]
    [InlineData("greet", "{}", "name")]
    [InlineData("greet", """{"name":7}""", "/name")]
    [InlineData("plain", """{"a":1}""", "takes no input")]
    [InlineData("fails", "{}", "ended as Failed")]
    [InlineData("get_instance", "{}", "\"instanceId\" is missing")]
    [InlineData("get_instance", """{"instanceId":"nobody"}""", "instance_not_found")]
    [InlineData("get_instance", """{"instanceId":"../x"}""", "instance_id_invalid")]
    [InlineData("get_instance", """{"instanceId":"x","wait":61}""", "0 to 60 seconds")]
    public async Task Call_ThatFails_SaysSoInItsResult(string tool, string arguments, string says)
    {
        await using var app = await StartAsync();
        await using var client = await ConnectAsync(app);

        var result = await CallAsync(client, tool, arguments);

        Assert.True(result.IsError);
        Assert.Contains(says, Text(result), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Call_OfAnUnknownTool_IsRefusedByTheProtocol()
    {
        await using var app = await StartAsync();
        await using var client = await ConnectAsync(app);

        var refused = await Assert.ThrowsAsync<McpProtocolException>(() => CallAsync(client, "nothing", "{}"));

        Assert.Equal(McpErrorCode.InvalidParams, refused.ErrorCode);
    }

    [Fact]
    public async Task Call_WithAKey_StartsOneInstance_HoweverOftenItIsMade()
    {
        await using var app = await StartAsync();
        await using var client = await ConnectAsync(app);

        var first = await CallAsync(client, "greet", """{"name":"Ada"}""", "key-1");
        var second = await CallAsync(client, "greet", """{"name":"Ada"}""", "key-1");
        var other = await CallAsync(client, "greet", """{"name":"Bob"}""", "key-1");

        Assert.Equal((Text(first), true), (Text(second), other.IsError));
        Assert.Contains("idempotency_key_reused", Text(other), StringComparison.Ordinal);
        Assert.Single((await app.Services.GetRequiredService<DurableClient>().QueryAsync(new OrchestrationQuery(), Token)).Instances);
    }

    [Fact]
    public async Task Call_ThatTakesLonger_GivesTheId_ByWhichTheResultIsFoundLater()
    {
        await using var app = await StartAsync();
        await using var client = await ConnectAsync(app);
        var timers = _clock.ActiveTimers;

        var call = CallAsync(client, "ask", "{}");
        await _clock.WhenTimersAsync(timers + 1);
        _clock.Advance(TimeSpan.FromSeconds(60));
        var started = await call;
        var id = started.StructuredContent!.Value.GetProperty("instanceId").GetString()!;
        var workflows = app.Services.GetRequiredService<WorkflowClient>();
        for (long version = 0; (await workflows.GetAsync(id, cancellationToken: Token))!.CustomStatus?.WaitingFor is not { Count: > 0 };)
        {
            version = (await workflows.Durable.WaitForChangeAsync(id, version, Token))!.Version;
        }

        var waiting = await CallAsync(client, "get_instance", $$"""{"instanceId":"{{id}}"}""");
        await workflows.RaiseEventAsync(id, (await workflows.GetAsync(id, cancellationToken: Token))!.CustomStatus!.WaitingFor[0].EventName!, JsonElement.Parse("\"yes\""), Token);
        await workflows.Durable.WaitForCompletionAsync(id, Token);
        var finished = await CallAsync(client, "get_instance", $$"""{"instanceId":"{{id}}","wait":5}""");

        Assert.NotEqual(true, started.IsError);
        Assert.Contains("waits for a person", Text(waiting), StringComparison.Ordinal);
        Assert.Equal("yes", Text(finished));
    }

    [Fact]
    public async Task Route_IsGuardedAsTheApiIs()
    {
        await using var app = await StartAsync(options => options.ApiKey = Key);
        using var http = TestApp.ClientOf(app);

        var (without, _) = await PostAsync(http, "{}");
        var (fromOutside, body) = await PostAsync(http, "{}", request => request.Headers.Add("Origin", "https://evil.example"));
        var (large, _) = await PostAsync(http, new string(' ', 2_000_000), request => request.Headers.Add("X-API-Key", Key));
        await using var client = await ConnectAsync(app, new() { ["X-API-Key"] = Key });

        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.Forbidden, HttpStatusCode.RequestEntityTooLarge), (without, fromOutside, large));
        Assert.Contains("origin_not_allowed", body, StringComparison.Ordinal);
        Assert.Equal("done", Text(await CallAsync(client, "plain", "{}")));
        await Assert.ThrowsAnyAsync<Exception>(() => ConnectAsync(app));
    }

    [Fact]
    public async Task Route_BesideAServerOfTheApp_HasOtherTools()
    {
        await using var app = await StartAsync(
            services: services => services.AddMcpServer().WithTools([McpServerTool.Create(() => "own", new McpServerToolCreateOptions { Name = "own" })]),
            map: app => app.MapMcp("/own"));
        await using var ours = await ConnectAsync(app);
        await using var theirs = await ConnectAsync(app, path: "/own");

        Assert.Equal(["own"], (await theirs.ListToolsAsync(cancellationToken: Token)).Select(tool => tool.Name));
        Assert.DoesNotContain(await ours.ListToolsAsync(cancellationToken: Token), tool => tool.Name == "own");
        await Assert.ThrowsAsync<McpProtocolException>(() => CallAsync(ours, "own", "{}"));
    }

    private static string Text(CallToolResult result) => Assert.IsType<TextContentBlock>(Assert.Single(result.Content)).Text;

    private static async Task<CallToolResult> CallAsync(McpClient client, string tool, string arguments, string? key = null) => await client.CallToolAsync(
        new CallToolRequestParams
        {
            Name = tool,
            Arguments = JsonElement.Parse(arguments).EnumerateObject().ToDictionary(member => member.Name, member => member.Value, StringComparer.Ordinal),
            Meta = key is null ? null : new JsonObject { ["polyphony/idempotency-key"] = key },
        },
        Token);

    private static async Task<(HttpStatusCode Status, string Body)> PostAsync(HttpClient http, string body, Action<HttpRequestMessage>? change = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/polyphony/mcp") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        change?.Invoke(request);
        using var response = await http.SendAsync(request, Token);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(Token));
    }

    private static Task<McpClient> ConnectAsync(WebApplication app, Dictionary<string, string>? headers = null, string path = "/polyphony/mcp") => McpClient.CreateAsync(
        new HttpClientTransport(new HttpClientTransportOptions
        {
            Endpoint = new Uri(MappedRoutes.LocalAddress(app.Services)!, path),
            TransportMode = HttpTransportMode.StreamableHttp,
            AdditionalHeaders = headers ?? [],
        }),
        cancellationToken: Token);

    private Task<WebApplication> StartAsync(Action<PolyphonyOptions>? configure = null, Action<IServiceCollection>? services = null, Action<WebApplication>? map = null) => _app.StartWebAsync(
        builder =>
        {
            builder.Services.AddSingleton<TimeProvider>(_clock);
            services?.Invoke(builder.Services);
            builder.AddPolyphony(options =>
            {
                options.InMemory = true;
                configure?.Invoke(options);
            })
                .AddWorkflow(new WorkflowBuilder("greet").Description("Greets somebody.")
                    .Input(JsonNode.Parse("""{ "type": "object", "required": ["name"], "properties": { "name": { "type": "string" } } }""")!)
                    .TransformNode("say", new JsonObject { ["text"] = "Hello, {{ input.name }}." }).Build())
                .AddWorkflow(new WorkflowBuilder("double").Input(JsonNode.Parse("""{ "type": "integer" }""")!).TransformNode("say", "{{ input * 2 }}").Build())
                .AddWorkflow(new WorkflowBuilder("plain").TransformNode("say", "done").Build())
                .AddWorkflow(new WorkflowBuilder("fails").TransformNode("say", "{{ 1 / int('0') }}").Build())
                .AddWorkflow(new WorkflowBuilder("ask").HumanNode("ask", "Sure?").Build());
        },
        app =>
        {
            app.MapPolyphony("/polyphony");
            map?.Invoke(app);
        });
}
