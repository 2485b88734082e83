using System.Text;

namespace Polyphony.Http.Tests;

/// <summary>Whatever was taken can be shown: deep values, long questions; and one instance that can't be shown takes no other from a list.</summary>
[Trait("Row", "H4")]
[Trait("Row", "T4")]
public sealed class OddValueTests(HostFixture host)
{
    private const string Echo = """{"name":"echo","nodes":{"a":{"transform":"{{ input }}"}},"output":"{{ nodes.a.output }}"}""";

    private const string Ask = """{"definition":{"name":"ask","nodes":{"approve":{"human":{"prompt":"{{ input.draft }}"}}}},"input":{"draft":"DRAFT"}}""";

    [Theory]
    [InlineData(32)]
    [InlineData(57)]
    [InlineData(60)]
    [InlineData(62)]
    [InlineData(64)]
    public async Task Input_AsDeepAsIsTaken_IsShownEverywhere(int depth)
    {
        var deep = new StringBuilder().Insert(0, "{\"a\":", depth).Append('1').Append('}', depth).ToString();

        var answer = await host.Api.PostAsync("api/instances?wait=30", $$"""{"definition":{{Echo}},"input":{{deep}}}""");

        Assert.Equal("completed", answer.StopReason);
        Assert.Contains(deep, answer.Text, StringComparison.Ordinal);
        var id = answer.Json.GetProperty("instanceId").GetString();
        foreach (var path in (string[])[$"api/instances/{id}?showOutcomes=true&showHistory=true&showHistoryOutput=true", $"api/instances/{id}/history", "api/instances?showInput=true", "api/approvals"])
        {
            Assert.Equal(200, (int)(await host.Api.GetAsync(path)).Status);
        }

        var sent = 0;
        await foreach (var _ in host.Api.ReadStreamAsync(id!, null))
        {
            sent++;
        }

        Assert.True(sent > 2);
    }

    [Theory]
    [InlineData(1_000, false)]
    [InlineData(16_000, false)]
    [InlineData(60_000, true)]
    public async Task Question_OfAnyLength_IsShownWholeOrWithAnAddressForIt(int length, bool isCut)
    {
        var question = new string('q', length - 3) + "END";
        var start = await host.Api.PostAsync("api/instances", Ask.Replace("DRAFT", question, StringComparison.Ordinal));
        var id = start.Json.GetProperty("id").GetString()!;
        await foreach (var sent in host.Api.ReadStreamAsync(id, null))
        {
            if (sent.Type != "status" || !sent.Json.TryGetProperty("customStatus", out var custom) || custom.GetProperty("waitingFor").GetArrayLength() == 0)
            {
                continue;
            }

            var wait = custom.GetProperty("waitingFor")[0];
            Assert.EndsWith("… (shortened)", wait.GetProperty("prompt").GetString(), StringComparison.Ordinal);
            Assert.False(wait.TryGetProperty("question", out _));
            Assert.Equal(question, (await ReadAsync(wait.GetProperty("promptGetUri").GetString()!)).GetString());
            break;
        }

        var listed = (await host.Api.GetAsync("api/approvals")).Json.EnumerateArray().Single(each => each.GetProperty("instanceId").GetString() == id);
        Assert.Equal(isCut, listed.TryGetProperty("promptGetUri", out var address));
        Assert.Equal(question, isCut ? (await ReadAsync(address.GetString()!)).GetString() : listed.GetProperty("prompt").GetString());
    }

    private async Task<System.Text.Json.JsonElement> ReadAsync(string address) => (await host.Api.GetAsync(new Uri(address).PathAndQuery[1..])).Json.GetProperty("prompt");

    [Fact]
    public async Task Answer_ToAQuestionThatWasAnswered_IsRefused()
    {
        const string twice = """{"definition":{"name":"twice","nodes":{"approve":{"human":{"prompt":"Well?"}},"more":{"wait":{"event":"go"}}}}}""";
        var id = (await host.Api.PostAsync("api/instances", twice)).Json.GetProperty("id").GetString()!;

        Assert.Equal(202, (int)(await host.Api.PostAsync($"api/instances/{id}/events/answer:approve", "1")).Status);
        await foreach (var sent in host.Api.ReadStreamAsync(id, null))
        {
            if (sent.Type == "status" && sent.Data.Contains("\"event\"", StringComparison.Ordinal))
            {
                break;
            }
        }

        var late = await host.Api.PostAsync($"api/instances/{id}/events/answer:approve", "2");
        Assert.Equal((404, "question_not_found"), ((int)late.Status, late.Code));
        Assert.Equal(202, (int)(await host.Api.PostAsync($"api/instances/{id}/events/answer:approve%232", "3")).Status);
        await host.Api.PostAsync($"api/instances/{id}/events/go", "1");
    }

    [Theory]
    [InlineData("polyphony-stop")]
    [InlineData("Polyphony-Finish")]
    public async Task Event_WithANameOfTheHosts_IsRefused(string name)
    {
        var answer = await host.Api.PostAsync($"api/instances/nobody/events/{name}", "1");

        Assert.Equal((400, "invalid_request"), ((int)answer.Status, answer.Code));
    }

    [Fact]
    public async Task Body_ThatIsEncoded_IsRefused()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "api/workflows/hello/instances")
        {
            Content = new StringContent("""{"input":{"name":"Ada"}}""", Encoding.UTF8, "application/json"),
        };
        request.Content.Headers.ContentEncoding.Add("br");

        var answer = await Polyphony.Contract.Http.ApiAnswer.ReadAsync(await host.Api.Http.SendAsync(request, TestContext.Current.CancellationToken));

        Assert.Equal((415, "unsupported_media_type"), ((int)answer.Status, answer.Code));
    }

    [Theory]
    [InlineData("FFFFFFFFFFFFFFFFFF\r\n")]
    [InlineData("zz\r\n")]
    [InlineData("-1\r\n")]
    [InlineData("5\r\n{\"a\":1}\r\n")]
    public async Task Body_InBadChunks_IsTheCallersFault(string body)
    {
        using var socket = new System.Net.Sockets.TcpClient();
        await socket.ConnectAsync(host.Api.Address.Host, host.Api.Address.Port, TestContext.Current.CancellationToken);
        var stream = socket.GetStream();
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes(
                $"POST /api/workflows/hello/instances HTTP/1.1\r\nHost: localhost\r\n{host.Api.KeyHeader}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n{body}"),
            TestContext.Current.CancellationToken);

        using var reader = new StreamReader(stream);
        Assert.StartsWith("HTTP/1.1 400 ", await reader.ReadToEndAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Approvals_MoreThanTheStatusHolds_SayHowManyFollow()
    {
        const string definition = """{"name":"many","nodes":{"ask":{"forEach":"{{ input.items }}","human":{"prompt":"Item {{ item }}?"}}}}""";
        var many = $$"""{"definition":{{definition}},"input":{"items":[{{string.Join(',', Enumerable.Range(0, 45))}}]} }""";
        var id = (await host.Api.PostAsync("api/instances", many)).Json.GetProperty("id").GetString()!;
        await foreach (var sent in host.Api.ReadStreamAsync(id, null))
        {
            if (sent.Type == "status" && sent.Json.TryGetProperty("customStatus", out var progress) && progress.TryGetProperty("moreWaiting", out var more) && more.GetInt32() == 5)
            {
                break;
            }
        }

        var listed = (await host.Api.GetAsync("api/approvals")).Json.EnumerateArray().Where(each => each.GetProperty("instanceId").GetString() == id).ToList();
        Assert.Equal(40, listed.Count);
        Assert.All(listed, each => Assert.Equal(5, each.GetProperty("moreWaiting").GetInt32()));
        Assert.Equal(202, (int)(await host.Api.PostAsync($"api/instances/{id}/events/{Uri.EscapeDataString("answer:ask[44]")}", "1")).Status);
        Assert.Equal(202, (int)(await host.Api.PostAsync($"api/instances/{id}/terminate")).Status);
    }
}
