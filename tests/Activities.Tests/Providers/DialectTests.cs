using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Polyphony.Activities.Errors;
using Polyphony.Activities.Providers.OpenAI;
using Polyphony.Activities.Providers.OpenAI.Dialects;
using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;
using Polyphony.TestKit.Logging;
using Polyphony.TestKit.OpenAI;

namespace Polyphony.Activities.Tests.Providers;

/// <summary>Requests are worded as their server takes them; what it refuses about the wording is worded otherwise, at once, and remembered.</summary>
[Trait("Row", "T6")]
public sealed class DialectTests
{
    private const string Stars = """{"type":"object","required":["stars"],"additionalProperties":false,"properties":{"stars":{"type":"integer"}}}""";

    [Theory]
    [InlineData("openai", "https://api.openai.com/v1", "openai")]
    [InlineData("azure-openai", "https://me.openai.azure.com", "azure-openai")]
    [InlineData("azure-openai", "https://me.example.com", "azure-openai")]
    [InlineData("azure-openai", "https://gw.azure-api.net/my-api", "api-management")]
    [InlineData("openai", "https://generativelanguage.googleapis.com/v1beta/openai", "gemini")]
    [InlineData("openai", "https://us-central1-aiplatform.googleapis.com/v1", "gemini")]
    [InlineData("openai", "https://api.deepseek.com", "deepseek")]
    [InlineData("openai", "https://API.Mistral.AI/v1", "mistral")]
    [InlineData("openai", "https://openrouter.ai/api/v1", "openrouter")]
    [InlineData("openai", "http://localhost:11434/v1", "ollama")]
    [InlineData("openai", "http://localhost:1234/v1", "lm-studio")]
    [InlineData("openai", "http://gpu.example.com:8000/v1", "vllm")]
    [InlineData("openai", "http://localhost:8080/v1", "llama.cpp")]
    [InlineData("openai", "http://localhost:4000", "litellm")]
    [InlineData("openai", "https://notapi.openai.com.example.com/v1", "other")]
    [InlineData("openai", "https://myapi.openai.comx/v1", "other")]
    [InlineData("openai", "https://evilopenrouter.ai/v1", "other")]
    public void NameOf_Address_SuggestsADialect(string provider, string endpoint, string expected) => Assert.Equal(expected, KnownDialects.NameOf(provider, new Uri(endpoint)));

    [Fact]
    public void Of_EveryKnownName_IsInTheTable() => Assert.All(
        ModelDialect.KnownNames, name => Assert.NotNull(KnownDialects.Of(Model(new ModelDialect { Name = name }), new Uri("http://localhost/v1"))));

    [Fact]
    public async Task Request_Openai_HasSchemaLimitAndNames()
    {
        var body = (await SendAsync(new ModelDialect { Name = "openai" }, Chain))[0].Body;

        Assert.Equal("json_schema", Format(body));
        Assert.True(body.GetProperty("response_format").GetProperty("json_schema").GetProperty("strict").GetBoolean());
        Assert.Equal(99, body.GetProperty("max_completion_tokens").GetInt32());
        Assert.False(body.TryGetProperty("max_tokens", out _));
        Assert.Equal(["system: Be brief.", "user planner: plan (planner):\nA", "assistant: I said.", "user: Go on."], Messages(body));
    }

    [Theory]
    [InlineData("deepseek", "json_object")]
    [InlineData("vllm", "json_schema")]
    [InlineData("other", "json_schema")]
    public async Task Request_OtherServers_HaveTheirNames(string dialect, string format)
    {
        var body = (await SendAsync(new ModelDialect { Name = dialect }, Chain))[0].Body;

        Assert.Equal(format, Format(body));
        Assert.Equal(99, body.GetProperty("max_tokens").GetInt32());
        Assert.False(body.TryGetProperty("max_completion_tokens", out _));
    }

    [Fact]
    public async Task Request_DialectByHand_IsHeeded()
    {
        var body = (await SendAsync(
            new ModelDialect { StructuredOutput = "words", TokenLimit = "max_completion_tokens", Roles = "free", SystemRole = false, Names = true, StrictSchemas = false }, Chain))[0].Body;

        Assert.Null(Format(body));
        Assert.True(body.TryGetProperty("max_completion_tokens", out _));
        Assert.Equal(["user: Be brief.", "user planner: plan (planner):\nA", "assistant: I said.", "user: Go on."], Messages(body));
    }

    [Fact]
    public async Task Request_NeighboursOfOneRole_AreJoinedAndTheUserBegins()
    {
        var body = (await SendAsync(
            new ModelDialect { Name = "openai" },
            new ChatMessage(ChatRole.System, "Be brief."),
            new ChatMessage(ChatRole.Assistant, "One."),
            new ChatMessage(ChatRole.Assistant, "Two."),
            new ChatMessage(ChatRole.User, "a (a):\nA") { AuthorName = "a" },
            new ChatMessage(ChatRole.User, "a (a):\nB") { AuthorName = "a" },
            new ChatMessage(ChatRole.Assistant, "Three."),
            new ChatMessage(ChatRole.User, "b (b):\nC") { AuthorName = "b" },
            new ChatMessage(ChatRole.User, [new TextContent("Look:"), new DataContent(new byte[] { 1 }, "image/png")]),
            new ChatMessage(ChatRole.Assistant, [new FunctionCallContent("c1", "add", new Dictionary<string, object?>())]),
            new ChatMessage(ChatRole.Tool, [new FunctionResultContent("c1", "1")]),
            new ChatMessage(ChatRole.Tool, [new FunctionResultContent("c2", "2")])))[0].Body;

        Assert.Equal(
            [
                "system: Be brief.", $"user: {RequestBody.Opening}", "assistant: One.\n\nTwo.", "user a: a (a):\nA\n\na (a):\nB", "assistant: Three.",
                "user: b (b):\nC|Look:|image_url", "assistant: ", "tool: 1", "tool: 2",
            ],
            Messages(body));
    }

    public static TheoryData<string, string, string[]> FormatRefusals => new()
    {
        { "DeepSeek", """{"error":{"message":"This response_format type is unavailable now","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}""", ["json_schema!", "json_object", "-"] },
        { "LM Studio", """{"error":"'response_format.type' must be 'json_schema' or 'text'"}""", ["json_schema!", "json_object", "-"] },
        { "Groq", """{"error":{"message":"This model does not support response format `json_schema`.","type":"invalid_request_error","param":"response_format"}}""", ["json_schema!", "json_object", "-"] },
        { "FastAPI", """{"detail":[{"type":"extra_forbidden","loc":["body","response_format"],"msg":"Extra inputs are not permitted"}]}""", ["json_schema!", "json_object", "-"] },
        { "Gemini with tools", """[{"error":{"code":400,"message":"Function calling with a response mime type: 'application/json' is unsupported","status":"INVALID_ARGUMENT"}}]""", ["json_schema!", "json_object", "-"] },
        { "only the schema", """{"error":{"message":"Invalid schema for response_format 'answer': In context=(), 'x' is not permitted.","type":"invalid_request_error","param":"response_format"}}""", ["json_schema!", "json_schema", "json_object", "-"] },
    };

    [Theory]
    [MemberData(nameof(FormatRefusals), DisableDiscoveryEnumeration = true)]
    public async Task Agent_FormatRefused_AsksOtherwiseWithinOneAttemptAndRemembers(string server, string refusal, string[] forms)
    {
        await using var fake = await FakeOpenAIServer.StartAsync(request => Format(request.Body) is null ? FakeOpenAIAnswer.Text("""{"score":5}""") : new FakeOpenAIAnswer { Status = 400, Body = refusal });
        var harness = new ActivityHarness(Client(fake, null));

        var result = await harness.AgentAsync(harness.Call("review", "critic") with { Prompt = ActivityHarness.Inline("\"Rate it.\"") }, TestContext.Current.CancellationToken);

        Assert.Null(result.Error);
        Assert.Equal("""{"score":5}""", result.Output!.Json!.Value.GetRawText());
        Assert.Equal(1, result.Usage.ModelCalls);
        Assert.Equal((server, string.Join(' ', forms)), (server, string.Join(' ', fake.Requests.Select(Form))));

        var again = await harness.AgentAsync(harness.Call("review", "critic") with { Prompt = ActivityHarness.Inline("\"Rate it.\""), Call = 2 }, TestContext.Current.CancellationToken);
        Assert.Null(again.Error);
        Assert.Equal("-", Form(fake.Requests[^1]));
        Assert.Equal(forms.Length + 1, fake.Requests.Count);
    }

    [Fact]
    public async Task Request_OneSchemaRefused_OthersAreStillSent()
    {
        await using var server = await FakeOpenAIServer.StartAsync(request => request.Body.GetRawText().Contains("odd", StringComparison.Ordinal) && Form(request) == "json_schema!"
            ? FakeOpenAIAnswer.Error(400, "invalid_json_schema", "Invalid schema for response_format 'answer': In context=('properties', 'odd'), schema must have a 'type' key.")
            : FakeOpenAIAnswer.Text("{}"));
        var client = Client(server, null);
        var odd = Stars.Replace("stars", "odd", StringComparison.Ordinal);

        foreach (var schema in (string[])[odd, odd, Stars])
        {
            await client.GetResponseAsync([new ChatMessage(ChatRole.User, "Hi")], Options(schema), TestContext.Current.CancellationToken);
        }

        Assert.Equal(["json_schema!", "json_schema", "json_schema", "json_schema!"], server.Requests.Select(Form));
    }

    public static TheoryData<string, string, string> LimitRefusals => new()
    {
        { "openai", "max_completion_tokens", """{"error":{"message":"Unrecognized request argument supplied: max_completion_tokens","type":"invalid_request_error"}}""" },
        { "openai", "max_completion_tokens", """{"detail":[{"type":"extra_forbidden","loc":["body","max_completion_tokens"],"msg":"Extra inputs are not permitted"}]}""" },
        { "other", "max_tokens", """{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}}""" },
    };

    [Theory]
    [MemberData(nameof(LimitRefusals), DisableDiscoveryEnumeration = true)]
    public async Task Request_NameOfTheLimitRefused_HasTheOther(string dialect, string refused, string body)
    {
        await using var server = await FakeOpenAIServer.StartAsync(request => request.Body.TryGetProperty(refused, out _) ? new FakeOpenAIAnswer { Status = 400, Body = body } : FakeOpenAIAnswer.Text("{}"));

        await Client(server, new ModelDialect { Name = dialect }).GetResponseAsync(Chain, Options(Stars), TestContext.Current.CancellationToken);

        Assert.Equal(2, server.Requests.Count);
        Assert.Equal(99, server.Requests[1].Body.GetProperty(refused == "max_tokens" ? "max_completion_tokens" : "max_tokens").GetInt32());
    }

    [Fact]
    public async Task Request_NamesAndSystemRefused_AreLeftOutAndFolded()
    {
        await using var server = await FakeOpenAIServer.StartAsync(request =>
            request.Messages.Any(message => message.TryGetProperty("name", out _)) ? FakeOpenAIAnswer.Error(422, null, "property 'name' is unsupported")
            : request.Messages[0].GetProperty("role").GetString() == "system" ? FakeOpenAIAnswer.Error(400, null, "System role not supported")
            : FakeOpenAIAnswer.Text("{}"));

        await Client(server, new ModelDialect { Name = "openai" }).GetResponseAsync(Chain, Options(Stars), TestContext.Current.CancellationToken);

        Assert.Equal(["user: Be brief.\n\nplan (planner):\nA", "assistant: I said.", "user: Go on."], Messages(server.Requests[2].Body));
        Assert.Equal(3, server.Requests.Count);
    }

    [Theory]
    [InlineData(400, "max_tokens must be less than 4096")]
    [InlineData(400, "The value of temperature is not supported")]
    [InlineData(429, "response_format is busy")]
    [InlineData(401, "response_format needs a key")]
    public async Task Request_RefusedForAnotherReason_IsNotRepeated(int status, string message)
    {
        await using var server = await FakeOpenAIServer.StartAsync(FakeOpenAIAnswer.Error(status, null, message));

        var exception = await Assert.ThrowsAnyAsync<Exception>(() => Client(server, null).GetResponseAsync(Chain, Options(Stars), TestContext.Current.CancellationToken));

        Assert.Single(server.Requests);
        Assert.Contains(message, ErrorClassifier.Classify(exception).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Request_EverythingRefused_Ends()
    {
        await using var server = await FakeOpenAIServer.StartAsync(FakeOpenAIAnswer.Error(400, null, "Unknown: response_format max_tokens max_completion_tokens name, system role, roles must alternate"));

        var exception = await Assert.ThrowsAnyAsync<Exception>(() => Client(server, new ModelDialect { Name = "openai" }).GetResponseAsync(Chain, Options(Stars), TestContext.Current.CancellationToken));

        Assert.Equal(ErrorCodes.BadRequest, ErrorClassifier.Classify(exception).Code);
        Assert.InRange(server.Requests.Count, 2, 8);
    }

    [Fact]
    public async Task Request_WordingThatIsRefused_IsLoggedWithWhatIsRemembered()
    {
        await using var server = await FakeOpenAIServer.StartAsync(request => request.Body.TryGetProperty("max_tokens", out _)
            ? FakeOpenAIAnswer.Error(400, "unsupported_parameter", "Unsupported parameter: 'max_tokens' of 'Go on with the secret.' Use 'max_completion_tokens' instead.")
            : "{}");
        using var log = new LogRecorder();
        var client = new OpenAIProvider(name => name == "OPENAI_BASE_URL" ? server.Endpoint.ToString() : "key-1", log).GetClient(Model(null));

        await client.GetResponseAsync("Go on with the secret.", Options(Stars), TestContext.Current.CancellationToken);
        await client.GetResponseAsync("Go on with the secret.", Options(Stars), TestContext.Current.CancellationToken);

        Assert.Equal(
            [
                (LogLevel.Information, 3026, $"{server.Endpoint.Authority} refused the form of a request to model m (HTTP 400); it is sent again at once with tokenLimit: max_completion_tokens"),
                (LogLevel.Information, 3027, $"{server.Endpoint.Authority} accepts requests to model m with tokenLimit: max_completion_tokens: until the host stops, all use it from the start. To use it always, say it in \"dialect\" of the model"),
            ],
            log.Lines);
    }

    private static ChatMessage[] Chain =>
    [
        new(ChatRole.System, "Be brief."),
        new(ChatRole.User, "plan (planner):\nA") { AuthorName = "planner" },
        new(ChatRole.Assistant, "I said."),
        new(ChatRole.User, "Go on."),
    ];

    private static ModelDefinition Model(ModelDialect? dialect) => new() { Name = "fast", Provider = "openai", Model = "m", Dialect = dialect };

    private static IChatClient Client(FakeOpenAIServer server, ModelDialect? dialect) =>
        new OpenAIProvider(name => name == "OPENAI_BASE_URL" ? server.Endpoint.ToString() : "key-1").GetClient(Model(dialect));

    private static ChatOptions Options(string schema) => new() { MaxOutputTokens = 99, ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonElement.Parse(schema), "answer") };

    private static async Task<IReadOnlyList<FakeOpenAIRequest>> SendAsync(ModelDialect dialect, params ChatMessage[] messages)
    {
        await using var server = await FakeOpenAIServer.StartAsync("{}");
        await Client(server, dialect).GetResponseAsync(messages, Options(Stars), TestContext.Current.CancellationToken);
        return server.Requests;
    }

    private static string? Format(JsonElement body) => body.TryGetProperty("response_format", out var format) ? format.GetProperty("type").GetString() : null;

    private static string Form(FakeOpenAIRequest request) => Format(request.Body) switch
    {
        null => "-",
        "json_schema" when request.Body.GetProperty("response_format").GetProperty("json_schema").GetProperty("strict").GetBoolean() => "json_schema!",
        var other => other,
    };

    private static IEnumerable<string> Messages(JsonElement body) => body.GetProperty("messages").EnumerateArray().Select(message =>
        $"{message.GetProperty("role").GetString()}{(message.TryGetProperty("name", out var name) ? $" {name.GetString()}" : "")}: {Content(message)}");

    private static string Content(JsonElement message) => !message.TryGetProperty("content", out var content) ? "" : content.ValueKind switch
    {
        JsonValueKind.Array => string.Join('|', content.EnumerateArray().Select(part => part.TryGetProperty("text", out var text) ? text.GetString() : part.GetProperty("type").GetString())),
        JsonValueKind.String => content.GetString()!,
        _ => "",
    };
}
