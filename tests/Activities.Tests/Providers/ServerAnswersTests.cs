using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Errors;
using Polyphony.Activities.Providers.OpenAI;
using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;
using Polyphony.TestKit.OpenAI;

namespace Polyphony.Activities.Tests.Providers;

/// <summary>Answers as servers really give them, and what the protocol makes of each: one request, nothing thrown away.</summary>
[Trait("Row", "T6")]
public sealed class ServerAnswersTests
{
    private const string Fine = """{"role":"assistant","content":"fine"}""";
    private const string Usage = """{"prompt_tokens":5,"completion_tokens":3,"total_tokens":8}""";

    /// <summary>A quirk; the body; the text, the finish reason and the counts of tokens that are right.</summary>
    public static TheoryData<string, string, string, string, string> Texts => new()
    {
        // Finish reasons.
        { "finish_reason null", Body(Fine, "null"), "fine", "stop", "5/3" },
        { "finish_reason empty", Body(Fine, "\"\""), "fine", "stop", "5/3" },
        { "finish_reason of vLLM", Body(Fine, "\"eos\""), "fine", "stop", "5/3" },
        { "finish_reason of Anthropic", Body(Fine, "\"end_turn\""), "fine", "stop", "5/3" },
        { "finish_reason of Gemini", Body(Fine, "\"STOP\""), "fine", "stop", "5/3" },
        { "finish_reason as a number", Body(Fine, "7"), "fine", "stop", "5/3" },
        { "finish_reason as an object", Body(Fine, "{}"), "fine", "stop", "5/3" },
        { "finish_reason missing", Body(Fine, "null").Replace(",\"finish_reason\":null", "", StringComparison.Ordinal), "fine", "stop", "5/3" },
        { "finish_reason tool_calls without calls", Body(Fine, "\"tool_calls\""), "fine", "stop", "5/3" },
        { "cut in Gemini's word", Body(Fine, "\"MAX_TOKENS\""), "fine", "length", "5/3" },
        { "cut in Mistral's word", Body(Fine, "\"model_length\""), "fine", "length", "5/3" },
        { "broken off in DeepSeek's word", Body(Fine, "\"insufficient_system_resource\""), "fine", "length", "5/3" },
        { "broken off in OpenRouter's word", Body(Fine, "\"error\""), "fine", "length", "5/3" },

        // Counts of tokens.
        { "usage missing", $$"""{"choices":[{"message":{{Fine}} }]}""", "fine", "stop", "-" },
        { "usage null", Whole(usage: "null"), "fine", "stop", "-" },
        { "usage empty", Whole(usage: "{}"), "fine", "stop", "-" },
        { "usage as a text", Whole(usage: "\"none\""), "fine", "stop", "-" },
        { "half of the usage null", Whole(usage: """{"prompt_tokens":5,"completion_tokens":null,"total_tokens":9}"""), "fine", "stop", "5/4" },
        { "usage with fractions", Whole(usage: """{"prompt_tokens":5.0,"completion_tokens":3.0}"""), "fine", "stop", "5/3" },
        { "usage in texts", Whole(usage: """{"prompt_tokens":"5","completion_tokens":" 3 "}"""), "fine", "stop", "5/3" },
        { "usage above 32 bits", Whole(usage: """{"prompt_tokens":3000000000,"completion_tokens":3}"""), "fine", "stop", "3000000000/3" },
        { "usage below zero", Whole(usage: """{"prompt_tokens":-1000000,"completion_tokens":-5,"total_tokens":-5}"""), "fine", "stop", "-" },
        { "usage beyond reason", Whole(usage: """{"prompt_tokens":1e300,"completion_tokens":3}"""), "fine", "stop", "?/3" },
        { "usage in other words", Whole(usage: """{"input_tokens":5,"output_tokens":3}"""), "fine", "stop", "5/3" },
        { "usage with odd details", Whole(usage: """{"prompt_tokens":5,"completion_tokens":3,"prompt_tokens_details":[],"completion_tokens_details":"x"}"""), "fine", "stop", "5/3" },

        // Times, ids, models.
        { "created null", Whole(created: "null"), "fine", "stop", "5/3" },
        { "created as a text", Whole(created: "\"2026-01-01T00:00:00Z\""), "fine", "stop", "5/3" },
        { "created with a fraction", Whole(created: "1700000000.25"), "fine", "stop", "5/3" },
        { "created in milliseconds", Whole(created: "1700000000000"), "fine", "stop", "5/3" },
        { "created below zero", Whole(created: "-5"), "fine", "stop", "5/3" },
        { "created beyond reason", Whole(created: "1e30"), "fine", "stop", "5/3" },
        { "model null", Whole(model: "null"), "fine", "stop", "5/3" },
        { "model as an object", Whole(model: "{}"), "fine", "stop", "5/3" },
        { "id null", Whole(id: "null"), "fine", "stop", "5/3" },
        { "id as a number", Whole(id: "7"), "fine", "stop", "5/3" },
        { "choices and message alone", """{"choices":[{"message":{"content":"fine"}}]}""", "fine", "stop", "-" },
        { "odd members", """{"choices":[{"message":{"content":"fine","annotations":"x","audio":7},"logprobs":[],"index":"first"}],"service_tier":[],"system_fingerprint":{} }""", "fine", "stop", "-" },

        // Roles and contents.
        { "role missing", Body("""{"content":"fine"}"""), "fine", "stop", "5/3" },
        { "role null", Body("""{"role":null,"content":"fine"}"""), "fine", "stop", "5/3" },
        { "role of another", Body("""{"role":"model","content":"fine"}"""), "fine", "stop", "5/3" },
        { "content in parts", Body("""{"role":"assistant","content":[{"type":"text","text":"fi"},{"type":"text","text":"ne"}]}"""), "fine", "stop", "5/3" },
        { "content in parts of Mistral", Body("""{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"fine"}]}"""), "fine", "stop", "5/3" },
        { "content in parts of the responses API", Body("""{"content":[{"type":"output_text","text":"fine","annotations":[]}]}"""), "fine", "stop", "5/3" },
        { "content as parsed JSON", Body("""{"content":{"score":7}}"""), """{"score":7}""", "stop", "5/3" },
        { "content as a number", Body("""{"content":7}"""), "7", "stop", "5/3" },
        { "message as a text", Body("\"fine\""), "fine", "stop", "5/3" },
        { "the older protocol", """{"choices":[{"text":"fine","finish_reason":"stop"}]}""", "fine", "stop", "-" },
        { "a delta in place of a message", """{"object":"chat.completion.chunk","choices":[{"delta":{"content":"fine"},"finish_reason":"stop"}]}""", "fine", "stop", "-" },
        { "the answer in the second choice", """{"choices":[{"message":{"content":null}},{"message":{"content":"fine"}}]}""", "fine", "stop", "-" },
        { "an empty refusal", Body("""{"content":"fine","refusal":""}"""), "fine", "stop", "5/3" },
        { "empty tool calls", Body("""{"content":"fine","tool_calls":[],"function_call":{}}"""), "fine", "stop", "5/3" },
        { "tool calls null", Body("""{"content":"fine","tool_calls":null,"function_call":null}"""), "fine", "stop", "5/3" },
        { "an error null beside it", $$"""{"error":null,"choices":[{"message":{{Fine}} }]}""", "fine", "stop", "-" },
        { "an error beside it", $$"""{"error":{"message":"late"},"choices":[{"message":{{Fine}} }]}""", "fine", "stop", "-" },

        // Bodies.
        { "keep-alive lines before it", "\n\n   \n" + Whole(), "fine", "stop", "5/3" },
        { "a byte order mark", "\uFEFF" + Whole(), "fine", "stop", "5/3" },
        { "a list of one", $"[{Whole()}]", "fine", "stop", "5/3" },
        { "an envelope", $$"""{"success":true,"result":{{Whole()}} }""", "fine", "stop", "5/3" },
        { "half a pair of surrogates", Body("""{"content":"cut \ud83d"}"""), "cut \uFFFD", "stop", "5/3" },
        { "the other half", Body("""{"content":"\uDE00 cut \uD83D\uDE00 \\ud83d"}"""), "\uFFFD cut 😀 \\ud83d", "stop", "5/3" },
        { "lines of chunks", "{\"choices\":[{\"delta\":{\"content\":\"fi\"}}]}\n{\"choices\":[{\"delta\":{\"content\":\"ne\"},\"finish_reason\":\"stop\"}]}\n", "fine", "stop", "-" },
        { "a stream nobody asked for", Events(
            """{"id":"c","model":"m","created":1,"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}""",
            """{"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"fi"}}]}""",
            """{"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"ne"},"finish_reason":null}]}""",
            """{"id":"c","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}""",
            $$"""{"id":"c","model":"m","choices":[],"usage":{{Usage}} }""",
            "[DONE]"), "fine", "stop", "5/3" },
        { "a stream with comments", ": OPENROUTER PROCESSING\n\n" + Events("""{"choices":[{"delta":{"content":"fine"},"finish_reason":"stop"}]}""", "[DONE]"), "fine", "stop", "-" },
        { "a stream that broke off", Events("""{"choices":[{"delta":{"content":"fi"}}]}""", """{"choices":[{"delta":{"content":"ne"}}]}"""), "fine", "length", "-" },
        { "a stream of one whole answer", Events(Whole()), "fine", "stop", "5/3" },
    };

    [Theory]
    [MemberData(nameof(Texts), DisableDiscoveryEnumeration = true)]
    public async Task GetResponse_TextInAnyForm_IsUsed(string quirk, string body, string text, string finishReason, string tokens)
    {
        var (response, requests) = await AskAsync(body);

        var usage = response.Usage is null ? "-" : $"{response.Usage.InputTokenCount?.ToString() ?? "?"}/{response.Usage.OutputTokenCount?.ToString() ?? "?"}";
        Assert.Equal((quirk, text, finishReason, tokens, 1), (quirk, response.Text, response.FinishReason!.Value.Value, usage, requests));
        Assert.Equal(ChatRole.Assistant, response.Messages[0].Role);
    }

    /// <summary>A quirk; the message; the tool and the arguments that are right, or the text that the tool refuses.</summary>
    public static TheoryData<string, string, string, string> Calls => new()
    {
        { "as it should be", Call("""{"name":"add","arguments":"{\"a\":1}"}"""), "add", """{"a":1}""" },
        { "arguments as an object", Call("""{"name":"add","arguments":{"a":1}}"""), "add", """{"a":1}""" },
        { "arguments null", Call("""{"name":"add","arguments":null}"""), "add", "{}" },
        { "arguments missing", Call("""{"name":"add"}"""), "add", "{}" },
        { "arguments empty", Call("""{"name":"add","arguments":""}"""), "add", "{}" },
        { "arguments blank", Call("""{"name":"add","arguments":" \n"}"""), "add", "{}" },
        { "arguments \"null\"", Call("""{"name":"add","arguments":"null"}"""), "add", "{}" },
        { "arguments quoted twice", Call("""{"name":"add","arguments":"\"{\\\"a\\\":1}\""}"""), "add", """{"a":1}""" },
        { "a key twice", Call("""{"name":"add","arguments":"{\"a\":7,\"b\":{\"c\":1,\"c\":2},\"a\":1}"}"""), "add", """{"a":1,"b":{"c":2}}""" },
        { "half a character in arguments", Call("""{"name":"add","arguments":"{\"a\":\"cut \\ud83d\"}"}"""), "add", """{"a":"cut \uFFFD"}""" },
        { "parameters in place of arguments", Call("""{"name":"add","parameters":{"a":1}}"""), "add", """{"a":1}""" },
        { "name and arguments in the call", """{"tool_calls":[{"id":"c1","name":"add","arguments":{"a":1}}]}""", "add", """{"a":1}""" },
        { "one call and no list", """{"tool_calls":{"id":"c1","function":{"name":"add","arguments":"{\"a\":1}"}}}""", "add", """{"a":1}""" },
        { "the deprecated function_call", """{"content":null,"function_call":{"name":"add","arguments":"{\"a\":1}"}}""", "add", """{"a":1}""" },
        { "no name", Call("""{"name":"","arguments":"{}"}"""), "(no name)", "{}" },
        { "name null", Call("""{"name":null,"arguments":"{}"}"""), "(no name)", "{}" },
        { "half a character in the name", Call("""{"name":"add\ud83d","arguments":"{}"}"""), "add\uFFFD", "{}" },
        { "type and id missing", """{"tool_calls":[{"function":{"name":"add","arguments":"{\"a\":1}"}}]}""", "add", """{"a":1}""" },
        { "arguments that are no JSON", Call("""{"name":"add","arguments":"a = 1"}"""), "add", "\"a = 1\"" },
        { "arguments as a list", Call("""{"name":"add","arguments":"[1]"}"""), "add", "\"[1]\"" },
    };

    [Theory]
    [MemberData(nameof(Calls), DisableDiscoveryEnumeration = true)]
    public async Task GetResponse_ToolCallInAnyForm_IsUsed(string quirk, string message, string tool, string arguments)
    {
        var (response, requests) = await AskAsync(Body(message, "\"stop\""));

        var call = Assert.Single(response.Messages[0].Contents.OfType<FunctionCallContent>());
        Assert.Equal((quirk, tool, 1), (quirk, call.Name, requests));
        var found = call.Arguments is null ? JsonSerializer.SerializeToElement((string)call.RawRepresentation!) : JsonSerializer.SerializeToElement(call.Arguments);
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(arguments), found), $"{quirk}: {found}");
        Assert.NotEmpty(call.CallId);
        Assert.Equal(ChatFinishReason.ToolCalls, response.FinishReason);
    }

    [Theory]
    [InlineData("""[{"id":"","function":{"name":"a"}},{"id":null,"function":{"name":"b"}},{"function":{"name":"c"}}]""")]
    [InlineData("""[{"id":"x","function":{"name":"a"}},{"id":"x","function":{"name":"b"}},{"id":"x","function":{"name":"c"}}]""")]
    public async Task GetResponse_IdsMissingOrRepeated_AreToldApart(string calls)
    {
        var (response, _) = await AskAsync(Body($$"""{"tool_calls":{{calls}} }"""));

        var ids = response.Messages[0].Contents.OfType<FunctionCallContent>().Select(call => call.CallId).ToArray();
        Assert.Equal(3, ids.Distinct().Count());

        // The strictest server, Mistral, takes nine letters and digits.
        Assert.All(ids.Where(id => id != "x"), id => Assert.Matches("^[A-Za-z0-9]{9}$", id));
    }

    [Fact]
    public async Task GetResponse_StreamWithToolCalls_IsPutTogether()
    {
        var (response, _) = await AskAsync(Events(
            """{"choices":[{"delta":{"role":"assistant","content":"Let me see.","tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"add","arguments":""}}]}}]}""",
            """{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\""}}]}}]}""",
            """{"choices":[{"delta":{"tool_calls":[{"index":1,"id":"c2","function":{"name":"sub","arguments":"{}"}}]}}]}""",
            """{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]},"finish_reason":"tool_calls"}]}""",
            "[DONE]"));

        Assert.Equal("Let me see.", response.Text);
        Assert.Equal(
            [("c1", "add", "1"), ("c2", "sub", null)],
            response.Messages[0].Contents.OfType<FunctionCallContent>().Select(call => (call.CallId, call.Name, call.Arguments!.Values.SingleOrDefault()?.ToString())));
    }

    [Fact]
    public async Task GetResponse_StreamOfCallsWithoutIndex_IsPutTogether()
    {
        var (response, _) = await AskAsync(Events(
            """{"choices":[{"delta":{"tool_calls":[{"id":"c1","function":{"name":"add","arguments":"{\"a\":"}}]}}]}""",
            """{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"1}"}}]}}]}""",
            """{"choices":[{"delta":{"tool_calls":[{"id":"c2","function":{"name":"sub","arguments":"{}"},"extra_content":{"s":1}}]},"finish_reason":"stop"}]}"""));

        var calls = response.Messages[0].Contents.OfType<FunctionCallContent>().ToArray();
        Assert.Equal([("c1", "add", 1), ("c2", "sub", 0)], calls.Select(call => (call.CallId, call.Name, call.Arguments!.Count)));
        Assert.Equal("""{"extra_content":{"s":1}}""", calls[1].AdditionalProperties!["extra"]!.ToString());
    }

    /// <summary>What is no answer; the body; the code, the kind and some words of the error that are right.</summary>
    public static TheoryData<string, string, string, ErrorKind, string> Errors => new()
    {
        { "an error object", """{"error":{"message":"The upstream is busy.","type":"server_error","code":null}}""", ErrorCodes.ProviderUnavailable, ErrorKind.Transient, "The upstream is busy." },
        { "an error with a status", """{"error":{"message":"Slow down.","code":429}}""", ErrorCodes.RateLimited, ErrorKind.RateLimited, "Slow down." },
        { "an error with a code", """{"error":{"message":"Slow down.","code":"rate_limit_exceeded"}}""", ErrorCodes.RateLimited, ErrorKind.RateLimited, "Slow down." },
        { "an error about the request", """{"error":{"message":"No such key.","type":"invalid_request_error"}}""", ErrorCodes.BadRequest, ErrorKind.Terminal, "No such key." },
        { "an error about the length", """{"error":{"message":"Too long.","code":"context_length_exceeded"}}""", ErrorCodes.ContextTooLong, ErrorKind.Terminal, "Too long." },
        { "an error as a text", """{"error":"overloaded"}""", ErrorCodes.ProviderUnavailable, ErrorKind.Transient, "overloaded" },
        { "an error in the choice", """{"choices":[{"error":{"code":502,"message":"Upstream failed."},"message":{"content":""},"finish_reason":"error"}]}""", ErrorCodes.ProviderUnavailable, ErrorKind.Transient, "Upstream failed." },
        { "an error beside no choices", """{"error":{"code":401,"message":"Who are you?"},"choices":[]}""", ErrorCodes.Authentication, ErrorKind.Terminal, "Who are you?" },
        { "an error of Gemini", """[{"error":{"code":400,"message":"Bad part.","status":"INVALID_ARGUMENT"}}]""", ErrorCodes.BadRequest, ErrorKind.Terminal, "Bad part." },
        { "an error of vLLM", """{"object":"error","message":"No such model.","type":"NotFoundError","code":404}""", ErrorCodes.ModelNotFound, ErrorKind.Terminal, "No such model." },
        { "a detail", """{"detail":"Not ready."}""", ErrorCodes.ProviderUnavailable, ErrorKind.Transient, "Not ready." },
        { "a list of errors", """{"success":false,"errors":[{"code":7003,"message":"Could not route."}],"result":null}""", ErrorCodes.ProviderUnavailable, ErrorKind.Transient, "Could not route." },
        { "an error in a stream", Events("""{"error":{"code":429,"message":"Slow down."}}"""), ErrorCodes.RateLimited, ErrorKind.RateLimited, "Slow down." },
        { "a page", "<!DOCTYPE html>\n<html><title>Sign in</title></html>", ErrorCodes.ProviderInvalidAnswer, ErrorKind.Transient, "a page, and not JSON: \"<!DOCTYPE html>" },
        { "a sentence", "upstream is busy", ErrorCodes.ProviderInvalidAnswer, ErrorKind.Transient, "it is not JSON: \"upstream is busy\"" },
        { "nothing", "", ErrorCodes.ProviderInvalidAnswer, ErrorKind.Transient, "the body is empty" },
        { "blanks", " \n ", ErrorCodes.ProviderInvalidAnswer, ErrorKind.Transient, "the body is blank" },
        { "null", "null", ErrorCodes.ProviderInvalidAnswer, ErrorKind.Transient, "it is null" },
        { "choices empty", """{"choices":[]}""", ErrorCodes.ProviderInvalidAnswer, ErrorKind.Transient, "it has no choices" },
        { "choices null", """{"choices":null}""", ErrorCodes.ProviderInvalidAnswer, ErrorKind.Transient, "it has no choices" },
        { "a list of choices of null", """{"choices":[null]}""", ErrorCodes.ProviderInvalidAnswer, ErrorKind.Transient, "it has no choices" },
        { "something else", """{"models":[],"object":"list"}""", ErrorCodes.ProviderInvalidAnswer, ErrorKind.Transient, "its members are \"models\", \"object\"" },
        { "a stream without an answer", ": ping\n\ndata: [DONE]\n\n", ErrorCodes.ProviderInvalidAnswer, ErrorKind.Transient, "a stream of events without an answer" },
        { "a stream of something else", "data: hello\n\n", ErrorCodes.ProviderInvalidAnswer, ErrorKind.Transient, "one of them is not JSON" },
    };

    [Theory]
    [MemberData(nameof(Errors), DisableDiscoveryEnumeration = true)]
    public async Task GetResponse_NoAnswerInASuccess_IsClassified(string what, string body, string code, ErrorKind kind, string says)
    {
        var exception = await Assert.ThrowsAnyAsync<PolyphonyException>(() => AskAsync(body));

        var error = ErrorClassifier.Classify(exception);
        Assert.Equal((what, code, kind), (what, error.Code, error.Kind));
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(200, ErrorCodes.AnswerTooLarge, ErrorKind.Terminal)]
    [InlineData(500, ErrorCodes.ProviderUnavailable, ErrorKind.Transient)]
    public async Task GetResponse_AnswerWithoutEnd_IsNotReadToTheEnd(int status, string code, ErrorKind kind)
    {
        await using var server = await FakeOpenAIServer.StartAsync(new FakeOpenAIAnswer { Status = status, Body = " ", IsEndless = true });

        var exception = await Assert.ThrowsAnyAsync<Exception>(() => Client(server).GetResponseAsync("Hi", cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal((code, kind), (ErrorClassifier.Classify(exception).Code, ErrorClassifier.Classify(exception).Kind));
        Assert.Equal(status == 200, Settlement.MayBePaid(exception));
        await server.Aborted;
    }

    [Fact]
    public async Task GetResponse_Options_AreSent()
    {
        await using var server = await FakeOpenAIServer.StartAsync("fine");

        await Client(server).GetResponseAsync(
            [new ChatMessage(ChatRole.User, [new TextContent("What is it?"), new DataContent(new byte[] { 1, 2 }, "image/png"), new UriContent("https://example.com/a.png", "image/png")])],
            new ChatOptions { TopP = 0.5f, Seed = 3, StopSequences = ["END"], MaxOutputTokens = 9, FrequencyPenalty = 0.25f, Reasoning = new ReasoningOptions { Effort = ReasoningEffort.Low } },
            TestContext.Current.CancellationToken);

        var body = server.Requests[0].Body;
        Assert.Equal((0.5, 3, 9, 0.25), (body.GetProperty("top_p").GetDouble(), body.GetProperty("seed").GetInt32(), body.GetProperty("max_tokens").GetInt32(), body.GetProperty("frequency_penalty").GetDouble()));
        Assert.Equal(("END", "low"), (body.GetProperty("stop")[0].GetString(), body.GetProperty("reasoning_effort").GetString()));
        Assert.Equal(
            ["data:image/png;base64,AQI=", "https://example.com/a.png"],
            server.Requests[0].Messages[0].GetProperty("content").EnumerateArray().Skip(1).Select(part => part.GetProperty("image_url").GetProperty("url").GetString()));
    }

    [Theory]
    [InlineData("""{"prompt_tokens":9,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}}""")]
    [InlineData("""{"prompt_tokens":9,"completion_tokens":5,"prompt_cache_hit_tokens":4,"reasoning_tokens":"2"}""")]
    public async Task GetResponse_CachedAndReasoningTokens_AreCounted(string usage)
    {
        var (response, _) = await AskAsync(Whole(usage: usage));

        Assert.Equal((9L, 5L, 4L, 2L), (response.Usage!.InputTokenCount, response.Usage.OutputTokenCount, response.Usage.CachedInputTokenCount, response.Usage.ReasoningTokenCount));
    }

    [Fact]
    public async Task GetResponse_HalvesOfCharacters_AreCounted()
    {
        var (response, _) = await AskAsync(Body("""{"content":"\ud83d","tool_calls":[{"id":"c","function":{"name":"f","arguments":"{\"a\":\"\\udc00\"}"}}]}"""));

        Assert.Equal(2, response.AdditionalProperties!["replaced"]);
    }

    [Fact]
    public async Task GetResponse_InvalidUtf8_IsReplaced()
    {
        await using var server = await FakeOpenAIServer.StartAsync(new FakeOpenAIAnswer { Bytes = [.. "{\"choices\":[{\"message\":{\"content\":\"caf"u8, 0xE9, .. "\"}}]}"u8] });

        var response = await Client(server).GetResponseAsync("Hi", cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(("caf\uFFFD", 1), (response.Text, response.AdditionalProperties!["replaced"]));
    }

    private static string Body(string message, string finishReason = "\"stop\"") =>
        $$"""{"id":"c","object":"chat.completion","created":1700000000,"model":"m","choices":[{"index":0,"message":{{message}},"finish_reason":{{finishReason}}}],"usage":{{Usage}} }""";

    private static string Whole(string id = "\"c\"", string created = "1", string model = "\"m\"", string usage = Usage) =>
        $$"""{"id":{{id}},"object":"chat.completion","created":{{created}},"model":{{model}},"choices":[{"index":0,"message":{{Fine}},"finish_reason":"stop"}],"usage":{{usage}} }""";

    private static string Call(string function) => $$"""{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{{function}} }]}""";

    private static string Events(params string[] data) => string.Concat(data.Select(item => $"data: {item}\n\n"));

    private static async Task<(ChatResponse Response, int Requests)> AskAsync(string body)
    {
        await using var server = await FakeOpenAIServer.StartAsync(new FakeOpenAIAnswer { Body = body });
        var response = await Client(server).GetResponseAsync("Hi", cancellationToken: TestContext.Current.CancellationToken);
        return (response, server.Requests.Count);
    }

    private static IChatClient Client(FakeOpenAIServer server) =>
        new OpenAIProvider(name => name switch { "OPENAI_BASE_URL" => server.Endpoint.ToString(), "OPENAI_API_KEY" => "key-1", _ => null })
            .GetClient(new ModelDefinition { Name = "fast", Provider = "openai", Model = "gpt-test" });
}
