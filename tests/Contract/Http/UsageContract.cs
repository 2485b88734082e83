using System.Text.Json;

namespace Polyphony.Contract.Http;

/// <summary>What model calls have used and cost. Other tests run on the same host, so sums are compared with those before.</summary>
[Trait("Row", "B2")]
[Trait("Row", "T4")]
public abstract class UsageContract(ApiTarget api)
{
    [Fact]
    public async Task Usage_OfARun_IsCountedListedAndKeptAfterAPurge()
    {
        var before = await HelloAsync();
        var id = (await api.PostAsync("api/workflows/hello/instances?wait=30", """{"input":{"name":"Ada"}}""")).Json.GetProperty("instanceId").GetString()!;

        var calls = (await api.GetAsync($"api/instances/{id}/calls")).Json.EnumerateArray().ToList();
        Assert.NotEmpty(calls);
        Assert.All(calls, call =>
        {
            Assert.Equal((id, "hello", "offline", 1, 0), (Text(call, "instanceId"), Text(call, "workflow"), Text(call, "provider"), call.GetProperty("begun").GetInt32(), call.GetProperty("unsettled").GetInt32()));
            Assert.True(call.GetProperty("answeredTime").GetDateTimeOffset() >= call.GetProperty("begunTime").GetDateTimeOffset());
            Assert.False(call.TryGetProperty("content", out _));
        });
        Assert.Equal(calls.Skip(1).Select(call => Text(call, "step")), (await api.GetAsync($"api/instances/{id}/calls?from=1&top=1000")).Json.EnumerateArray().Select(call => Text(call, "step")));

        await api.SendAsync(HttpMethod.Delete, $"api/instances/{id}", null);
        Assert.Equal(404, (int)(await api.GetAsync($"api/instances/{id}/calls")).Status);
        var after = await HelloAsync();
        Assert.True(after.Calls >= before.Calls + calls.Count, $"{before.Calls} calls before, {after.Calls} after {calls.Count} more");
        Assert.True(after.Tokens >= before.Tokens + calls.Sum(call => call.GetProperty("inputTokens").GetInt64()));
    }

    [Fact]
    public async Task Usage_ByColumns_IsJsonOrCsv()
    {
        await api.PostAsync("api/workflows/hello/instances?wait=30", """{"input":{"name":"Ada"}}""");

        var report = (await api.GetAsync("api/usage?by=workflow,agent&by=model&workflow=hello")).Json;
        Assert.Equal(["workflow", "agent", "model"], report.GetProperty("by").EnumerateArray().Select(column => column.GetString()));
        var row = report.GetProperty("rows")[0];
        Assert.Equal("hello", Text(row, "workflow"));
        Assert.False(row.TryGetProperty("day", out _));
        Assert.Equal(0m, row.GetProperty("costUsd").GetDecimal());

        var csv = await api.GetAsync("api/usage?by=workflow,agent,model&workflow=hello&format=csv");
        Assert.StartsWith("text/csv", csv.Headers["Content-Type"], StringComparison.Ordinal);
        var lines = csv.Text.Split("\r\n");
        Assert.Equal("workflow,agent,model,calls,inputTokens,cachedInputTokens,outputTokens,reasoningTokens,costUsd,unpricedCalls,estimatedCalls,unsettledCalls", lines[0]);
        Assert.StartsWith($"hello,{Text(row, "agent")},{Text(row, "model")},", lines[1], StringComparison.Ordinal);
        Assert.Equal(2, (await api.GetAsync("api/usage?format=csv")).Text.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public async Task Unsettled_OfAHost_IsAList() =>
        Assert.Equal(JsonValueKind.Array, (await api.GetAsync("api/usage/unsettled?top=5")).Json.ValueKind);

    [Fact]
    public async Task Usage_WrongParameters_AreListedAtOnce()
    {
        var refused = await api.GetAsync("api/usage?from=2026-2-1&to=tomorrow&by=agent,color&format=xml&top=0");

        Assert.Equal((400, "invalid_parameter"), ((int)refused.Status, refused.Code));
        Assert.Equal(["to", "from", "format", "by", "top"], refused.Json.GetProperty("errors").EnumerateArray().Select(error => Text(error, "parameter")));
        Assert.Equal(400, (int)(await api.GetAsync("api/usage?from=2026-01-02&to=2026-01-01")).Status);
        Assert.Equal(400, (int)(await api.GetAsync("api/usage?from=2020-01-01&to=2026-01-01")).Status);
        Assert.Equal(400, (int)(await api.GetAsync("api/usage?format=csv&top=3")).Status);
        Assert.Equal(200, (int)(await api.GetAsync("api/usage?to=0001-01-01")).Status);
        Assert.Equal((404, "instance_not_found"), (await api.GetAsync("api/instances/nobody/calls")) is var missing ? ((int)missing.Status, missing.Code) : default);
    }

    private static string? Text(JsonElement json, string name) => json.GetProperty(name).GetString();

    private async Task<(long Calls, long Tokens)> HelloAsync()
    {
        var total = (await api.GetAsync("api/usage?workflow=hello")).Json.GetProperty("total");
        return (total.GetProperty("calls").GetInt64(), total.GetProperty("inputTokens").GetInt64());
    }
}
