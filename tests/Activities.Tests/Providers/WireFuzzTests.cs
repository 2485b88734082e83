using System.ClientModel.Primitives;
using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Providers.OpenAI;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;
using Polyphony.TestKit.Fuzzing;

namespace Polyphony.Activities.Tests.Providers;

/// <summary>Whole HTTP answers through the pipeline of the SDK and the activity: whatever comes over the wire, the result is an answer or an error of a known code, and no text is lost.</summary>
[Trait("Row", "T6")]
public sealed class WireFuzzTests
{
    private const string Key = "sesame-open-77";
    private const string Prompt = "Write about tests, round 1.";
    private const string Words = "The answer is 42, says 😀.";

    // The words of a model may say anything; these are not the words of a server.
    private static readonly string[] WordsOfModels = [ErrorCodes.ContentFilter, ErrorCodes.OutputInvalid, ErrorCodes.ToolArgumentsInvalid, ErrorCodes.TooManyToolCalls];

    private static readonly JsonSerializerOptions Relaxed = new() { MaxDepth = 500, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly string[] Codes =
    [
        .. WordsOfModels, ErrorCodes.RateLimited, ErrorCodes.ProviderUnavailable, ErrorCodes.ProviderInvalidAnswer, ErrorCodes.EmptyAnswer, ErrorCodes.AnswerTooLarge, ErrorCodes.BadRequest,
        ErrorCodes.ContextTooLong, ErrorCodes.Authentication, ErrorCodes.ModelNotFound, ErrorCodes.Timeout,
    ];

    private static readonly string[] Types =
    [
        "application/json", "application/json; charset=utf-8", "application/problem+json", "text/event-stream", "text/html; charset=iso-8859-1", "text/plain; charset=utf-16", "application/json; charset=nonsense", "",
        "application/octet-stream", "application/json; charset=\"shift_jis\"", "image/png",
    ];

    private static readonly int[] Statuses = [204, 301, 400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 529];

    private static readonly string[] Packings = ["", "", "", "gzip", "br", "deflate", "gzip, gzip", "zstd", "identity"];

    private static readonly string[] Bodies =
    [
        """{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"finish_reason":"stop","logprobs":null,"message":{"role":"assistant","content":"Hello 😀","refusal":null,"annotations":[]}}],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":3}}}""",
        """{"id":"c","choices":[{"finish_reason":"tool_calls","message":{"role":"assistant","content":null,"reasoning_content":"hm","tool_calls":[{"id":"t","type":"function","function":{"name":"add","arguments":"{\"a\":1,\"b\":2}"},"extra_content":{"google":{"thought_signature":"x"}}},{"index":1,"function":{"name":"add","arguments":{"a":[1]}}}]}}],"usage":{"prompt_tokens":"10","completion_tokens_details":{"reasoning_tokens":3}}}""",
        """{"choices":[{"message":{"content":"<think>so</think>```json\n{\"score\":7}\n```"},"finish_reason":"length","content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}],"prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"jailbreak":{"detected":true}}}]}""",
        """{"error":{"message":"The model is overloaded, try again in 4.5s. KEY PROMPT","type":"server_error","code":503,"param":null,"innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":{"violence":{"filtered":true,"severity":"medium"}}}}}""",
        """[{"error":{"code":429,"message":"Quota.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"39s"},{"links":[{"url":"https://x"}]}]}}]""",
        """{"type":"about:blank","title":"Too Many Requests","status":429,"detail":"Slow down PROMPT","retry_after":{"seconds":7,"nanos":5}}""",
        """{"detail":[{"type":"missing","loc":["body","messages"],"msg":"Field required","input":{"model":"x"}}],"metadata":{"raw":"{\"error\":{\"message\":\"inner KEY\"}}"}}""",
        """litellm.RateLimitError: {'error': {'message': "no \"luck\"", 'type': 'x'}} Received Model Group=gpt""",
        "data: {\"id\":\"c\",\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"Hel\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"lo\",\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"add\",\"arguments\":\"{\"}}]},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1}}\n\ndata: [DONE]\n\n",
        "event: error\ndata: {\"error\":{\"message\":\"Busy KEY\",\"code\":\"overloaded\"}}\n\n",
        "{\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}\n{\"choices\":[{\"delta\":{\"content\":\"lo\"},\"finish_reason\":\"stop\"}]}\n",
        """{"response":{"choices":[{"message":{"content":[{"type":"text","text":"a"},{"type":"reasoning","text":"b"}],"reasoning_content":"c"}}]}}""",
        "<!DOCTYPE html><html><head><title>502 Bad Gateway</title><style>a{}</style></head><body><h1>502 Bad Gateway</h1><script>var x;</script>PROMPT</body></html>",
        """<?xml version="1.0"?><Error><Code>AuthenticationFailed</Code><Message>Wrong key KEY</Message></Error>""",
    ];

    private static readonly string[] Pieces =
    [
        "{", "}", "[", "]", ",", ":", "\"", "\\", "null", "true", "-1", "1e400", "9999999999999999999", "\"7\"", "\\ud83d", "\\u0000", "\uFEFF", "\0", "\u202E", "data: ", "\n\n", "[DONE]", "<html>", "<!", "```json", "<think>",
        "\"choices\":[],", "\"choices\":null,", "\"usage\":{\"prompt_tokens\":null},", "\"error\":{\"message\":\"no PROMPT\"},", "\"tool_calls\":[{\"function\":{\"arguments\":{}}}],", "\"finish_reason\":7,", "\"refusal\":\"no\",",
        "\"content\":[{\"type\":\"text\",\"text\":\"a\"}],", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "\"message\":\"text\",", "KEY", "PROMPT", "&#x1F600;", "retry after 99999999999999",
    ];

    private static readonly string?[] Values =
    [
        null, "null", "true", "0", "-5", "1e400", "123456789012345678901234567890", "0.1", "\"\"", "\"x\"", "\"7\"", "[]", "{}", "[null]", "[[]]", "{\"a\":{\"b\":[1]}}", "\"HALF\"", "\"\\u0000\"", new string('[', 50) + new string(']', 50), string.Concat(Enumerable.Repeat("{\"a\":", 55)) + "1" + new string('}', 55),
    ];

    private static readonly string[] Names = ["x", "error", "reasoning_content", "reasoning", "extra_content", "tool_calls", "usage", "text", "detail", "status", "type", "thinking", "annotations", "retry_after"];

    private static readonly string Workflow = ActivityHarness.Workflow
        .Replace("provider: offline", "provider: openai", StringComparison.Ordinal)
        .Replace("\"Score: {{ nodes.draft.output }}\"", "\"Write about {{ input.topic }}, round {{ round }}.\"", StringComparison.Ordinal)
        .Replace("\"What is 1 + 2?\"", "\"Write about {{ input.topic }}, round {{ round }}.\"", StringComparison.Ordinal);

    [Fact]
    public void Agent_MutatedAnswerOfAServer_IsAnAnswerOrAKnownError()
    {
        using var wire = new Wire();
        var (answers, errors) = (0, 0);
        var tried = Fuzz.Check(20261201, 1_500, Make, text =>
        {
            var result = wire.Call(Answer.Read(text));
            _ = result.Error is null ? answers++ : errors++;
        });
        Assert.True(answers > tried / 20 && errors > tried / 4, $"{answers} answers and {errors} errors of {tried}");
    }

    [Fact]
    public void Agent_TextAmongOddMembers_IsUsed()
    {
        using var wire = new Wire();
        Fuzz.Check(20261202, 1_500, MakeIntact, text =>
        {
            var answer = Answer.Read(text);
            if (!answer.Body.Contains(Words, StringComparison.Ordinal))
            {
                // Shrunk into something else.
                return;
            }

            var result = wire.Call(answer);
            Assert.True(result.Error is null, $"{result.Error?.Code}: {result.Error?.Message}");
            Assert.Equal(1, wire.Requests);
            Assert.Contains(Words, wire.Text(result.Output ?? result.Beside), StringComparison.Ordinal);
        });
    }

    private static string Make(Random random)
    {
        var status = random.Next(3) > 0 ? 200 : Statuses[random.Next(Statuses.Length)];
        var body = Bodies[random.Next(Bodies.Length)];
        if (random.Next(2) == 0 && (body[0], body[^1]) is ('{', '}') or ('[', ']'))
        {
            var json = JsonNode.Parse(body)!;
            for (var i = random.Next(1, 4); i > 0; i--)
            {
                Change(json, random, static _ => false);
            }

            body = json.ToJsonString(Relaxed);
        }

        return new Answer(status, Types[random.Next(Types.Length)], Packings[random.Next(Packings.Length)], random.Next(4), random.Next(2) == 0 ? body : Fuzz.Mutate(body, Pieces, random)).ToString();
    }

    // The way to the text is left alone; everything around it is not.
    private static string MakeIntact(Random random)
    {
        var json = JsonNode.Parse("""{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"finish_reason":"stop","logprobs":null,"message":{"role":"assistant","content":"WORDS","refusal":null,"annotations":[],"tool_calls":null,"audio":null}},{"index":1,"message":{}}],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":3}},"system_fingerprint":"f","service_tier":"default","error":null}""".Replace("WORDS", Words, StringComparison.Ordinal))!;
        for (var i = random.Next(1, 6); i > 0; i--)
        {
            // A refusal, and tools that are asked for, are answers of their own.
            Change(json, random, path => path is "$.choices" or "$.choices[0]" or "$.choices[0].message" or "$.choices[0].message.content" or "$.choices[0].message.refusal");
        }

        var body = json.ToJsonString(Relaxed);
        body = random.Next(8) switch
        {
            0 => $"[{body}]",
            1 => $"{{\"result\":{body}}}",
            2 => $"data: {body}\n\ndata: [DONE]\n\n",
            3 => $"\n\n  {body}\n",
            4 => $": ping\n\nevent: message\nid: 7\ndata: {body}\n\n",
            _ => body,
        };
        return new Answer(200, Types[random.Next(Types.Length)], ((string[])["", "gzip", "br", "deflate"])[random.Next(4)], random.Next(4), body).ToString();
    }

    private static void Change(JsonNode root, Random random, Predicate<string> isKept)
    {
        var places = Places(root).Where(node => !isKept(node.GetPath())).ToArray();
        if (places.Length == 0)
        {
            return;
        }

        var place = places[random.Next(places.Length)];
        var value = Values[random.Next(Values.Length)];
        switch (place.Parent)
        {
            case JsonObject map when value is not null && random.Next(4) == 0:
                map.TryAdd(Names[random.Next(Names.Length)], JsonNode.Parse(value));
                break;
            case JsonObject map when value is null:
                map.Remove(place.GetPropertyName());
                break;
            case JsonObject map:
                map[place.GetPropertyName()] = JsonNode.Parse(value);
                break;
            case JsonArray list when value is null:
                list.Remove(place);
                break;
            case JsonArray list:
                list[place.GetElementIndex()] = JsonNode.Parse(value);
                break;
        }
    }

    private static IEnumerable<JsonNode> Places(JsonNode node)
    {
        var inner = node switch
        {
            JsonObject map => map.Select(member => member.Value),
            JsonArray list => list,
            _ => [],
        };
        return inner.OfType<JsonNode>().SelectMany(child => Places(child).Prepend(child));
    }

    /// <summary>An answer as a text that can be mutated and shrunk: status, type, encoding and form of the bytes on a line, and the body below.</summary>
    private sealed record Answer(int Status, string Type, string Packing, int Form, string Body)
    {
        public static Answer Read(string text)
        {
            var end = text.IndexOf('\n', StringComparison.Ordinal);
            var parts = text[..Math.Max(end, 0)].Split('|');
            return new Answer(
                parts.Length > 0 && int.TryParse(parts[0], out var status) && status is >= 200 and < 600 ? status : 200,
                parts.ElementAtOrDefault(1) ?? "",
                parts.ElementAtOrDefault(2) ?? "",
                parts.Length > 3 && int.TryParse(parts[3], out var form) ? form : 0,
                text[(end + 1)..].Replace("KEY", Key, StringComparison.Ordinal).Replace("PROMPT", Prompt, StringComparison.Ordinal).Replace("HALF", "\\ud83d", StringComparison.Ordinal));
        }

        public override string ToString() => $"{Status}|{Type}|{Packing}|{Form}\n{Body}";

        public byte[] Bytes()
        {
            // The bytes may be other than the type says, as with servers.
            var bytes = Form switch
            {
                1 => [.. Encoding.UTF8.Preamble, .. Encoding.UTF8.GetBytes(Body)],
                2 => [.. Encoding.Unicode.Preamble, .. Encoding.Unicode.GetBytes(Body)],
                _ => Encoding.UTF8.GetBytes(Body),
            };
            return Packing.Split(", ").Aggregate(bytes, static (body, packing) => packing switch
            {
                "gzip" => Compress(body, stream => new GZipStream(stream, CompressionLevel.Fastest)),
                "deflate" => Compress(body, stream => new ZLibStream(stream, CompressionLevel.Fastest)),
                "br" => Compress(body, stream => new BrotliStream(stream, CompressionLevel.Fastest)),
                _ => body,
            });
        }

        private static byte[] Compress(byte[] bytes, Func<Stream, Stream> compressor)
        {
            using var compressed = new MemoryStream();
            using (var stream = compressor(compressed))
            {
                stream.Write(bytes);
            }

            return compressed.ToArray();
        }
    }

    /// <summary>The agent's activity over the client of the provider, with a wire that has one answer for every request.</summary>
    private sealed class Wire : HttpMessageHandler
    {
        // What harness and ledger keep of a call is not needed for ever.
        private const int MostCalls = 500;

        private ActivityHarness? _harness;
        private Answer _answer = null!;
        private int _calls;

        public int Requests { get; private set; }

        public AgentCallResult Call(Answer answer)
        {
            // A client remembers what its server has refused, so each case has its own.
            (_answer, Requests) = (answer, 0);
            if (_harness is null || ++_calls % MostCalls == 0)
            {
                _harness = new ActivityHarness(new Renewed(this), tools => tools.Add(AIFunctionFactory.Create((int a, int b) => a + b, "add")), provider: "openai", workflow: Workflow);
            }

            // No call waits for what an earlier one was told.
            _harness.Clock.Advance(TimeSpan.FromHours(2));
            var isText = answer.Body.Contains(Words, StringComparison.Ordinal);
            var (node, agent) = (answer.Body.Length % 3) switch { 1 when !isText => ("review", "critic"), 2 when !isText => ("ask", "caller"), _ => ("draft", "writer") };

            var call = new AgentCall { Scope = _harness.Scope(node, $"{node}#{_calls}") with { Round = 1 }, Agent = agent, Model = "fast" };
            var result = _harness.AgentAsync(call).GetAwaiter().GetResult();
            Check(result);

            // The same from the ledger, if the answer was paid.
            var requests = Requests;
            if (_harness.Ledger.Find(call.StepId)?.Answer is not null)
            {
                var again = _harness.AgentAsync(call).GetAwaiter().GetResult();
                Assert.Equal(requests, Requests);
                Assert.Equal(Json(result with { FromLedger = true }), Json(again));
            }

            return result;
        }

        public string Text(Payload? payload) => _harness!.TextAsync(payload).GetAwaiter().GetResult();

        private static void Check(AgentCallResult result)
        {
            Assert.True(Json(result).Length <= DurableLimits.MaxPayloadBytes);
            Assert.Single((object?[])[result.Output, result.ToolCalls, result.Error], part => part is not null);
            if (result.Error is not { } error)
            {
                return;
            }

            Assert.Contains(error.Code, Codes);
            Assert.InRange(error.Message.Length, 1, ErrorText.MaxLength);
            if (!WordsOfModels.Contains(error.Code))
            {
                Assert.DoesNotContain(error.Message, char.IsControl);
                Assert.DoesNotContain(Key, error.Message, StringComparison.Ordinal);
                Assert.DoesNotContain(Prompt, error.Message, StringComparison.Ordinal);
            }
        }

        private static string Json(AgentCallResult result) => JsonSerializer.Serialize(result, CoreJsonContext.Default.AgentCallResult);

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Requests++;
            var content = new ByteArrayContent(_answer.Bytes());
            content.Headers.TryAddWithoutValidation("Content-Type", _answer.Type);
            content.Headers.TryAddWithoutValidation("Content-Encoding", _answer.Packing);
            return Task.FromResult(new HttpResponseMessage((HttpStatusCode)_answer.Status) { Content = content });
        }

        private sealed class Renewed(Wire wire) : IChatClient
        {
            public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
                new OpenAIProvider(name => name == "OPENAI_API_KEY" ? Key : null) { Transport = new HttpClientPipelineTransport(new HttpClient(wire, disposeHandler: false)) }
                    .GetClient(new ModelDefinition { Name = "fast", Provider = "openai", Model = "gpt-test" }).GetResponseAsync(messages, options, cancellationToken);

            public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
                throw new NotSupportedException();

            public object? GetService(Type serviceType, object? serviceKey = null) => null;

            public void Dispose()
            {
            }
        }
    }
}
