using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using Polyphony.Activities.Tools.Http;
using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;
using Polyphony.TestKit.Chat;
using Polyphony.TestKit.Servers;

namespace Polyphony.Activities.Tests.Tools;

/// <summary>Tools that a workflow describes as HTTP requests, against a real server.</summary>
[Trait("Row", "O12")]
public sealed class HttpToolTests
{
    private const string City = "{ type: object, required: [city], properties: { city: { type: string }, days: { type: integer } } }";

    [Fact]
    public async Task Get_PutsArgumentsIntoPathQueryAndHeaders()
    {
        await using var api = await FakeApi.StartAsync("""{"temperature":21.50}""");
        var tools = new Host(api, "{ url: \"ADDRESS/v1/weather/{{ args.city }}\", query: { units: metric, days: \"{{ args.days }}\", tag: [a, \"b c\"], none: null }, headers: { X-Team: \"t {{ args.days }}\" } }", City);

        var result = await tools.CallAsync("""{"city":"São Paulo?x=1&y#z","days":2}""");

        Assert.Equal("""{"temperature":21.50}""", result.Output!.Json!.Value.GetRawText());
        var request = Assert.Single(api.Requests);
        Assert.Equal(("GET", "/v1/weather/S%C3%A3o%20Paulo%3Fx%3D1%26y%23z?units=metric&days=2&tag=a&tag=b%20c", "t 2"), (request.Method, request.Target, request.Headers["X-Team"]));
        Assert.False(request.Headers.ContainsKey("Idempotency-Key"));
        Assert.False(request.Headers.ContainsKey("Authorization"));
    }

    [Fact]
    public async Task Post_SendsJson_UnderOneIdempotencyKeyForAllAttemptsOfACall()
    {
        var calls = 0;
        await using var api = await FakeApi.StartAsync(context =>
        {
            context.Response.StatusCode = Interlocked.Increment(ref calls) == 1 ? 503 : 204;
            return Task.CompletedTask;
        });
        var tools = new Host(api, "{ method: POST, url: \"ADDRESS/v1/orders\", body: { order: \"{{ args }}\", at: \"{{ args.city }}!\" } }", City);

        await tools.CallAsync("""{"city":"\r\nX-Evil: 1"}""", "1.0");
        await tools.CallAsync("""{"city":"\r\nX-Evil: 1"}""", "1.0", attempt: 2);
        await tools.CallAsync("""{"city":"x"}""", "1.1\r\nX-Evil: 2");

        Assert.Equal(3, api.Requests.Count);
        Assert.Equal("""{"order":{"city":"\r\nX-Evil: 1"},"at":"\r\nX-Evil: 1!"}""", api.Requests[0].Body);
        Assert.Equal("application/json", api.Requests[0].Headers["Content-Type"]);
        var keys = api.Requests.Select(request => request.Headers["Idempotency-Key"]).ToArray();
        Assert.Equal(keys[0], keys[1]);
        Assert.NotEqual(keys[0], keys[2]);
        Assert.All(keys, key => Assert.Matches("^[0-9a-f]{32}\\z", key));
        Assert.DoesNotContain(api.Requests, request => request.Headers.ContainsKey("X-Evil"));
    }

    [Theory]
    [InlineData("..")]
    [InlineData(".")]
    [InlineData("")]
    [InlineData("../admin")]
    [InlineData("a/b")]
    [InlineData("a\\\\b")]
    [InlineData("a\\u0000b")]
    [InlineData("a\\r\\nHost: x")]
    public async Task Get_ArgumentThatIsNoSegment_IsRefusedBeforeAnyRequest(string value)
    {
        await using var api = await FakeApi.StartAsync("1");
        var tools = new Host(api, "{ url: \"ADDRESS/v1/weather/{{ args.city }}\" }", City);

        var result = await tools.CallAsync($$"""{"city":"{{value}}"}""");

        Assert.Equal((ErrorCodes.ToolFailed, ErrorKind.Terminal), (result.Error!.Code, result.Error.Kind));
        Assert.Contains("one segment of a path", result.Error.Message, StringComparison.Ordinal);
        Assert.Empty(api.Requests);
    }

    [Theory]
    [InlineData("a\\r\\nX-Evil: 1")]
    [InlineData("a\\nb")]
    [InlineData("ä")]
    [InlineData(" a")]
    [InlineData("")]
    public async Task Header_ValueThatNoHeaderCarries_IsRefusedBeforeAnyRequest(string value)
    {
        await using var api = await FakeApi.StartAsync("1");
        var tools = new Host(api, "{ url: \"ADDRESS/v1/weather\", headers: { X-City: \"{{ args.city }}\" } }", City);

        var result = await tools.CallAsync($$"""{"city":"{{value}}"}""");

        Assert.Contains("X-City", result.Error!.Message, StringComparison.Ordinal);
        Assert.Empty(api.Requests);
    }

    [Fact]
    public async Task Address_OutsideOfWhatTheSettingsAllowNow_IsNotCalled()
    {
        await using var api = await FakeApi.StartAsync("1");
        var tools = new Host(api, "{ url: \"ADDRESS/v2/weather\" }", City);

        var result = await tools.CallAsync("""{"city":"x"}""");

        Assert.Equal((ErrorCodes.EndpointNotAllowed, ErrorKind.Terminal), (result.Error!.Code, result.Error.Kind));
        Assert.Contains("""allowedEndpoints""", result.Error.Message, StringComparison.Ordinal);
        Assert.Empty(api.Requests);
    }

    [Fact]
    public async Task Name_ThatStandsForAPrivateAddressWhenConnecting_IsNotCalledUnlessTheSettingsSaySo()
    {
        await using var api = await FakeApi.StartAsync("1");
        var lookedUp = new List<string>();
        Task<IPAddress[]> Resolve(string host, CancellationToken cancellationToken)
        {
            lookedUp.Add(host);
            return Task.FromResult<IPAddress[]>([IPAddress.Loopback]);
        }

        var address = $"http://api.example.com:{new Uri(api.Address).Port}";
        var refused = new Host(api, $"{{ url: \"{address}/v1/x\" }}", City, [new AllowedToolEndpoint($"{address}/v1", null)], Resolve);
        var allowed = new Host(api, $"{{ url: \"{address}/v1/x\" }}", City, [new AllowedToolEndpoint($"{address}/v1", null, PrivateNetwork: true)], Resolve);

        var error = (await refused.CallAsync("""{"city":"x"}""")).Error!;
        Assert.Empty(api.Requests);
        var result = await allowed.CallAsync("""{"city":"x"}""");

        Assert.Equal((ErrorCodes.EndpointNotAllowed, ErrorKind.Terminal), (error.Code, error.Kind));
        Assert.Contains("private network", error.Message, StringComparison.Ordinal);
        Assert.Equal("1", result.Output!.Json!.Value.GetRawText());
        Assert.Equal(["api.example.com", "api.example.com"], lookedUp);
        Assert.Equal("api.example.com:" + new Uri(api.Address).Port, Assert.Single(api.Requests).Headers["Host"]);
    }

    [Theory]
    [InlineData("8.8.8.8", true)]
    [InlineData("2606:4700::1111", true)]
    [InlineData("127.0.0.1", false)]
    [InlineData("127.8.8.8", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("10.1.2.3", false)]
    [InlineData("100.64.0.1", false)]
    [InlineData("169.254.169.254", false)]
    [InlineData("168.63.129.16", false)]
    [InlineData("172.31.255.255", false)]
    [InlineData("192.168.1.1", false)]
    [InlineData("255.255.255.255", false)]
    [InlineData("224.0.0.1", false)]
    [InlineData("::1", false)]
    [InlineData("::", false)]
    [InlineData("::ffff:127.0.0.1", false)]
    [InlineData("::ffff:8.8.8.8", true)]
    [InlineData("::127.0.0.1", false)]
    [InlineData("64:ff9b::7f00:1", false)]
    [InlineData("2002:7f00:1::", false)]
    [InlineData("fe80::1", false)]
    [InlineData("fd12::1", false)]
    [InlineData("ff02::1", false)]
    public void PublicAddresses_ContainThoseOfTheInternetAlone(string address, bool expected) => Assert.Equal(expected, PublicAddresses.Contain(IPAddress.Parse(address)));

    [Fact]
    public async Task Redirect_IsNotFollowed()
    {
        await using var api = await FakeApi.StartAsync(context =>
        {
            context.Response.Redirect("http://169.254.169.254/latest/meta-data");
            return Task.CompletedTask;
        });
        var tools = new Host(api, "{ url: \"ADDRESS/v1/x\" }", City);

        var error = (await tools.CallAsync("""{"city":"x"}""")).Error!;

        Assert.Equal((ErrorCodes.ToolFailed, ErrorKind.Terminal), (error.Code, error.Kind));
        Assert.Contains("redirected to http://169.254.169.254 (HTTP 302)", error.Message, StringComparison.Ordinal);
        Assert.Single(api.Requests);
    }

    [Fact]
    public async Task Answer_LargerThanItsLimit_IsNotReadToItsEnd()
    {
        await using var api = await FakeApi.StartAsync(async context =>
        {
            // A thousand times as much once it is unpacked.
            context.Response.ContentType = "text/plain";
            context.Response.Headers.ContentEncoding = "gzip";
            await using var packed = new GZipStream(context.Response.Body, CompressionLevel.Fastest);
            await packed.WriteAsync(Encoding.UTF8.GetBytes(new string('x', 5_000_000)));
        });
        var tools = new Host(api, "{ url: \"ADDRESS/v1/x\", maxBytes: 40000 }", City);

        var error = (await tools.CallAsync("""{"city":"x"}""")).Error!;

        Assert.Equal(ErrorKind.Terminal, error.Kind);
        Assert.Contains("more than 40,000 bytes", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(40_000, true)]
    [InlineData(40_001, false)]
    public async Task Answer_OfAboutTheLimit_IsTakenUpToIt(int bytes, bool taken)
    {
        await using var api = await FakeApi.StartAsync(context =>
        {
            context.Response.ContentType = "text/plain";
            return context.Response.WriteAsync(new string('x', bytes));
        });
        var tools = new Host(api, "{ url: \"ADDRESS/v1/x\", maxBytes: 40000 }", City);

        Assert.Equal(taken, (await tools.CallAsync("""{"city":"x"}""")).Error is null);
    }

    [Theory]
    [InlineData("GET", null, ErrorKind.Transient)]
    [InlineData("POST", null, null)]
    [InlineData("POST", true, ErrorKind.Transient)]
    [InlineData("GET", false, null)]
    public async Task Answer_ThatTakesTooLong_IsWaitedForAgainIfTheToolIsIdempotent_ElseAPersonIsAsked(string method, bool? idempotent, ErrorKind? kind)
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var api = await FakeApi.StartAsync(async context =>
        {
            asked.SetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        });
        var tools = new Host(api, $"{{ method: {method}, url: \"ADDRESS/v1/x\", timeout: 5s }}", City, idempotent: idempotent);

        var call = tools.CallAsync("""{"city":"x"}""");
        await asked.Task;
        tools.Harness.Clock.Advance(TimeSpan.FromSeconds(5));
        var result = await call;

        Assert.Equal((kind is null ? null : ErrorCodes.Timeout, kind, kind is null ? ToolQuestionKind.Doubt : null), (result.Error?.Code, result.Error?.Kind, result.Question?.Kind));
        Assert.True(result.Error?.Message.Contains("within 5 s", StringComparison.Ordinal) ?? true);
    }

    [Theory]
    [InlineData(404, "text/plain", "no such city", "GET", ErrorKind.Terminal, "HTTP 404: no such city")]
    [InlineData(500, "application/json", "{\"e\":1}", "GET", ErrorKind.Transient, "HTTP 500: {\"e\":1}")]
    [InlineData(503, "text/plain", "", "POST", ErrorKind.Transient, "HTTP 503.")]
    [InlineData(429, "text/plain", "", "POST", ErrorKind.RateLimited, "HTTP 429.")]
    [InlineData(200, "image/png", "PNG", "GET", ErrorKind.Terminal, "\"image/png\"; JSON and text can be read")]
    [InlineData(200, "application/json", "{", "GET", ErrorKind.Terminal, "JSON that cannot be taken")]
    [InlineData(200, "application/json", "{\"a\":1,\"a\":2}", "GET", ErrorKind.Terminal, "JSON that cannot be taken")]
    public async Task Answer_ThatIsAnError_IsToldInWords(int status, string type, string body, string method, ErrorKind kind, string says)
    {
        await using var api = await FakeApi.StartAsync(context =>
        {
            context.Response.StatusCode = status;
            context.Response.ContentType = type;
            if (status == 429)
            {
                context.Response.Headers.RetryAfter = "7";
            }

            return context.Response.WriteAsync(body);
        });
        var tools = new Host(api, $"{{ method: {method}, url: \"ADDRESS/v1/x\" }}", City);

        var error = (await tools.CallAsync("""{"city":"x"}""")).Error!;

        Assert.Equal((ErrorCodes.ToolFailed, kind, status == 429 ? 7_000L : null), (error.Code, error.Kind, error.RetryAfterMs));
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Answer_OfDeepJson_IsRefused()
    {
        await using var api = await FakeApi.StartAsync(new string('[', 70) + new string(']', 70));
        var tools = new Host(api, "{ url: \"ADDRESS/v1/x\" }", City);

        Assert.Contains("64 levels", (await tools.CallAsync("""{"city":"x"}""")).Error!.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", null)]
    [InlineData("POST", null)]
    [InlineData("GET", 500)]
    [InlineData("POST", 500)]
    [InlineData("POST", 408)]
    public async Task Request_ThatMayHaveBeenCarriedOut_IsMadeAgainIfTheToolIsIdempotent_ElseAPersonIsAsked(string method, int? status)
    {
        await using var api = await FakeApi.StartAsync(context =>
        {
            context.Response.StatusCode = status ?? 200;
            if (status is null)
            {
                context.Abort();
            }

            return Task.CompletedTask;
        });
        var tools = new Host(api, $"{{ method: {method}, url: \"ADDRESS/v1/x\" }}", City);

        var first = await tools.CallAsync("""{"city":"x"}""");
        var second = await tools.CallAsync("""{"city":"x"}""", attempt: 2);

        var isIdempotent = method == "GET";
        Assert.Equal(isIdempotent ? 2 : 1, api.Requests.Count);
        Assert.All([first, second], result => Assert.Equal(
            (isIdempotent ? ErrorCodes.ToolFailed : null, isIdempotent ? ErrorKind.Transient : null, isIdempotent ? null : ToolQuestionKind.Doubt),
            (result.Error?.Code, (ErrorKind?)result.Error?.Kind, result.Question?.Kind)));
    }

    [Theory]
    [InlineData(200, "image/png")]
    [InlineData(200, "application/json")]
    [InlineData(303, "text/plain")]
    public async Task Answer_OfNoUse_EndsACallThatWasCarriedOut(int status, string type)
    {
        await using var api = await FakeApi.StartAsync(context =>
        {
            context.Response.StatusCode = status;
            context.Response.ContentType = type;
            return context.Response.WriteAsync("{");
        });
        var tools = new Host(api, "{ method: POST, url: \"ADDRESS/v1/x\" }", City);

        var first = await tools.CallAsync("""{"city":"x"}""");
        var again = await tools.CallAsync("""{"city":"x"}""");

        Assert.Equal((ErrorCodes.ToolFailed, ErrorKind.Terminal), (first.Error!.Code, first.Error.Kind));
        Assert.Equal(first.Error, again.Error);
        Assert.Single(api.Requests);
    }

    [Fact]
    public async Task Server_ThatIsNotThere_IsTriedAgain_WhateverTheMethod()
    {
        using var closed = new TcpListener(IPAddress.Loopback, 0);
        closed.Start();
        var address = $"http://127.0.0.1:{((IPEndPoint)closed.LocalEndpoint).Port}";
        closed.Stop();
        await using var api = await FakeApi.StartAsync("1");
        var tools = new Host(api, $"{{ method: POST, url: \"{address}/v1/x\" }}", City, [new AllowedToolEndpoint(address, null, PrivateNetwork: true)]);

        var error = (await tools.CallAsync("""{"city":"x"}""")).Error!;

        Assert.Equal((ErrorCodes.ToolFailed, ErrorKind.Transient), (error.Code, error.Kind));
        Assert.Contains("could not reach", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("apiKeyVariable: WEATHER_KEY", "Authorization", "Bearer the-key")]
    [InlineData("apiKeyVariable: WEATHER_KEY, apiKeyHeader: X-Api-Key", "X-Api-Key", "the-key")]
    public async Task Key_OfAVariableThatTheSettingsAllowThere_IsSent(string keys, string header, string value)
    {
        await using var api = await FakeApi.StartAsync("1");
        var tools = new Host(api, $"{{ url: \"ADDRESS/v1/x\", {keys} }}", City, [new AllowedToolEndpoint($"{api.Address}/v1", "WEATHER_KEY", PrivateNetwork: true)]);

        Assert.Null((await tools.CallAsync("""{"city":"x"}""")).Error);

        Assert.Equal(value, Assert.Single(api.Requests).Headers[header]);
    }

    [Theory]
    [InlineData("OTHER_KEY", ErrorCodes.EndpointNotAllowed)]
    [InlineData("OPENAI_API_KEY", ErrorCodes.EndpointNotAllowed)]
    [InlineData("MISSING_KEY", ErrorCodes.Authentication)]
    [InlineData("BROKEN_KEY", ErrorCodes.Authentication)]
    public async Task Key_ThatMayNotOrCannotBeSent_StopsTheCall(string variable, string code)
    {
        await using var api = await FakeApi.StartAsync("1");
        var tools = new Host(
            api, $"{{ url: \"ADDRESS/v1/x\", apiKeyVariable: {variable} }}", City,
            [new AllowedToolEndpoint($"{api.Address}/v1", variable == "OTHER_KEY" ? "WEATHER_KEY" : variable, PrivateNetwork: true)]);

        var error = (await tools.CallAsync("""{"city":"x"}""")).Error!;

        Assert.Equal((code, ErrorKind.Terminal), (error.Code, error.Kind));
        Assert.DoesNotContain("broken", error.Message, StringComparison.Ordinal);
        Assert.Empty(api.Requests);
    }

    [Fact]
    [Trait("Row", "O17")]
    public async Task Call_ThatHasToBeApproved_IsNotSentBefore()
    {
        await using var api = await FakeApi.StartAsync("1");
        var tools = new Host(api, "{ method: POST, url: \"ADDRESS/v1/x\", body: \"{{ args }}\" }", City, rules: ", approval: \"args.city != 'x'\"");

        var free = await tools.CallAsync("""{"city":"x"}""");
        var asked = await tools.CallAsync("""{"city":"y"}""", "1.1");

        Assert.Equal("1", free.Output!.Json!.Value.GetRawText());
        Assert.Equal(ToolQuestionKind.Approval, asked.Question!.Kind);
        Assert.Single(api.Requests);
        var form = System.Text.Json.JsonElement.Parse(await tools.Harness.TextAsync(asked.Question.Details)).GetProperty("form");
        Assert.Equal("city", form.GetProperty("properties").GetProperty("arguments").GetProperty("required")[0].GetString());

        var approved = await tools.CallAsync("""{"city":"y"}""", "1.1", approval: """{"decision":"approve","arguments":{"city":"z"}}""");

        Assert.Equal("1", approved.Output!.Json!.Value.GetRawText());
        Assert.Equal("""{"city":"z"}""", api.Requests[1].Body);
    }

    [Fact]
    public async Task Agent_IsToldOfTheTool_WithItsParameters()
    {
        await using var api = await FakeApi.StartAsync("1");
        var tools = new Host(api, "{ url: \"ADDRESS/v1/x\" }", City);

        await tools.Harness.AgentAsync(new AgentCall { Scope = tools.Harness.Scope("ask"), Agent = "caller", Model = "fast" });

        var tool = Assert.IsAssignableFrom<Microsoft.Extensions.AI.AIFunctionDeclaration>(Assert.Single(tools.Model.Requests[0].Options!.Tools!));
        Assert.Equal(("lookup", "Looks something up."), (tool.Name, tool.Description));
        Assert.Equal("city", tool.JsonSchema.GetProperty("required")[0].GetString());
    }

    /// <summary>A host with one HTTP tool, <c>lookup</c>; <c>ADDRESS</c> stands for that of the server. The settings allow its <c>/v1</c>.</summary>
    private sealed class Host
    {
        public Host(
            FakeApi api, string http, string parameters, AllowedToolEndpoint[]? allowed = null, Func<string, CancellationToken, Task<IPAddress[]>>? resolve = null, bool? idempotent = null, string rules = "")
        {
            var policy = new EndpointPolicy { ToolEndpoints = [.. allowed ?? [new AllowedToolEndpoint($"{api.Address}/v1", null, PrivateNetwork: true)]] };
            var client = new ToolHttpClient(resolve);
            var workflow = $$"""
                name: sample
                models: { fast: { provider: offline } }
                agents:
                  caller: { model: fast, tools: [{ name: lookup{{rules}} }] }
                tools:
                  lookup:
                    description: Looks something up.
                    parameters: {{parameters}}
                    {{(idempotent is { } said ? $"idempotent: {said.ToString().ToLowerInvariant()}" : "")}}
                    http: {{http.Replace("ADDRESS", api.Address, StringComparison.Ordinal)}}
                nodes:
                  ask: { agent: caller, prompt: "Ask." }
                """;
            Model = new ScriptedChatClient(_ => "done");
            Harness = new ActivityHarness(Model, registry => registry.Add(new HttpTools(client, policy, TimeProvider.System, Variable), first: true), workflow: workflow);
        }

        public ActivityHarness Harness { get; }

        public ScriptedChatClient Model { get; }

        public Task<ToolCallResult> CallAsync(string arguments, string place = "1.0", int attempt = 1, string? approval = null) => Harness.ToolAsync(
            new ToolCall
            {
                Scope = Harness.Scope("ask"),
                Tool = "lookup",
                Arguments = ActivityHarness.Inline(arguments),
                Agent = "caller",
                CallId = "call-1",
                Place = place,
                Attempt = attempt,
                Approval = approval is null ? null : ActivityHarness.Inline(approval),
            });

        private static string? Variable(string name) => name switch
        {
            "WEATHER_KEY" => "the-key",
            "OTHER_KEY" or "OPENAI_API_KEY" => "another-key",
            "BROKEN_KEY" => "broken\r\nX-Evil: 1",
            _ => null,
        };
    }
}
