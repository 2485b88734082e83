using System.ClientModel.Primitives;
using System.IO.Compression;
using System.Net;
using System.Text;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Errors;
using Polyphony.Activities.Providers.OpenAI;
using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;
using Polyphony.TestKit.OpenAI;

namespace Polyphony.Activities.Tests.Providers;

/// <summary>The bytes of a body, whatever they are packed and written in: answers are read, and errors in the server's own words.</summary>
[Trait("Row", "T6")]
public sealed class ServerBodiesTests
{
    private const string Fine = """{"choices":[{"message":{"content":"café 😀"},"finish_reason":"stop"}]}""";
    private const string Busy = """{"error":{"message":"Le modèle est occupé.","code":"busy"}}""";

    /// <summary>How; headers; the bytes of a text; whether all of its characters survive.</summary>
    public static TheoryData<string, string, string, Func<string, byte[]>> Forms => new()
    {
        { "UTF-8", "application/json", "", Encoding.UTF8.GetBytes },
        { "UTF-8 that says Latin 1", "application/json; charset=iso-8859-1", "", Encoding.UTF8.GetBytes },
        { "UTF-8 with a mark", "application/json", "", text => [.. Encoding.UTF8.Preamble, .. Encoding.UTF8.GetBytes(text)] },
        { "UTF-16", "application/json; charset=utf-16", "", Encoding.Unicode.GetBytes },
        { "UTF-16 that says nothing", "application/json", "", Encoding.Unicode.GetBytes },
        { "UTF-16 with a mark", "text/plain", "", text => [.. Encoding.Unicode.Preamble, .. Encoding.Unicode.GetBytes(text)] },
        { "UTF-16, the high byte first", "application/json", "", Encoding.BigEndianUnicode.GetBytes },
        { "an unknown character set", "application/json; charset=no-such", "", Encoding.UTF8.GetBytes },
        { "a type that is none", ";;", "", Encoding.UTF8.GetBytes },
        { "gzip", "application/json", "gzip", text => Pack(text, stream => new GZipStream(stream, CompressionLevel.Fastest)) },
        { "gzip that does not say so", "application/json", "", text => Pack(text, stream => new GZipStream(stream, CompressionLevel.Fastest)) },
        { "gzip that is none", "application/json", "gzip", Encoding.UTF8.GetBytes },
        { "deflate", "application/json", "deflate", text => Pack(text, stream => new ZLibStream(stream, CompressionLevel.Fastest)) },
        { "deflate of old", "application/json", "deflate", text => Pack(text, stream => new DeflateStream(stream, CompressionLevel.Fastest)) },
        { "br", "application/json", "BR", text => Pack(text, stream => new BrotliStream(stream, CompressionLevel.Fastest)) },
        { "identity", "application/json", "identity", Encoding.UTF8.GetBytes },
    };

    [Theory]
    [MemberData(nameof(Forms), DisableDiscoveryEnumeration = true)]
    public async Task GetResponse_BodyInAnyForm_IsRead(string form, string type, string packing, Func<string, byte[]> bytes)
    {
        Assert.Equal((form, "café 😀"), (form, await AskAsync(new FakeOpenAIAnswer { Bytes = bytes(Fine), Headers = Headers(type, packing) })));
        var error = await FailAsync(new FakeOpenAIAnswer { Status = 503, Bytes = bytes(Busy), Headers = Headers(type, packing) });
        Assert.Equal((form, "HTTP 503, busy: Le modèle est occupé. (request req-1)"), (form, error.Message));
    }

    [Theory]
    [InlineData("iso-8859-1", "café")]
    [InlineData("\"windows-1252\"", "café")]
    public async Task GetResponse_OtherCharacterSet_IsRead(string charset, string text)
    {
        var headers = Headers($"application/json; charset={charset}", "");
        Assert.Equal(text, await AskAsync(new FakeOpenAIAnswer { Bytes = Encoding.Latin1.GetBytes(Fine.Replace(" 😀", "", StringComparison.Ordinal)), Headers = headers }));
        Assert.Contains("Le modèle est occupé.", (await FailAsync(new FakeOpenAIAnswer { Status = 500, Bytes = Encoding.Latin1.GetBytes(Busy), Headers = headers })).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("zstd", "it is packed as \"zstd\", which was not requested")]
    [InlineData("x-gzip", "it can't be unpacked")]
    [InlineData("gzip, gzip", "it is not JSON")]
    public async Task GetResponse_BodyThatCannotBeUnpacked_SaysSo(string packing, string says)
    {
        byte[] bytes = packing == "gzip, gzip" ? Pack(Pack("hello", Gzip), Gzip) : [0x1F, 0x8B, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
        Assert.Contains(says, (await FailAsync(new FakeOpenAIAnswer { Bytes = bytes, Headers = Headers("application/json", packing) })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task GetResponse_SmallBodyThatUnpacksWithoutEnd_IsNotUnpackedToTheEnd()
    {
        var bytes = Pack(new string(' ', 64 * 1024 * 1024), Gzip);
        Assert.Equal(ErrorCodes.AnswerTooLarge, (await FailAsync(new FakeOpenAIAnswer { Bytes = bytes, Headers = Headers("application/json", "gzip") })).Code);
    }

    /// <summary>Type, body, and the words that are right.</summary>
    public static TheoryData<string, string, string> Words => new()
    {
        { "text/event-stream", "event: error\ndata: {\"error\":{\"message\":\"Busy.\"}}\n\n", "HTTP 500: Busy." },
        { "text/event-stream", ": ping\n\nid: 1\ndata: {\"choices\":[]}\n\ndata: {\"error\":{\"message\":\"Busy.\",\"code\":\"b\"}}\n\ndata: [DONE]\n\n", "HTTP 500, b: Busy." },
        { "text/event-stream", "retry: 3000\ndata: {\"error\":{\ndata: \"message\":\"Busy.\"}}", "HTTP 500: Busy." },
        { "text/event-stream", "event: error\ndata: Busy.\n\n", "HTTP 500: Busy." },
        { "application/problem+json", """{"type":"https://x.example/slow","title":"Slow down","status":500,"detail":"The pool is empty.","instance":"/v1"}""", "HTTP 500, https://x.example/slow: Slow down: The pool is empty." },
        { "text/html", "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n", "HTTP 500: 502 Bad Gateway nginx" },
        { "application/json", "", "HTTP 500: Internal Server Error (the body has no message)" },
    };

    [Theory]
    [MemberData(nameof(Words))]
    public async Task GetResponse_Error_HasTheServersWords(string type, string body, string says) =>
        Assert.StartsWith(says, (await FailAsync(new FakeOpenAIAnswer { Status = 500, Body = body, Headers = Headers(type, "") })).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("text/plain", "Le mod\u00E8le est occup\u00E9.", "HTTP 500: Le modèle est occupé.")]
    [InlineData("text/html", "<html><title>Erreur 500 : occup\u00E9</title></html>", "HTTP 500: Erreur 500 : occupé")]
    [InlineData("application/json", "{\"error\":\"occup\u00E9\"}", "HTTP 500: occup\uFFFD")]
    public async Task GetResponse_ErrorInACharacterSetThatIsNotNamed_IsReadWhereItIsNoJson(string type, string body, string says) =>
        Assert.StartsWith(says, (await FailAsync(new FakeOpenAIAnswer { Status = 500, Bytes = Encoding.Latin1.GetBytes(body), Headers = Headers(type, "") })).Message, StringComparison.Ordinal);

    [Fact]
    public async Task GetResponse_ErrorThatBreaksOff_HasItsStatusAndWords()
    {
        var client = Client(new InMemory(401, () => new StreamContent(new BrokenStream("""{"error":{"message":"The key is old. And"""u8.ToArray()))));

        var error = ErrorClassifier.Classify(await Assert.ThrowsAnyAsync<Exception>(() => client.GetResponseAsync("Hi", cancellationToken: TestContext.Current.CancellationToken)));

        Assert.Equal((ErrorCodes.Authentication, ErrorKind.Terminal), (error.Code, error.Kind));
        Assert.EndsWith("HTTP 401: The key is old. And", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task GetResponse_AnswerThatBreaksOff_SaysSoAndMayBePaid()
    {
        await using var server = await FakeOpenAIServer.StartAsync(new FakeOpenAIAnswer { Body = Fine, ResetsAfter = 20 });
        var exception = await Assert.ThrowsAnyAsync<Exception>(() => Client(server).GetResponseAsync("Hi", cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal((ErrorCodes.ProviderUnavailable, ErrorKind.Transient), (ErrorClassifier.Classify(exception).Code, ErrorClassifier.Classify(exception).Kind));
        Assert.True(Settlement.MayBePaid(exception));
    }

    /// <summary>A stream nobody asked for, and the text and the finish reason that are right.</summary>
    public static TheoryData<string, string, string> Streams => new()
    {
        { "data: {\"choices\":[{\"delta\":{\"content\":\"fi\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"ne\"},\"finish_reason\":\"stop\"}]}", "fine", "stop" },
        { "data: ping\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"fine\"},\"finish_reason\":\"stop\"}]}\n\n", "fine", "stop" },
        { "data: {\"choices\":[{\"delta\":{\"content\":\"fine\"}}]}\n\nevent: error\ndata: overloaded\n\n", "fine", "length" },
        { "data: {\"choices\":[{\"delta\":{\"content\":\"fi\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"con\n\ndata: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n", "fi", "length" },
        { "data: {\"choices\":[{\"delta\":{\"content\":\"fi\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"con", "fi", "length" },
        { "{\"choices\":[{\"delta\":{\"content\":\"fi\"}}]}\n{\"choices\":[{\"del", "fi", "length" },
        { $"data: {{\"choices\":[{{\"delta\":{{\"content\":\"fine\",\"x\":{new string('[', 100)}{new string(']', 100)}}},\"finish_reason\":\"stop\"}}]}}\n\n", "fine", "stop" },
        { $"{{\"choices\":[{{\"message\":{{\"content\":\"fine\",\"x\":{new string('[', 100)}{new string(']', 100)}}}}}]}}", "fine", "stop" },
        { "{\"choices\":[{\"message\":{\"content\":\"fine\",\"refusal\":false}}]}", "fine", "stop" },
        { "{\"choices\":[{\"message\":{\"content\":\"fine\",\"refusal\":0}}]}", "fine", "stop" },
    };

    [Theory]
    [MemberData(nameof(Streams))]
    public async Task GetResponse_TextBesideWhatCannotBeRead_IsUsed(string body, string text, string finishReason)
    {
        await using var server = await FakeOpenAIServer.StartAsync(new FakeOpenAIAnswer { Body = body });

        var response = await Client(server).GetResponseAsync("Hi", cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal((text, finishReason), (response.Text, response.FinishReason!.Value.Value));
    }

    [Theory]
    [InlineData("retry-after", "7", 7_000)]
    [InlineData("retry-after-ms", "250", 250)]
    public async Task GetResponse_ErrorInASuccess_HasTheWaitAndTheIdOfItsHeaders(string name, string value, long wait)
    {
        var error = await FailAsync(new FakeOpenAIAnswer
        {
            Body = """{"error":{"message":"Slow down.","code":429}}""",
            Headers = new Dictionary<string, string> { [name] = value, ["x-request-id"] = "", ["apim-request-id"] = "gateway-7" },
        });

        Assert.Equal((ErrorCodes.RateLimited, wait), (error.Code, error.RetryAfterMs));
        Assert.EndsWith("Slow down. (request gateway-7)", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("x-ms-request-id")]
    [InlineData("apim-request-id")]
    [InlineData("request-id")]
    public async Task GetResponse_Error_HasTheIdThatTheGatewayGave(string header) =>
        Assert.EndsWith("(request g-7)", (await FailAsync(new FakeOpenAIAnswer
        {
            Status = 500,
            Body = Busy,
            Headers = new Dictionary<string, string> { ["x-request-id"] = "", [header] = "g-7" },
        })).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(200, "upstream is busy", ErrorCodes.ProviderInvalidAnswer)]
    [InlineData(200, """{"error":{"message":"No json_schema.","code":400}}""", ErrorCodes.BadRequest)]
    [InlineData(500, Busy, ErrorCodes.ProviderUnavailable)]
    public async Task GetResponse_BodyInMemory_IsNotReadAgainWhenItIsClosed(int status, string body, string code)
    {
        // What a handler in the process gives is a stream in memory, which the SDK's response reads when it is disposed.
        var client = Client(new InMemory(status, () => new StringContent(body)));

        var exception = await Assert.ThrowsAnyAsync<Exception>(() => client.GetResponseAsync(
            "Hi", new ChatOptions { ResponseFormat = ChatResponseFormat.ForJsonSchema(System.Text.Json.JsonElement.Parse("""{"type":"object","properties":{} }"""), "s") }, TestContext.Current.CancellationToken));

        Assert.Equal(code, ErrorClassifier.Classify(exception).Code);
    }

    private static Dictionary<string, string> Headers(string type, string packing) => packing.Length == 0
        ? new() { ["content-type"] = type }
        : new() { ["content-type"] = type, ["content-encoding"] = packing };

    private static byte[] Pack(string text, Func<Stream, Stream> packer) => Pack(Encoding.UTF8.GetBytes(text), packer);

    private static byte[] Pack(byte[] bytes, Func<Stream, Stream> packer)
    {
        using var packed = new MemoryStream();
        using (var stream = packer(packed))
        {
            stream.Write(bytes);
        }

        return packed.ToArray();
    }

    private static GZipStream Gzip(Stream stream) => new(stream, CompressionLevel.Fastest);

    private static async Task<string> AskAsync(FakeOpenAIAnswer answer)
    {
        await using var server = await FakeOpenAIServer.StartAsync(answer);
        return (await Client(server).GetResponseAsync("Hi", cancellationToken: TestContext.Current.CancellationToken)).Text;
    }

    private static async Task<CallError> FailAsync(FakeOpenAIAnswer answer)
    {
        await using var server = await FakeOpenAIServer.StartAsync(answer);
        return ErrorClassifier.Classify(await Assert.ThrowsAnyAsync<Exception>(() => Client(server).GetResponseAsync("Hi", cancellationToken: TestContext.Current.CancellationToken)));
    }

    private static IChatClient Client(FakeOpenAIServer server) =>
        new OpenAIProvider(name => name == "OPENAI_BASE_URL" ? server.Endpoint.ToString() : "key-1").GetClient(new ModelDefinition { Name = "fast", Provider = "openai", Model = "gpt-test" });

    private static IChatClient Client(HttpMessageHandler handler) =>
        new OpenAIProvider(_ => "key-1") { Transport = new HttpClientPipelineTransport(new HttpClient(handler)) }
            .GetClient(new ModelDefinition { Name = "fast", Provider = "openai", Model = "gpt-test", Endpoint = new Uri("https://models.example/v1") });

    private sealed class InMemory(int status, Func<HttpContent> content) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(new HttpResponseMessage((HttpStatusCode)status) { Content = content() });
    }

    private sealed class BrokenStream(byte[] bytes) : MemoryStream(bytes, writable: false)
    {
        public override bool CanSeek => false;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            await base.ReadAsync(buffer, cancellationToken) is > 0 and var read ? read : throw new HttpIOException(HttpRequestError.ResponseEnded);
    }
}
