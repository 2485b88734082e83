using System.Text;

namespace Polyphony.Contract.Http;

/// <summary>What is refused, with which status and code; and that the host goes on serving.</summary>
[Trait("Row", "H1")]
[Trait("Row", "T4")]
public abstract class BadInputContract(ApiTarget api)
{
    private const string Hello = "api/workflows/hello/instances";

    public static TheoryData<string, string, string?, int, string> Requests => new()
    {
        // Bodies.
        { "POST", Hello, "{", 400, "invalid_json" },
        { "POST", Hello, "\"text\"", 400, "invalid_request" },
        { "POST", Hello, "[]", 400, "invalid_request" },
        { "POST", Hello, "null", 400, "invalid_request" },
        { "POST", Hello, """{"input":{"name":"Ada"},"input":{"name":"Eve"}}""", 400, "invalid_json" },
        { "POST", Hello, """{"input":{"name":"Ada"},}""", 400, "invalid_json" },
        { "POST", Hello, $$"""{"input":{{new string('[', 70)}}{{new string(']', 70)}}}""", 400, "invalid_json" },
        { "POST", Hello, $$"""{"input":{{Nested(65)}}}""", 400, "invalid_json" },
        { "POST", Hello, $$"""{"input":{{Nested(300)}}}""", 400, "invalid_json" },
        { "POST", Hello, """{"input":{"name":"cut \ud83d"}}""", 400, "invalid_json" },
        { "POST", Hello, """{"input":{"name":"\ude00"}}""", 400, "invalid_json" },
        { "POST", Hello, """{"input":{"\ud83d":"Ada"}}""", 400, "invalid_json" },
        { "POST", Hello, """{"instanceId":"\ud83d"}""", 400, "invalid_json" },
        { "POST", Hello, """{"input":{"name":"Ada"},"tags":{"a":"\ud83d"}}""", 400, "invalid_json" },
        { "POST", "api/instances/nobody/events/x", "\"\\ud83d\"", 400, "invalid_json" },
        { "POST", Hello, """{"inptu":{"name":"Ada"}}""", 400, "unknown_field" },
        { "POST", Hello, """{"input":{"name":"Ada"},"definition":{}}""", 400, "unknown_field" },
        { "POST", Hello, """{"input":{"name":"Ada"},"limits":{"maxTurn":1}}""", 400, "unknown_field" },
        { "POST", Hello, """{"input":{"name":"Ada"},"limits":{"maxModelCalls":0}}""", 400, "invalid_request" },
        { "POST", Hello, """{"input":{"name":"Ada"},"limits":{"maxModelCalls":1.5}}""", 400, "invalid_request" },
        { "POST", Hello, """{"input":{"name":"Ada"},"limits":7}""", 400, "invalid_request" },
        { "POST", Hello, """{"input":{"name":"Ada"},"startAt":"tomorrow"}""", 400, "invalid_request" },
        { "POST", Hello, """{"input":{"name":"Ada"},"startAt":"2030-01-31T12:00:00"}""", 400, "invalid_request" },
        { "POST", Hello, """{"input":{"name":"Ada"},"startAt":"2030-01-31"}""", 400, "invalid_request" },
        { "POST", Hello, """{"input":{"name":"Ada"},"tags":{"a":1}}""", 400, "invalid_request" },
        { "POST", Hello, """{"input":{"name":"Ada"},"tags":{"workflow":"x"}}""", 400, "invalid_request" },
        { "POST", Hello, """{"input":{"name":"Ada"},"instanceId":7}""", 400, "invalid_request" },
        { "POST", Hello, """{"input":{"name":"Ada"},"instanceId":""}""", 400, "invalid_request" },
        { "POST", Hello, """{"input":{"name":"Ada"},"instanceId":"-a"}""", 400, "instance_id_invalid" },
        { "POST", Hello, """{"input":{"name":"Ada"},"instanceId":"a b"}""", 400, "instance_id_invalid" },
        { "POST", Hello, """{"input":{"name":"Ada"},"instanceId":"@entity@x"}""", 400, "instance_id_invalid" },
        { "POST", Hello, """{"input":{"name":"Ada"},"instanceId":"a/../b"}""", 400, "instance_id_invalid" },
        { "POST", Hello, """{"input":{"name":"Ada"},"instanceId":"polyphony-schedule.hello.default.0"}""", 400, "instance_id_invalid" },
        { "POST", Hello, """{"input":{"name":7}}""", 400, "input_invalid" },
        { "POST", Hello, """{"input":{}}""", 400, "input_invalid" },
        { "POST", Hello, null, 400, "input_invalid" },

        // Names and ids.
        { "POST", "api/workflows/nobody/instances", "{}", 404, "workflow_not_found" },
        { "GET", "api/workflows/nobody", null, 404, "workflow_not_found" },
        { "GET", "api/workflows/..%2Fhello", null, 404, "workflow_not_found" },
        { "GET", "api/instances/nobody", null, 404, "instance_not_found" },
        { "GET", "api/schedules/nobody/default", null, 404, "workflow_not_found" },
        { "GET", "api/schedules/hello/default", null, 404, "schedule_not_found" },
        { "POST", "api/schedules/hello/default/pause", null, 404, "schedule_not_found" },
        { "POST", "api/schedules/nobody/default/resume", null, 404, "workflow_not_found" },
        { "GET", "api/instances/nobody/history", null, 404, "instance_not_found" },
        { "GET", "api/instances/nobody/stream", null, 404, "instance_not_found" },
        { "POST", "api/instances/nobody/events/x", "{}", 404, "instance_not_found" },
        { "POST", "api/instances/nobody/suspend", null, 404, "instance_not_found" },
        { "POST", "api/instances/nobody/resume", null, 404, "instance_not_found" },
        { "POST", "api/instances/nobody/terminate", null, 404, "instance_not_found" },
        { "POST", "api/instances/nobody/rewind", null, 404, "instance_not_found" },
        { "POST", "api/instances/nobody/restart", null, 404, "instance_not_found" },
        { "DELETE", "api/instances/nobody", null, 404, "instance_not_found" },
        { "GET", "api/instances/..%2F..%2Fetc%2Fpasswd", null, 400, "instance_id_invalid" },
        { "GET", "api/instances/%27%20OR%201=1--", null, 400, "instance_id_invalid" },
        { "GET", "api/instances/@@", null, 400, "instance_id_invalid" },
        { "GET", "api/instances/" + new string('a', 101), null, 400, "instance_id_invalid" },
        { "GET", "api/nothing", null, 404, "not_found" },
        { "GET", "nothing", null, 404, "not_found" },

        // Parameters.
        { "GET", "api/instances/nobody?wait=61", null, 400, "invalid_parameter" },
        { "GET", "api/instances/nobody?wait=-1", null, 400, "invalid_parameter" },
        { "GET", "api/instances/nobody?wait=soon", null, 400, "invalid_parameter" },
        { "GET", "api/instances/nobody?showInput=yes", null, 400, "invalid_parameter" },
        { "GET", "api/instances/nobody/history?from=x", null, 400, "invalid_parameter" },
        { "GET", "api/instances?top=0", null, 400, "invalid_parameter" },
        { "GET", "api/instances?top=1001", null, 400, "invalid_parameter" },
        { "GET", "api/instances?runtimeStatus=Happy", null, 400, "invalid_parameter" },
        { "GET", "api/instances?runtimeStatus=3", null, 400, "invalid_parameter" },
        { "GET", "api/instances?createdTimeFrom=yesterday", null, 400, "invalid_parameter" },
        { "GET", "api/instances?createdTimeTo=2030-01-31T12:00:00", null, 400, "invalid_parameter" },
        { "GET", "api/instances?createdTimeTo=2030-01-31T12:00:00+01:00", null, 400, "invalid_parameter" },
        { "GET", "api/approvals/nobody/x", null, 404, "instance_not_found" },
        { "GET", "api/approvals?top=x", null, 400, "invalid_parameter" },
        { "GET", "api/instances?tag=team", null, 400, "invalid_parameter" },
        { "GET", "api/instances?tag==north", null, 400, "invalid_parameter" },
        { "GET", "api/instances?tag=workflow=hello", null, 400, "invalid_parameter" },
        { "GET", "api/instances?tag=team=north&tag=team=south", null, 400, "invalid_parameter" },
        { "GET", "api/instances?status=Failed", null, 400, "invalid_parameter" },
        { "GET", "api/instances/nobody?showinputs=true", null, 400, "invalid_parameter" },
        { "GET", "api/instances/nobody/history?top=1", null, 400, "invalid_parameter" },
        { "GET", "api/instances/nobody/stream?from=1", null, 400, "invalid_parameter" },
        { "GET", "api/instances/nobody/calls?agent=a", null, 400, "invalid_parameter" },
        { "GET", "api/workflows?top=1", null, 400, "invalid_parameter" },
        { "GET", "api/workflows/hello?version=1", null, 400, "invalid_parameter" },
        { "GET", "api/queue?top=1", null, 400, "invalid_parameter" },
        { "GET", "api/usage?wokflow=hello", null, 400, "invalid_parameter" },
        { "GET", "api/usage/unsettled?from=1", null, 400, "invalid_parameter" },
        { "GET", "api/schedules?top=1", null, 400, "invalid_parameter" },
        { "GET", "api/topics?top=1", null, 400, "invalid_parameter" },
        { "GET", "api/mailboxes?source=a", null, 400, "invalid_parameter" },
        { "GET", "api/approvals/nobody/x?top=1", null, 400, "invalid_parameter" },
        { "POST", Hello + "?dryRun=true", "{}", 400, "invalid_parameter" },
        { "POST", Hello, """{"tags":{"a=b":"c"}}""", 400, "invalid_request" },
        { "POST", "api/instances/nobody/events/go?wait=1", "{}", 400, "invalid_parameter" },
        { "POST", "api/instances/nobody/terminate?reson=x", null, 400, "invalid_parameter" },
        { "DELETE", "api/instances/nobody?force=true", null, 400, "invalid_parameter" },

        // Methods.
        { "PUT", Hello, "{}", 405, "method_not_allowed" },
        { "DELETE", "api/instances", null, 405, "method_not_allowed" },
        { "PATCH", "api/instances/nobody", "{}", 405, "method_not_allowed" },
        { "GET", "api/instances/nobody/suspend", null, 405, "method_not_allowed" },
        { "POST", "api/approvals", "{}", 405, "method_not_allowed" },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task Request_ThatIsNotValid_IsRefusedWithItsStatusAndCode(string method, string path, string? body, int status, string code)
    {
        var answer = await api.SendAsync(new HttpMethod(method), path, body);
        if (api.HasRouterInFront && code is ("not_found" or "method_not_allowed") && answer.Code is null)
        {
            // The request did not come as far as our handlers.
            Assert.Equal(404, (int)answer.Status);
            return;
        }

        Assert.Equal((status, code), ((int)answer.Status, answer.Code));
        Assert.Equal("application/problem+json", answer.Headers["Content-Type"].Split(';')[0]);
        Assert.Equal(status, answer.Json.GetProperty("status").GetInt32());
        Assert.NotEqual("", answer.Json.GetProperty("title").GetString());
        Assert.NotEqual("", answer.Json.GetProperty("detail").GetString());
        Assert.StartsWith("/", answer.Json.GetProperty("instance").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_WithBytesThatAreNotUtf8_IsRefusedWithTheirPlace()
    {
        byte[] latin = [.. """{"input":{"name":"caf"""u8, 0xE9, .. "\"}}"u8];
        using var content = new ByteArrayContent(latin);
        content.Headers.ContentType = new("application/json");

        var answer = await ApiAnswer.ReadAsync(await api.Http.PostAsync(Hello, content, TestContext.Current.CancellationToken));

        Assert.Equal((400, "invalid_json"), ((int)answer.Status, answer.Code));
        Assert.Contains("byte 0xE9 at offset 21", answer.Json.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Request_WithANulInItsPath_IsRefusedByTheWebServer() => Assert.Equal(400, (int)(await api.GetAsync("api/instances/%00")).Status);

    [Fact]
    public async Task Start_WithSeveralThingsWrong_ListsThemAll()
    {
        var answer = await api.PostAsync(Hello, """{"inptu":1,"instanceId":"a b","startAt":7,"limits":{"maxModelCalls":"x","other":1}}""");

        Assert.Equal(400, (int)answer.Status);
        Assert.Equal(
            ["/inptu", "/instanceId", "/limits/maxModelCalls", "/limits/other", "/startAt"],
            answer.Json.GetProperty("errors").EnumerateArray().Select(error => error.GetProperty("pointer").GetString()).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData(null)]
    public async Task Start_WithABodyNotDeclaredAsJson_IsRefused(string? contentType)
    {
        var answer = await api.PostTextAsync(Hello, """{"input":{"name":"Ada"}}""", contentType);

        Assert.Equal((415, "unsupported_media_type"), ((int)answer.Status, answer.Code));
    }

    [Theory]
    [InlineData(2 * 1024 * 1024)]
    [InlineData(10 * 1024 * 1024)]
    public async Task Start_WithABodyTooLarge_IsRefused(int bytes)
    {
        var answer = await api.PostAsync(Hello, $$$"""{"input":{"name":"{{{new string('x', bytes)}}}"}}""");

        Assert.Equal((413, "body_too_large"), ((int)answer.Status, answer.Code));
    }

    [Theory]
    [InlineData("")]
    [InlineData("with space")]
    public async Task Start_WithAnUnfitKey_IsRefused(string key)
    {
        var answer = await api.PostAsync(Hello, """{"input":{"name":"Ada"}}""", ("Idempotency-Key", key));

        Assert.Equal((400, "invalid_parameter"), ((int)answer.Status, answer.Code));
    }

    [Theory]
    [InlineData("x-ms-continuation-token", "api/instances", "invalid_continuation_token")]
    [InlineData("Last-Event-ID", "api/instances/nobody/stream", "invalid_parameter")]
    public async Task Request_WithAnUnfitHeader_IsRefused(string header, string path, string code)
    {
        var answer = await api.GetAsync(path, (header, "no such thing"));

        Assert.Equal((400, code), ((int)answer.Status, answer.Code));
    }

    [Fact]
    public async Task Host_AfterHostileRequests_GoesOnServing()
    {
        var random = new Random(20260711);
        for (var i = 0; i < 50; i++)
        {
            var garbage = new byte[random.Next(1, 2000)];
            random.NextBytes(garbage);
            var answer = await api.PostTextAsync(Hello, Encoding.Latin1.GetString(garbage), "application/json");
            Assert.Equal(400, (int)answer.Status);
        }

        Assert.Equal(200, (int)(await api.GetAsync("healthz/live")).Status);
        Assert.Equal(200, (int)(await api.GetAsync("healthz/ready")).Status);
        Assert.Equal(200, (int)(await api.PostAsync($"{Hello}?wait=30", """{"input":{"name":"Ada"}}""")).Status);
    }

    private static string Nested(int depth) => new string('[', depth) + new string(']', depth);
}
