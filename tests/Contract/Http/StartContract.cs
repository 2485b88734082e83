using System.Text.Json;

namespace Polyphony.Contract.Http;

/// <summary>Starting instances.</summary>
[Trait("Row", "H1")]
[Trait("Row", "T4")]
public abstract class StartContract(ApiTarget api)
{
    private const string Hello = "api/workflows/hello/instances";

    [Fact]
    public async Task Start_ByName_AnswersAcceptedWithManagementUrls()
    {
        var answer = await api.PostAsync(Hello, """{"input":{"name":"Ada"}}""");

        Assert.Equal(202, (int)answer.Status);
        Assert.Equal("10", answer.Headers["Retry-After"]);
        var id = answer.Json.GetProperty("id").GetString();
        var instance = $"{api.Address}api/instances/{id}";
        Assert.Equal(instance, answer.Headers["Location"]);
        Assert.Equal(instance, answer.Json.GetProperty("statusQueryGetUri").GetString());
        Assert.Equal($"{instance}/events/{{eventName}}", answer.Json.GetProperty("sendEventPostUri").GetString());
        Assert.Equal($"{instance}/terminate?reason={{text}}", answer.Json.GetProperty("terminatePostUri").GetString());
        Assert.Equal($"{instance}/suspend?reason={{text}}", answer.Json.GetProperty("suspendPostUri").GetString());
        Assert.Equal($"{instance}/resume?reason={{text}}", answer.Json.GetProperty("resumePostUri").GetString());
        Assert.Equal($"{instance}/restart", answer.Json.GetProperty("restartPostUri").GetString());
        Assert.Equal($"{instance}/rewind?reason={{text}}", answer.Json.GetProperty("rewindPostUri").GetString());
        Assert.Equal(instance, answer.Json.GetProperty("purgeHistoryDeleteUri").GetString());
    }

    [Fact]
    public async Task Start_WithWait_AnswersTheFinishedStatus()
    {
        var answer = await api.PostAsync($"{Hello}?wait=30", """{"input":{"name":"Grace"}}""");

        Assert.Equal(200, (int)answer.Status);
        Assert.Equal("Completed", answer.RuntimeStatus);
        Assert.Equal("completed", answer.StopReason);
        Assert.Equal("Grace", answer.Json.GetProperty("output").GetProperty("to").GetString());
    }

    [Fact]
    public async Task Start_WithId_UsesItOnce()
    {
        var id = ApiTarget.NewId();
        var body = $$$"""{"instanceId":"{{{id}}}","input":{"name":"Ada"}}""";

        Assert.Equal(id, (await api.PostAsync(Hello, body)).Json.GetProperty("id").GetString());
        var second = await api.PostAsync(Hello, body);

        Assert.Equal(409, (int)second.Status);
        Assert.Equal("instance_exists", second.Code);
    }

    [Fact]
    public async Task Start_SameKeyAndBodyAtOnce_StartsOneInstance()
    {
        var key = ApiTarget.NewId();

        // The same request, written in two ways.
        string[] bodies = ["""{"input":{"name":"Ada"},"tags":{"a":"1"}}""", """{ "tags": {"a":"1"}, "input": { "name": "Ada" } }"""];
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => api.PostAsync(Hello, bodies[i % 2], ("Idempotency-Key", key))));

        Assert.All(answers, answer => Assert.Contains((int)answer.Status, (int[])[200, 202]));
        Assert.Single(answers.Select(Id).Distinct());

        var later = await api.PostAsync($"{Hello}?wait=30", bodies[0], ("Idempotency-Key", key));
        Assert.Equal(200, (int)later.Status);
        Assert.Equal(Id(answers[0]), Id(later));
    }

    [Fact]
    public async Task Start_SameKeyOtherBody_IsAConflict()
    {
        var key = ApiTarget.NewId();
        await api.PostAsync(Hello, """{"input":{"name":"Ada"}}""", ("Idempotency-Key", key));

        var other = await api.PostAsync(Hello, """{"input":{"name":"Grace"}}""", ("Idempotency-Key", key));

        Assert.Equal(409, (int)other.Status);
        Assert.Equal("idempotency_key_reused", other.Code);
    }

    [Fact]
    public async Task Start_SameIdOtherBodiesAtOnce_OneIsAcceptedAndRuns()
    {
        var id = ApiTarget.NewId();

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => api.PostAsync(Hello, $$$"""{"instanceId":"{{{id}}}","input":{"name":"N{{{i}}}"}}""")));

        var accepted = Assert.Single(Enumerable.Range(0, 20), i => (int)answers[i].Status == 202);
        Assert.All(answers.Where((_, i) => i != accepted), answer => Assert.Equal((409, "instance_exists"), ((int)answer.Status, answer.Code)));
        Assert.Equal($"N{accepted}", await RecipientAsync(id));
    }

    [Fact]
    public async Task Start_SameKeyOtherBodiesAtOnce_OneIsAcceptedAndRuns()
    {
        var key = ApiTarget.NewId();

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(i =>
            api.PostAsync(Hello, $$$"""{"input":{"name":"N{{{i % 2}}}"}}""", ("Idempotency-Key", key))));

        var taken = answers.Select((answer, i) => (answer, name: $"N{i % 2}")).Where(each => (int)each.answer.Status is 200 or 202).ToList();
        Assert.Equal(10, taken.Count);
        var name = Assert.Single(taken.Select(each => each.name).Distinct());
        var id = Assert.Single(taken.Select(each => Id(each.answer)).Distinct());
        Assert.Equal(10, answers.Count(answer => (int)answer.Status == 409 && answer.Code == "idempotency_key_reused"));
        Assert.Equal(name, await RecipientAsync(id));
    }

    [Fact]
    public async Task Start_SameKeyOtherWorkflow_IsAnotherInstance()
    {
        var key = ApiTarget.NewId();
        var hello = await api.PostAsync(Hello, """{"input":{"name":"Ada"}}""", ("Idempotency-Key", key));
        var parallel = await api.PostAsync("api/workflows/parallel/instances", """{"input":{"text":"We open in May."}}""", ("Idempotency-Key", key));

        Assert.Equal(202, (int)parallel.Status);
        Assert.NotEqual(Id(hello), Id(parallel));
    }

    [Fact]
    public async Task Start_Later_IsPendingUntilThen()
    {
        var answer = await api.PostAsync(Hello, """{"input":{"name":"Ada"},"startAt":"2999-01-01T00:00:00Z"}""");

        var status = await api.GetAsync($"api/instances/{Id(answer)}");

        Assert.Equal(202, (int)status.Status);
        Assert.Equal("Pending", status.RuntimeStatus);
        Assert.Equal(202, (int)(await api.PostAsync($"api/instances/{Id(answer)}/terminate")).Status);
    }

    [Fact]
    public async Task Workflows_OfTheHost_AreListedWithTheirSchemas()
    {
        var list = await api.GetAsync("api/workflows");
        var hello = list.Json.EnumerateArray().Single(workflow => workflow.GetProperty("name").GetString() == "hello");
        var one = await api.GetAsync("api/workflows/hello");

        Assert.Equal(["write", "shorten", "result"], hello.GetProperty("nodes").EnumerateArray().Select(node => node.GetString()));
        Assert.Equal("string", hello.GetProperty("input").GetProperty("properties").GetProperty("name").GetProperty("type").GetString());
        Assert.Equal($"{api.Address}api/workflows/hello/instances", hello.GetProperty("startPostUri").GetString());
        Assert.Equal(JsonValueKind.Object, one.Json.GetProperty("definition").ValueKind);
        Assert.Equal(hello.GetProperty("definitionHash").GetString(), one.Json.GetProperty("definitionHash").GetString());
    }

    /// <summary>Waits for the end of an instance of hello, and says whom it greets.</summary>
    private async Task<string?> RecipientAsync(string id)
    {
        var ended = await api.GetAsync($"api/instances/{id}?wait=60");
        for (var asked = 1; asked < 5 && ended.RuntimeStatus is "Pending" or "Running"; asked++)
        {
            ended = await api.GetAsync($"api/instances/{id}?wait=60");
        }

        Assert.Equal("Completed", ended.RuntimeStatus);
        return ended.Json.GetProperty("output").GetProperty("to").GetString();
    }

    private static string Id(ApiAnswer answer) =>
        (answer.Json.TryGetProperty("id", out var id) ? id : answer.Json.GetProperty("instanceId")).GetString()!;
}
