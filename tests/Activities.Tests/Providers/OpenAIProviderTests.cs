using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Errors;
using Polyphony.Activities.Providers;
using Polyphony.Activities.Providers.OpenAI;
using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;
using Polyphony.TestKit.OpenAI;

namespace Polyphony.Activities.Tests.Providers;

/// <summary>The official SDK against a server that speaks the protocol.</summary>
[Trait("Row", "O13")]
public sealed class OpenAIProviderTests
{
    private static readonly ModelDefinition Fast = new() { Name = "fast", Provider = "openai", Model = "gpt-test" };

    [Fact]
    [Trait("Row", "C10")]
    public async Task GetResponse_Answer_HasTextUsageAndIds()
    {
        await using var server = await FakeOpenAIServer.StartAsync("Hello.");

        var response = await Client(server).GetResponseAsync(Prompt("Hi"), cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(("Hello.", "fake-1", "stop", "chatcmpl-1"), (response.Text, response.ModelId, response.FinishReason!.Value.Value, response.ResponseId));
        Assert.Equal((11L, 7L), (response.Usage!.InputTokenCount!.Value, response.Usage.OutputTokenCount!.Value));
        Assert.Equal("req-1", response.AdditionalProperties!["requestId"]);
        var request = Assert.Single(server.Requests);
        Assert.Equal(("gpt-test", "Hi", "Bearer key-1"), (request.Model, request.Prompt, request.Headers["Authorization"]));
        Assert.Equal(1, server.Answers["Hi"]);
    }

    [Fact]
    [Trait("Row", "O12")]
    public async Task GetResponse_WholeConversation_IsSentInTheProtocol()
    {
        await using var server = await FakeOpenAIServer.StartAsync(FakeOpenAIAnswer.Calls(("c2", "add", """{"a":3}"""), ("c3", "add", "not json")));
        ChatMessage[] messages =
        [
            new(ChatRole.System, "Be brief."),
            new(ChatRole.User, "plan (planner):\nx") { AuthorName = "the planner/1" },
            new(ChatRole.Assistant, "I said."),
            new(ChatRole.User, "Add."),
            new(ChatRole.Assistant, [new FunctionCallContent("c1", "add", new Dictionary<string, object?> { ["a"] = 1 })]),
            new(ChatRole.Tool, [new FunctionResultContent("c1", "2")]),
        ];

        var response = await Provider(server.Endpoint.ToString()).GetClient(Fast with { Dialect = new ModelDialect { Name = "openai" } }).GetResponseAsync(
            messages,
            new ChatOptions { Temperature = 0.5f, MaxOutputTokens = 99, Tools = [AIFunctionFactory.Create((int a) => a + 1, "add", "Adds one.")] },
            TestContext.Current.CancellationToken);

        var body = server.Requests[0].Body;
        Assert.Equal(["system", "user", "assistant", "user", "assistant", "tool"], server.Requests[0].Messages.Select(message => message.GetProperty("role").GetString()));
        Assert.Equal("the_planner_1", server.Requests[0].Messages[1].GetProperty("name").GetString());
        Assert.Equal("""{"a":1}""", server.Requests[0].Messages[4].GetProperty("tool_calls")[0].GetProperty("function").GetProperty("arguments").GetString());
        Assert.Equal("c1", server.Requests[0].Messages[5].GetProperty("tool_call_id").GetString());
        Assert.Equal((0.5, 99), (body.GetProperty("temperature").GetDouble(), body.GetProperty("max_completion_tokens").GetInt32()));
        Assert.Equal("add", body.GetProperty("tools")[0].GetProperty("function").GetProperty("name").GetString());
        Assert.Equal("integer", body.GetProperty("tools")[0].GetProperty("function").GetProperty("parameters").GetProperty("properties").GetProperty("a").GetProperty("type").GetString());

        Assert.Equal(ChatFinishReason.ToolCalls, response.FinishReason);
        var calls = response.Messages[0].Contents.OfType<FunctionCallContent>().ToArray();
        Assert.Equal(("c2", "add", "3"), (calls[0].CallId, calls[0].Name, calls[0].Arguments!["a"]!.ToString()));
        Assert.Equal(("c3", null, "not json"), (calls[1].CallId, calls[1].Arguments, calls[1].RawRepresentation));
    }

    [Theory]
    [Trait("Row", "O16")]
    [InlineData("image/png", "image_url", "url")]
    [InlineData("image/jpeg", "image_url", "url")]
    [InlineData("application/pdf", "file", "file_data")]
    [InlineData("audio/wav", "input_audio", "data")]
    [InlineData("audio/mpeg", "input_audio", "data")]
    public async Task GetResponse_Attachment_IsSentAsAPartOfTheMessageBesideItsText(string mediaType, string part, string member)
    {
        await using var server = await FakeOpenAIServer.StartAsync("A cat.");
        var data = "cat"u8.ToArray();
        ChatMessage[] messages = [new(ChatRole.User, "Look."), new(ChatRole.User, [new TextContent("What is it?"), new DataContent(data, mediaType) { Name = "cat.pdf" }])];

        await Provider(server.Endpoint.ToString()).GetClient(Fast).GetResponseAsync(messages, cancellationToken: TestContext.Current.CancellationToken);

        // Joined, as the dialect of most servers wants it.
        var message = Assert.Single(server.Requests[0].Messages);
        var parts = message.GetProperty("content").EnumerateArray().ToArray();
        Assert.Equal(["text", "text", part], parts.Select(each => each.GetProperty("type").GetString()));
        Assert.Contains(Convert.ToBase64String(data), parts[2].GetProperty(part).GetProperty(member).GetString(), StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Row", "O16")]
    public async Task GetResponse_AttachmentForAModelOfTextAlone_IsRefusedBeforeItIsSent()
    {
        await using var server = await FakeOpenAIServer.StartAsync("Never asked.");
        ChatMessage[] messages = [new(ChatRole.User, [new TextContent("What is it?"), new DataContent("cat"u8.ToArray(), "image/png")])];

        var refused = await Assert.ThrowsAsync<ModelException>(() => Provider(server.Endpoint.ToString())
            .GetClient(Fast with { Dialect = new ModelDialect { Name = "deepseek" } }).GetResponseAsync(messages, cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal((ErrorCodes.BadRequest, ErrorKind.Terminal), (refused.Error.Code, refused.Error.Kind));
        Assert.Contains("The model takes text alone, and a file of type image/png is attached.", refused.Message, StringComparison.Ordinal);
        Assert.False(Settlement.MayBePaid(refused));
        Assert.Empty(server.Requests);
    }

    [Theory]
    [Trait("Row", "O13")]
    [InlineData("""{"type":"object","required":["a"],"additionalProperties":false,"properties":{"a":{"type":"string"}}}""", true)]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string"}}}""", false)]
    [InlineData("""{"type":"object","required":["a"],"additionalProperties":false,"properties":{"a":{"type":"string","maxLength":5}}}""", false)]
    [InlineData("""{"type":"object","required":["a"],"additionalProperties":false,"properties":{"a":{"type":"array","items":{"type":"object","properties":{}}}}}""", false)]
    public async Task GetResponse_Schema_IsStrictWherePossible(string schema, bool isStrict)
    {
        await using var server = await FakeOpenAIServer.StartAsync("""{"a":"x"}""");

        await Client(server).GetResponseAsync(
            Prompt("Hi"), new ChatOptions { ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonElement.Parse(schema), "answer") }, TestContext.Current.CancellationToken);

        var format = server.Requests[0].Body.GetProperty("response_format");
        Assert.Equal("json_schema", format.GetProperty("type").GetString());
        Assert.Equal(isStrict, format.GetProperty("json_schema").GetProperty("strict").GetBoolean());
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(schema), format.GetProperty("json_schema").GetProperty("schema")));
    }

    [Fact]
    [Trait("Row", "C10")]
    public async Task GetResponse_Refusal_IsAnError()
    {
        await using var server = await FakeOpenAIServer.StartAsync(FakeOpenAIAnswer.Refusal("I can't."));

        var response = await Client(server).GetResponseAsync(Prompt("Hi"), cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal("I can't.", Assert.Single(response.Messages[0].Contents.OfType<ErrorContent>()).Message);
    }

    public static TheoryData<string, FakeOpenAIAnswer, string, ErrorKind, long?> Failures => new()
    {
        { "both headers", FakeOpenAIAnswer.Error(429, "rate_limit_exceeded", "slow", ("retry-after-ms", "250"), ("Retry-After", "9")), ErrorCodes.RateLimited, ErrorKind.RateLimited, 250 },
        { "seconds", FakeOpenAIAnswer.Error(429, null, "slow", ("Retry-After", "2")), ErrorCodes.RateLimited, ErrorKind.RateLimited, 2000 },
        { "quota", FakeOpenAIAnswer.Error(429, "insufficient_quota", "no money"), ErrorCodes.RateLimited, ErrorKind.Terminal, null },
        { "redirect", FakeOpenAIAnswer.Error(307, null, "elsewhere", ("Location", "/v1/chat/completions")), ErrorCodes.BadRequest, ErrorKind.Terminal, null },
        { "server error", FakeOpenAIAnswer.Error(500, null, "oops"), ErrorCodes.ProviderUnavailable, ErrorKind.Transient, null },
        { "gateway page", new FakeOpenAIAnswer { Status = 502, Body = "<html>bad gateway</html>" }, ErrorCodes.ProviderUnavailable, ErrorKind.Transient, null },
        { "key", FakeOpenAIAnswer.Error(401, "invalid_api_key", "wrong"), ErrorCodes.Authentication, ErrorKind.Terminal, null },
        { "filter", FakeOpenAIAnswer.Error(400, "content_filter", "no"), ErrorCodes.ContentFilter, ErrorKind.Terminal, null },
        { "long", FakeOpenAIAnswer.Error(400, "context_length_exceeded", "too long"), ErrorCodes.ContextTooLong, ErrorKind.Terminal, null },
        { "reset", new FakeOpenAIAnswer { Resets = true }, ErrorCodes.ProviderUnavailable, ErrorKind.Transient, null },
        { "reset in the body", FakeOpenAIAnswer.Text("Hello.") with { ResetsAfter = 40 }, ErrorCodes.ProviderUnavailable, ErrorKind.Transient, null },
        { "no json", new FakeOpenAIAnswer { Body = "hello" }, ErrorCodes.ProviderInvalidAnswer, ErrorKind.Transient, null },
        { "half json", new FakeOpenAIAnswer { Body = """{"id":"x","choices":[{""" }, ErrorCodes.ProviderInvalidAnswer, ErrorKind.Transient, null },
        { "no choices", new FakeOpenAIAnswer { Body = """{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[]}""" }, ErrorCodes.ProviderInvalidAnswer, ErrorKind.Transient, null },
        { "empty object", new FakeOpenAIAnswer { Body = "{}" }, ErrorCodes.ProviderInvalidAnswer, ErrorKind.Transient, null },
        { "empty body", new FakeOpenAIAnswer(), ErrorCodes.ProviderInvalidAnswer, ErrorKind.Transient, null },
        { "array", new FakeOpenAIAnswer { Body = "[]" }, ErrorCodes.ProviderInvalidAnswer, ErrorKind.Transient, null },
    };

    [Theory]
    [Trait("Row", "C9")]
    [Trait("Row", "C4")]
    [MemberData(nameof(Failures), DisableDiscoveryEnumeration = true)]
    public async Task GetResponse_Failure_IsClassifiedAfterOneRequest(string name, FakeOpenAIAnswer answer, string code, ErrorKind kind, long? retryAfter)
    {
        await using var server = await FakeOpenAIServer.StartAsync(answer);

        var exception = await Assert.ThrowsAnyAsync<Exception>(() => Client(server).GetResponseAsync(Prompt("Hi"), cancellationToken: TestContext.Current.CancellationToken));

        var error = ErrorClassifier.Classify(exception);
        Assert.Equal((name, code, kind, retryAfter), (name, error.Code, error.Kind, error.RetryAfterMs));
        Assert.Single(server.Requests);
    }

    [Fact]
    [Trait("Row", "C9")]
    public async Task GetResponse_NobodyListens_IsTransient()
    {
        Uri endpoint;
        await using (var server = await FakeOpenAIServer.StartAsync("x"))
        {
            endpoint = server.Endpoint;
        }

        var client = Provider(endpoint.ToString()).GetClient(Fast);
        var exception = await Assert.ThrowsAnyAsync<Exception>(() => client.GetResponseAsync(Prompt("Hi"), cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal((ErrorCodes.ProviderUnavailable, ErrorKind.Transient), (ErrorClassifier.Classify(exception).Code, ErrorClassifier.Classify(exception).Kind));
    }

    [Fact]
    [Trait("Row", "C7")]
    public async Task GetResponse_SlowBytes_AreReadToTheEnd()
    {
        await using var server = await FakeOpenAIServer.StartAsync(FakeOpenAIAnswer.Text("Slow.") with { IsSlow = true });

        Assert.Equal("Slow.", (await Client(server).GetResponseAsync(Prompt("Hi"), cancellationToken: TestContext.Current.CancellationToken)).Text);
    }

    [Theory]
    [Trait("Row", "C7")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Agent_TimesOut_ClosesTheConnection(bool stallsInTheBody)
    {
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await FakeOpenAIServer.StartAsync(_ =>
        {
            arrived.SetResult();
            return FakeOpenAIAnswer.Text("late") with { Hangs = !stallsInTheBody, Stalls = stallsInTheBody };
        });
        var harness = new ActivityHarness(Client(server));
        var running = harness.AgentAsync(harness.Call(), TestContext.Current.CancellationToken);
        await arrived.Task;

        harness.Clock.Advance(TimeSpan.FromSeconds(30));

        Assert.Equal(ErrorCodes.Timeout, (await running).Error!.Code);
        await server.Aborted;
    }

    [Fact]
    [Trait("Row", "C7")]
    public async Task Agent_HostStops_ClosesTheConnection()
    {
        using var stop = new CancellationTokenSource();
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await FakeOpenAIServer.StartAsync(_ =>
        {
            arrived.SetResult();
            return new FakeOpenAIAnswer { Hangs = true };
        });
        var harness = new ActivityHarness(Client(server));
        var running = harness.AgentAsync(harness.Call(), stop.Token);
        await arrived.Task;

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        await server.Aborted;
    }

    [Fact]
    [Trait("Row", "C10")]
    public async Task Agent_OverHttp_RecordsTheProvidersRequestId()
    {
        await using var server = await FakeOpenAIServer.StartAsync(FakeOpenAIAnswer.Error(503, null, "wait"), "Done.");
        var harness = new ActivityHarness(Client(server));

        var failed = await harness.AgentAsync(harness.Call(), TestContext.Current.CancellationToken);
        var result = await harness.AgentAsync(harness.Call() with { Attempt = 2 }, TestContext.Current.CancellationToken);

        Assert.Contains("(request req-1)", failed.Error!.Message, StringComparison.Ordinal);
        Assert.Equal(("Done.", "req-1", 1, 11L, 7L), (result.Output!.Json!.Value.GetString(), result.ProviderRequestId, result.Usage.ModelCalls, result.Usage.InputTokens, result.Usage.OutputTokens));
        Assert.Equal(1, Assert.Single(server.Answers).Value);
    }

    [Fact]
    [Trait("Exempt", "models and keys of the host")]
    public void GetClient_SameModel_IsShared()
    {
        var provider = Provider("http://127.0.0.1:1/v1");

        Assert.Same(provider.GetClient(Fast), provider.GetClient(Fast with { Name = "other" }));
        Assert.NotSame(provider.GetClient(Fast), provider.GetClient(Fast with { Model = "gpt-other" }));
    }

    [Fact]
    [Trait("Exempt", "models and keys of the host")]
    public void GetClient_NoKey_SaysWhichVariable()
    {
        var exception = Assert.Throws<ModelException>(() => new OpenAIProvider(_ => null).GetClient(Fast));

        Assert.Equal(ErrorCodes.Authentication, exception.Code);
        Assert.Contains("OPENAI_API_KEY", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Exempt", "models and keys of the host")]
    public async Task GetClient_OwnEndpointWithoutVariable_IsNotGivenTheHostsKey()
    {
        await using var server = await FakeOpenAIServer.StartAsync("x");

        var client = Provider("http://127.0.0.1:1/v1").GetClient(Fast with { Endpoint = server.Endpoint });
        await client.GetResponseAsync(Prompt("Hi"), cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal("Bearer none", server.Requests[0].Headers["Authorization"]);
    }

    private static ChatMessage[] Prompt(string text) => [new(ChatRole.User, text)];

    private static OpenAIProvider Provider(string endpoint) => new(name => name switch
    {
        "OPENAI_BASE_URL" => endpoint,
        "OPENAI_API_KEY" => "key-1",
        _ => null,
    });

    private static IChatClient Client(FakeOpenAIServer server) => Provider(server.Endpoint.ToString()).GetClient(Fast);
}
