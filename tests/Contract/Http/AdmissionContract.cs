using Polyphony.Core.Durable;

namespace Polyphony.Contract.Http;

/// <summary>Limits on unfinished instances, and what is told of them. Each test has a host of its own, since all instances count.</summary>
[Trait("Row", "C5")]
[Trait("Row", "T4")]
public abstract class AdmissionContract
{
    private const string Hello = "api/workflows/hello/instances";
    private const string Approval = "api/workflows/approval/instances";
    private const string Topic = """{"input":{"topic":"new prices"}}""";

    [Fact]
    public async Task Start_BeyondTheLimitOfItsWorkflow_IsRefusedUntilOneHasFinished()
    {
        await using var host = await StartAsync(new AdmissionLimits { PerWorkflow = new Dictionary<string, int>(StringComparer.Ordinal) { ["approval"] = 2 } });
        var api = host.Api;
        var first = await api.StartWaitingAsync();
        var keyed = await api.PostAsync(Approval, Topic, ("Idempotency-Key", "one"));
        Assert.Equal(202, (int)keyed.Status);

        var refused = await api.PostAsync(Approval, Topic);

        Assert.Equal((429, "queue_full", "10"), ((int)refused.Status, refused.Code, refused.Headers["Retry-After"]));
        Assert.StartsWith("Unfinished instances of workflow \"approval\": 2, and the host's limit (MaxUnfinishedPerWorkflow) is 2. Nothing was started.", refused.Json.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal(Approval, refused.Json.GetProperty("instance").GetString()!.TrimStart('/'));

        // Others are not concerned, and what was accepted before is answered as before.
        Assert.Equal(200, (int)(await api.PostAsync($"{Hello}?wait=30", """{"input":{"name":"Ada"}}""")).Status);
        var repeated = await api.PostAsync(Approval, Topic, ("Idempotency-Key", "one"));
        Assert.Equal((202, keyed.Json.GetProperty("id").GetString()), ((int)repeated.Status, repeated.Json.GetProperty("id").GetString()));
        var sameId = await api.PostAsync(Approval, $$$"""{"instanceId":"{{{first}}}","input":{"topic":"x"}}""");
        Assert.Equal((409, "instance_exists"), ((int)sameId.Status, sameId.Code));

        await AnswerAsync(api, first);
        Assert.Equal(202, (int)(await UntilAdmittedAsync(() => api.PostAsync(Approval, Topic))).Status);
        Assert.Equal(429, (int)(await api.PostAsync(Approval, Topic)).Status);
    }

    [Fact]
    public async Task Restart_BeyondTheLimitOfAll_IsRefusedUntilOneHasFinished()
    {
        await using var host = await StartAsync(new AdmissionLimits { MaxUnfinished = 1 });
        var api = host.Api;
        var ended = (await api.PostAsync($"{Hello}?wait=30", """{"input":{"name":"Ada"}}""")).Json.GetProperty("instanceId").GetString();
        var waiting = (await UntilAdmittedAsync(() => api.PostAsync(Approval, Topic))).Json.GetProperty("id").GetString()!;

        var refused = await api.PostAsync($"api/instances/{ended}/restart");

        Assert.Equal((429, "queue_full", "10"), ((int)refused.Status, refused.Code, refused.Headers["Retry-After"]));
        Assert.StartsWith("Unfinished instances: 1, and the host's limit (MaxUnfinishedInstances) is 1.", refused.Json.GetProperty("detail").GetString(), StringComparison.Ordinal);

        await api.PostAsync($"api/instances/{waiting}/terminate");
        Assert.Equal(202, (int)(await UntilAdmittedAsync(() => api.PostAsync($"api/instances/{ended}/restart"))).Status);
    }

    [Fact]
    [Trait("Row", "C6")]
    public async Task Queue_OfAHost_CountsInstancesByWhatTheyWaitFor()
    {
        await using var host = await StartAsync(
            new AdmissionLimits { MaxUnfinished = 50, PerWorkflow = new Dictionary<string, int>(StringComparer.Ordinal) { ["approval"] = 9, ["translate"] = 4 } });
        var api = host.Api;
        var empty = (await api.GetAsync("api/queue")).Json;
        Assert.Equal((0, true, 0), (empty.GetProperty("unfinished").GetInt32(), empty.GetProperty("isComplete").GetBoolean(), empty.GetProperty("admitted").GetInt32()));
        Assert.False(empty.TryGetProperty("oldest", out _));

        var asks = await api.StartWaitingAsync();
        var suspended = await api.StartWaitingAsync();
        Assert.Equal(202, (int)(await api.PostAsync($"api/instances/{suspended}/suspend")).Status);
        var later = await api.PostAsync(Hello, """{"input":{"name":"Ada"},"startAt":"2060-01-31T12:00:00Z"}""");
        Assert.Equal(202, (int)later.Status);
        var listens = await api.StartWaitingAsync("timers", """{"at":"2060-01-31T12:00:00Z"}""");
        await api.PostAsync($"{Hello}?wait=30", """{"input":{"name":"Ada"}}""");

        var queue = (await api.GetAsync("api/queue")).Json;

        Assert.Equal((4, 4, 4, true), (queue.GetProperty("unfinished").GetInt32(), queue.GetProperty("examined").GetInt32(), queue.GetProperty("admitted").GetInt32(), queue.GetProperty("isComplete").GetBoolean()));
        Assert.Equal(
            """{"pending":1,"suspended":1,"running":0,"throttled":0,"waitingForPeople":1,"waitingForEvents":0,"waitingForLocks":0,"waitingForTimers":1}""", queue.GetProperty("states").GetRawText());
        Assert.Equal(asks, queue.GetProperty("oldest").GetProperty("instanceId").GetString());
        Assert.Equal(50, queue.GetProperty("limit").GetInt32());
        Assert.Equal(
            ["approval 2 of 9", "hello 1 of -", "timers 1 of -", "translate 0 of 4"],
            queue.GetProperty("workflows").EnumerateArray().Select(each =>
                $"{each.GetProperty("workflow").GetString()} {each.GetProperty("unfinished").GetInt32()} of {(each.TryGetProperty("limit", out var limit) ? limit.GetRawText() : "-")}"));
        Assert.Equal(0, queue.GetProperty("mailboxes").GetProperty("messages").GetInt64());
        Assert.NotEqual(asks, listens);
    }

    /// <summary>Starts a host with these limits and the workflows of samples/.</summary>
    protected abstract Task<IAdmissionHost> StartAsync(AdmissionLimits limits);

    protected static async Task AnswerAsync(ApiTarget api, string id)
    {
        await api.PostAsync($"api/instances/{id}/events/answer:approve", """{"approved":true}""");
        Assert.Equal("completed", (await api.GetAsync($"api/instances/{id}?wait=60")).StopReason);
    }

    // A host that counts by queries refuses for a second longer.
    private static async Task<ApiAnswer> UntilAdmittedAsync(Func<Task<ApiAnswer>> start)
    {
        while (true)
        {
            var answer = await start();
            if ((int)answer.Status != 429)
            {
                return answer;
            }

            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
        }
    }
}

/// <summary>A host with limits.</summary>
public interface IAdmissionHost : IAsyncDisposable
{
    ApiTarget Api { get; }
}
