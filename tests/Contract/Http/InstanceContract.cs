using System.Text.Json;

namespace Polyphony.Contract.Http;

/// <summary>Reading and managing instances.</summary>
[Trait("Row", "T4")]
public abstract class InstanceContract(ApiTarget api)
{
    [Fact]
    [Trait("Row", "H2")]
    public async Task Status_WhileItWaitsAndAfterwards_IsAcceptedAndThenOk()
    {
        var id = await api.StartWaitingAsync();

        var waiting = await api.GetAsync($"api/instances/{id}");
        Assert.Equal(202, (int)waiting.Status);
        Assert.Equal("5", waiting.Headers["Retry-After"]);
        Assert.Equal($"{api.Address}api/instances/{id}", waiting.Headers["Location"]);
        Assert.Equal("Running", waiting.RuntimeStatus);
        Assert.Equal("approval", waiting.Json.GetProperty("name").GetString());
        Assert.Equal("new prices", waiting.Json.GetProperty("input").GetProperty("topic").GetString());
        Assert.Equal("waiting", waiting.Json.GetProperty("customStatus").GetProperty("nodes")[1].GetProperty("status").GetString());

        // Held until the answer has come, and only as long.
        var held = api.GetAsync($"api/instances/{id}?wait=60&showInput=false&showOutcomes=true");
        await api.PostAsync($"api/instances/{id}/events/answer:approve", """{"approved":true}""");
        var finished = await held;
        Assert.Equal(200, (int)finished.Status);
        Assert.Equal("completed", finished.StopReason);
        Assert.False(finished.Json.TryGetProperty("input", out _));
        Assert.Equal(["draft", "approve", "publish"], finished.Json.GetProperty("outcomes").EnumerateArray().Select(outcome => outcome.GetProperty("node").GetString()));
        Assert.Equal("offline", finished.Json.GetProperty("outcomes")[0].GetProperty("provider").GetString());
        Assert.Equal(1, finished.Json.GetProperty("usage").GetProperty("modelCalls").GetInt32());
    }

    [Fact]
    [Trait("Row", "S12")]
    public async Task State_OfAnInstanceThatHasOne_IsInItsStatus()
    {
        var ended = await api.PostAsync("api/workflows/shared-findings/instances?wait=30", """{"input":{"sections":["We deliver in May.","You pay within ten days."]}}""");
        Assert.Equal("completed", ended.StopReason);

        var state = (await api.GetAsync($"api/instances/{ended.Json.GetProperty("instanceId").GetString()}")).Json.GetProperty("state");
        Assert.Equal(["findings", "longest", "read", "verdicts"], state.EnumerateObject().Select(member => member.Name));
        Assert.Equal((4, 24), (state.GetProperty("read").GetInt32(), state.GetProperty("longest").GetInt32()));
        Assert.Equal(
            ["lawyer 1", "lawyer 2", "accountant 1", "accountant 2"],
            state.GetProperty("findings").EnumerateArray().Select(finding => $"{finding.GetProperty("by").GetString()} {finding.GetProperty("section").GetInt32()}"));

        var without = await api.PostAsync("api/workflows/hello/instances?wait=30", """{"input":{"name":"Ada"}}""");
        Assert.False(without.Json.TryGetProperty("state", out _));
    }

    [Fact]
    [Trait("Row", "H3")]
    public async Task Timeline_OfARunThatWaitsAndEnds_TellsItsSteps()
    {
        var id = await api.StartWaitingAsync();
        Assert.Equal(["started", "modelCall"], (await StepsAsync(id)).Select(Kind));
        await api.PostAsync($"api/instances/{id}/suspend?reason=lunch");
        await api.PostAsync($"api/instances/{id}/resume?reason=back");
        await api.PostAsync($"api/instances/{id}/events/answer:approve", """{"approved":true}""");
        await api.GetAsync($"api/instances/{id}?wait=60");

        var steps = await StepsAsync(id);
        Assert.Equal(["started", "modelCall", "suspended", "resumed", "answered", "ended"], steps.Select(Kind));
        Assert.Equal("approval", steps[0].GetProperty("workflow").GetString());
        var call = steps[1];
        Assert.Equal(("draft", "writer", "offline", 1), (call.GetProperty("activation").GetString(), call.GetProperty("agent").GetString(), call.GetProperty("provider").GetString(), call.GetProperty("attempt").GetInt32()));
        Assert.Equal((1, true), (call.GetProperty("usage").GetProperty("modelCalls").GetInt32(), call.GetProperty("seconds").GetDouble() >= 0));
        Assert.Equal(("lunch", "approve"), (steps[2].GetProperty("reason").GetString(), steps[4].GetProperty("activation").GetString()));
        Assert.Equal(("completed", 1), (steps[5].GetProperty("stopReason").GetString(), steps[5].GetProperty("usage").GetProperty("modelCalls").GetInt32()));
        Assert.Equal(["suspended", "resumed"], (await api.GetAsync($"api/instances/{id}/timeline?from=2&top=2")).Json.GetProperty("steps").EnumerateArray().Select(Kind));
        Assert.Equal(404, (int)(await api.GetAsync("api/instances/nobody/timeline")).Status);
        Assert.Equal(400, (int)(await api.GetAsync($"api/instances/{id}/timeline?top=0")).Status);

        static string? Kind(JsonElement step) => step.GetProperty("kind").GetString();

        async Task<List<JsonElement>> StepsAsync(string instance) => [.. (await api.GetAsync($"api/instances/{instance}/timeline")).Json.GetProperty("steps").EnumerateArray()];
    }

    [Fact]
    [Trait("Row", "H3")]
    public async Task History_OfAFinishedInstance_BeginsAndEndsWithItsExecution()
    {
        var id = (await api.PostAsync("api/workflows/hello/instances?wait=30", """{"input":{"name":"Ada"}}""")).Json.GetProperty("instanceId").GetString();

        var history = (await api.GetAsync($"api/instances/{id}/history")).Json.GetProperty("events").EnumerateArray().ToList();
        var types = history.Select(each => each.GetProperty("type").GetString()).ToList();
        var sequences = history.Select(each => each.GetProperty("sequence").GetInt64()).ToList();

        Assert.Contains("ExecutionStarted", types.Take(2));
        Assert.Equal("ExecutionCompleted", types[^1]);
        Assert.Equal(sequences.Distinct().Order(), sequences);
        Assert.Equal(2, history.Count(each => each.GetProperty("type").GetString() == "TaskScheduled" && each.GetProperty("name").GetString() == "polyphony-agent"));

        var tail = (await api.GetAsync($"api/instances/{id}/history?from={sequences[^1]}&showHistoryOutput=false")).Json.GetProperty("events");
        Assert.Equal(1, tail.GetArrayLength());
        Assert.False(tail[0].TryGetProperty("output", out _));

        var inStatus = (await api.GetAsync($"api/instances/{id}?showHistory=true")).Json.GetProperty("historyEvents");
        Assert.Equal(history.Count, inStatus.GetArrayLength());
    }

    [Fact]
    [Trait("Row", "H4")]
    public async Task List_ByPrefixStatusAndPage_GivesEachInstanceOnceNewestFirst()
    {
        var prefix = ApiTarget.NewId();
        for (var i = 0; i < 5; i++)
        {
            await api.PostAsync("api/workflows/hello/instances?wait=30", $$$"""{"instanceId":"{{{prefix}}}-{{{i}}}","input":{"name":"Ada"}}""");
        }

        var ids = new List<string>();
        string? token = null;
        do
        {
            var page = await api.GetAsync($"api/instances?instanceIdPrefix={prefix}&runtimeStatus=Completed&workflow=hello&top=2", token is null ? [] : [("x-ms-continuation-token", token)]);
            Assert.Equal(200, (int)page.Status);
            Assert.True(page.Json.GetArrayLength() <= 2);
            ids.AddRange(page.Json.EnumerateArray().Select(status => status.GetProperty("instanceId").GetString()!));
            token = page.Headers.GetValueOrDefault("x-ms-continuation-token");
        }
        while (token is not null);

        Assert.Equal(Enumerable.Range(0, 5).Reverse().Select(i => $"{prefix}-{i}"), ids);
        Assert.Equal(0, (await api.GetAsync($"api/instances?instanceIdPrefix={prefix}&runtimeStatus=Failed,Running")).Json.GetArrayLength());
        Assert.Equal(0, (await api.GetAsync($"api/instances?instanceIdPrefix={prefix}&createdTimeTo=2001-01-01T00:00:00Z")).Json.GetArrayLength());
        Assert.Equal(0, (await api.GetAsync($"api/instances?instanceIdPrefix={prefix}&workflow=approval")).Json.GetArrayLength());
        Assert.Equal(5, (await api.GetAsync($"api/instances?instanceIdPrefix={prefix}&createdTimeFrom=2001-01-01T00:00:00Z")).Json.GetArrayLength());
    }

    [Fact]
    [Trait("Row", "H12")]
    public async Task Tags_GivenAtAStart_ComeBackFilterListsAndSurviveARestart()
    {
        var prefix = ApiTarget.NewId();
        async Task StartAsync(int number, string tags) => Assert.Equal(200, (int)(await api.PostAsync(
            "api/workflows/hello/instances?wait=30", $$$"""{"instanceId":"{{{prefix}}}-{{{number}}}","input":{"name":"Ada"},"tags":{{{tags}}}}""")).Status);
        await StartAsync(0, """{"team":"north","for":"a=b c"}""");
        await StartAsync(1, """{"team":"north"}""");
        await StartAsync(2, """{"team":"south","for":"a=b c"}""");
        await StartAsync(3, """{"team":"north","for":"a=b c"}""");
        Assert.Equal(200, (int)(await api.PostAsync("api/workflows/hello/instances?wait=30", """{"input":{"name":"Ada"}}""", ("Idempotency-Key", prefix))).Status);

        async Task<ApiAnswer> ListAsync(string query, string? token = null) =>
            await api.GetAsync($"api/instances?instanceIdPrefix={prefix}&{query}", token is null ? [] : [("x-ms-continuation-token", token)]);
        static IEnumerable<string> Ids(ApiAnswer answer) => answer.Json.EnumerateArray().Select(status => status.GetProperty("instanceId").GetString()![^1..]);
        Assert.Equal(["3", "1", "0"], Ids(await ListAsync("tag=team=north")));
        Assert.Equal(["3", "0"], Ids(await ListAsync("tag=team%3Dnorth&tag=for=a=b%20c&workflow=hello&runtimeStatus=Completed")));
        Assert.Empty(Ids(await ListAsync("tag=team=north&workflow=approval")));
        Assert.Empty(Ids(await ListAsync("tag=team=North")));

        var first = await ListAsync("tag=team=north&top=2");
        Assert.Equal(["3", "1"], Ids(first));
        await StartAsync(4, """{"team":"north"}""");
        var second = await ListAsync("tag=team=north&top=2", first.Headers["x-ms-continuation-token"]);
        Assert.Equal(["0"], Ids(second));
        Assert.False(second.Headers.ContainsKey("x-ms-continuation-token"));

        static Dictionary<string, string>? Tags(JsonElement status) => status.TryGetProperty("tags", out var tags) ? tags.EnumerateObject().ToDictionary(tag => tag.Name, tag => tag.Value.GetString()!) : null;
        var both = new Dictionary<string, string> { ["team"] = "north", ["for"] = "a=b c" };
        Assert.Equal(both, Tags((await api.GetAsync($"api/instances/{prefix}-0")).Json));
        Assert.Equal(both, Tags(second.Json[0]));

        var again = (await api.PostAsync($"api/instances/{prefix}-0/restart?newInstanceId={prefix}-9")).Json.GetProperty("id").GetString();
        var ended = await api.GetAsync($"api/instances/{again}?wait=30");
        Assert.Equal(both, Tags(ended.Json));
        Assert.Equal(["9", "4", "3", "1", "0"], Ids(await ListAsync("tag=team=north")));
        await api.SendAsync(HttpMethod.Delete, $"api/instances/{again}", null);
        Assert.Equal(["4", "3", "1", "0"], Ids(await ListAsync("tag=team=north")));
    }

    [Fact]
    [Trait("Row", "H12")]
    public async Task Parameters_ThatNobodyKnows_AreListedWithThoseThatAreWrong()
    {
        var refused = await api.GetAsync("api/instances?top=0&colour=red&taag=a=b");

        Assert.Equal((400, "invalid_parameter"), ((int)refused.Status, refused.Code));
        Assert.Equal(["top", "colour", "taag"], refused.Json.GetProperty("errors").EnumerateArray().Select(error => error.GetProperty("parameter").GetString()));
        Assert.Contains("tag, workflow, runtimeStatus", refused.Text, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Row", "H5")]
    public async Task Managing_AWaitingInstance_HaltsLetsGoEndsRestartsAndRemovesIt()
    {
        var id = await api.StartWaitingAsync();
        var instance = $"api/instances/{id}";

        Assert.Equal(202, (int)(await api.PostAsync($"{instance}/suspend?reason=lunch")).Status);
        Assert.Equal("Suspended", (await api.GetAsync(instance)).RuntimeStatus);
        Assert.Equal(409, (int)(await api.PostAsync($"{instance}/restart")).Status);
        Assert.Equal(409, (int)(await api.SendAsync(HttpMethod.Delete, instance, null)).Status);
        Assert.Equal(409, (int)(await api.PostAsync($"{instance}/rewind")).Status);
        Assert.Equal(202, (int)(await api.PostAsync($"{instance}/resume")).Status);
        Assert.Equal("Running", (await api.GetAsync(instance)).RuntimeStatus);
        Assert.Equal(202, (int)(await api.PostAsync($"{instance}/terminate?reason=enough")).Status);

        var ended = await api.GetAsync($"{instance}?wait=30");
        Assert.Equal(200, (int)ended.Status);
        Assert.Equal("Terminated", ended.RuntimeStatus);
        Assert.Equal("cancelled", ended.StopReason);
        foreach (var action in (string[])["suspend", "resume", "terminate", "rewind", "events/answer:approve"])
        {
            var refused = await api.PostAsync($"{instance}/{action}");
            Assert.Equal(410, (int)refused.Status);
            Assert.Equal("invalid_status", refused.Code);
        }

        var again = await api.PostAsync($"{instance}/restart");
        Assert.Equal(202, (int)again.Status);
        var second = again.Json.GetProperty("id").GetString()!;
        Assert.Equal("new prices", (await api.GetAsync($"api/instances/{second}")).Json.GetProperty("input").GetProperty("topic").GetString());
        await api.PostAsync($"api/instances/{second}/terminate");

        Assert.Equal(1, (await api.SendAsync(HttpMethod.Delete, instance, null)).Json.GetProperty("instancesDeleted").GetInt32());
        Assert.Equal(404, (int)(await api.GetAsync(instance)).Status);
        Assert.Equal(404, (int)(await api.SendAsync(HttpMethod.Delete, instance, null)).Status);
    }

    [Fact]
    [Trait("Row", "O10")]
    public async Task Approvals_OpenQuestions_AreListedCheckedAndAnswered()
    {
        var id = await api.StartWaitingAsync();
        var question = (await api.GetAsync("api/approvals")).Json.EnumerateArray().Single(each => each.GetProperty("instanceId").GetString() == id);
        Assert.Equal("approve", question.GetProperty("activation").GetString());
        Assert.Equal("approval", question.GetProperty("workflow").GetString());
        Assert.StartsWith("May this be published?", question.GetProperty("prompt").GetString(), StringComparison.Ordinal);
        Assert.Equal("boolean", question.GetProperty("schema").GetProperty("properties").GetProperty("approved").GetProperty("type").GetString());
        var answerUri = new Uri(question.GetProperty("answerPostUri").GetString()!).PathAndQuery[1..];

        var wrong = await api.PostAsync(answerUri, """{"approved":"yes","comment":7}""");
        Assert.Equal(400, (int)wrong.Status);
        Assert.Equal("answer_invalid", wrong.Code);
        Assert.Equal(["/approved", "/comment"], wrong.Json.GetProperty("errors").EnumerateArray().Select(error => error.GetProperty("pointer").GetString()).Order());

        Assert.Equal(202, (int)(await api.PostAsync(answerUri, """{"approved":false}""")).Status);
        var ended = await api.GetAsync($"api/instances/{id}?wait=30");
        Assert.Equal("rejected", ended.StopReason);
        Assert.DoesNotContain((await api.GetAsync("api/approvals")).Json.EnumerateArray(), each => each.GetProperty("instanceId").GetString() == id);
    }

    [Fact]
    [Trait("Row", "O17")]
    public async Task Approvals_OfToolCalls_ShowToolArgumentsAndForm()
    {
        var id = await api.StartWaitingAsync("ask-first", """{"path":"a\u001b.md"}""");
        var question = (await api.GetAsync("api/approvals")).Json.EnumerateArray().Single(each => each.GetProperty("instanceId").GetString() == id);
        Assert.Equal(("read.read_file", "ask-first", "read_file", $"{id}/read"), (question.GetProperty("activation").GetString(), question.GetProperty("workflow").GetString(), question.GetProperty("tool").GetString(), question.GetProperty("effectKey").GetString()));
        Assert.Equal("Call the tool \"read_file\" with {\"path\":\"a\\u001b.md\"}?", question.GetProperty("prompt").GetString(), ignoreCase: true);
        Assert.Equal("a\u001b.md", question.GetProperty("arguments").GetProperty("path").GetString());
        Assert.Equal("string", question.GetProperty("schema").GetProperty("properties").GetProperty("arguments").GetProperty("properties").GetProperty("path").GetProperty("type").GetString());
        Assert.True(question.TryGetProperty("until", out _));
        var waiting = (await api.GetAsync($"api/instances/{id}")).Json.GetProperty("customStatus");
        Assert.Equal("read_file", waiting.GetProperty("waitingFor")[0].GetProperty("tool").GetString());
        Assert.False(waiting.GetProperty("waitingFor")[0].TryGetProperty("details", out _));
        var answerUri = new Uri(question.GetProperty("answerPostUri").GetString()!).PathAndQuery[1..];

        foreach (var (answer, pointer) in ((string, string)[])[("""{"decision":"maybe"}""", "/decision"), ("""{"decision":"approve","arguments":{"path":7}}""", "/arguments/path"), ("""{"decision":"refuse","why":"no"}""", "/why")])
        {
            var wrong = await api.PostAsync(answerUri, answer);
            Assert.Equal((400, "answer_invalid", pointer), ((int)wrong.Status, wrong.Code, wrong.Json.GetProperty("errors")[0].GetProperty("pointer").GetString()));
        }

        Assert.Equal(202, (int)(await api.PostAsync(answerUri, """{"decision":"refuse","reason":"Not this one."}""")).Status);
        var ended = await api.GetAsync($"api/instances/{id}?wait=30&showOutcomes=true");
        Assert.Equal("completed", ended.StopReason);
        Assert.Equal(
            "The call of tool \"read_file\" was refused: Not this one.",
            ended.Json.GetProperty("outcomes")[0].GetProperty("result").GetProperty("text").GetString());
    }

    [Fact]
    [Trait("Row", "O17")]
    public async Task Approvals_OfToolCalls_TakeNoAnswerThatNobodyWaitsFor()
    {
        var id = await api.StartWaitingAsync("ask-first", """{"path":"a.md"}""");
        var early = await api.PostAsync($"api/instances/{id}/events/answer:read.read_file.doubt1", """{"decision":"repeat"}""");
        Assert.Equal((404, "question_not_found"), ((int)early.Status, early.Code));
        await api.PostAsync($"api/instances/{id}/terminate");
    }

    [Fact]
    [Trait("Row", "O10")]
    [Trait("Row", "S8")]
    public async Task Approvals_AnswerAboveTheSizeOfAMessage_IsTakenAndCheckedAsOthers()
    {
        var id = await api.StartWaitingAsync();
        var comment = new string('x', 200_000);
        var wrong = await api.PostAsync($"api/instances/{id}/events/answer:approve", $$"""{"approved":"yes","comment":"{{comment}}"}""");
        Assert.Equal((400, "answer_invalid"), ((int)wrong.Status, wrong.Code));

        Assert.Equal(202, (int)(await api.PostAsync($"api/instances/{id}/events/answer:approve", $$"""{"approved":true,"comment":"{{comment}}"}""")).Status);

        var ended = await api.GetAsync($"api/instances/{id}?wait=30");
        Assert.Equal("completed", ended.StopReason);
        Assert.Equal(comment, ended.Json.GetProperty("output").GetProperty("comment").GetString());
        var late = await api.PostAsync($"api/instances/{id}/events/answer:approve", $$"""{"approved":true,"comment":"{{comment}}"}""");
        Assert.Equal((410, "invalid_status"), ((int)late.Status, late.Code));
    }

    [Fact]
    [Trait("Row", "O10")]
    public async Task Approvals_QuestionByItsAddress_IsShownUntilItIsAnswered()
    {
        var id = await api.StartWaitingAsync();
        var listed = (await api.GetAsync("api/approvals")).Json.EnumerateArray().Single(each => each.GetProperty("instanceId").GetString() == id);

        var alone = await api.GetAsync($"api/approvals/{id}/approve");

        Assert.Equal(listed.GetRawText(), alone.Json.GetRawText());
        var other = await api.GetAsync($"api/approvals/{id}/publish");
        Assert.Equal((404, "question_not_found"), ((int)other.Status, other.Code));
    }

    [Fact]
    [Trait("Row", "H7")]
    public async Task Stream_CutAnywhereAndResumed_MissesNothingAndRepeatsNothing()
    {
        var id = (await api.PostAsync("api/workflows/hello/instances", """{"input":{"name":"Ada"}}""")).Json.GetProperty("id").GetString()!;
        var live = await ReadAllAsync(id, null);
        var history = (await api.GetAsync($"api/instances/{id}/history")).Json.GetProperty("events").EnumerateArray().Select(each => each.GetProperty("sequence").GetInt64()).ToList();

        Assert.Equal(history, Sequences(live));
        Assert.Equal("end", live[^1].Type);
        Assert.Equal("Completed", live.Last(sent => sent.Type == "status").Json.GetProperty("runtimeStatus").GetString());

        // Cut after every event that has an id: what comes after it is what had not been seen.
        foreach (var cut in live.Where(sent => sent.Id is not null))
        {
            var seen = live.TakeWhile(sent => sent != cut).Append(cut);
            var rest = await ReadAllAsync(id, cut.Id);
            Assert.Equal(history, Sequences(seen).Concat(Sequences(rest)));
        }

        Assert.Empty(await ReadAllAsync(id, live.Last(sent => sent.Id is not null).Id));
    }

    [Fact]
    [Trait("Row", "H7")]
    public async Task Stream_CutWhileItWaits_GoesOnWithWhatFollows()
    {
        var id = await api.StartWaitingAsync();
        var seen = new List<SentEvent>();
        await foreach (var sent in api.ReadStreamAsync(id, null))
        {
            seen.Add(sent);
            if (sent.Type == "status")
            {
                break;
            }
        }

        var rest = ReadAllAsync(id, seen[^1].Id);
        await api.PostAsync($"api/instances/{id}/events/answer:approve", """{"approved":true}""");
        seen.AddRange(await rest);

        var history = (await api.GetAsync($"api/instances/{id}/history")).Json.GetProperty("events").EnumerateArray().Select(each => each.GetProperty("sequence").GetInt64());
        Assert.Equal(history, Sequences(seen));
    }

    private static IEnumerable<long> Sequences(IEnumerable<SentEvent> events) =>
        events.Where(sent => sent.Type == "history").Select(sent => sent.Json.GetProperty("sequence").GetInt64());

    private async Task<List<SentEvent>> ReadAllAsync(string id, string? from)
    {
        var all = new List<SentEvent>();
        await foreach (var sent in api.ReadStreamAsync(id, from))
        {
            all.Add(sent);
        }

        return all;
    }
}
