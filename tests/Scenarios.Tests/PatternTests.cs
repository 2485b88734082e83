using System.Text.Json;
using Polyphony.Core.Durable;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Scenarios.Tests;

/// <summary>Each orchestration pattern, from the file to the result.</summary>
public sealed class PatternTests
{
    private const string Agents = """
        models: { m: { provider: offline } }
        agents: { a: { model: m, context: [] }, b: { model: m, context: [] } }
        """;

    [Fact]
    [Trait("Row", "O1")]
    public async Task Sequence_ThreeAgents_EachGetsWhatTheEarlierOnesSaid()
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = (_, messages, _, _) => Task.FromResult(TestModels.Text($"<{string.Join('+', messages.Select(message => message.Text))}>"));
        var status = await host.RunAsync("""
            name: sequence
            models: { m: { provider: offline } }
            agents: { a: { model: m }, b: { model: m }, c: { model: m } }
            nodes:
              first: { agent: a, prompt: "1" }
              second: { agent: b, prompt: "2" }
              third: { agent: c, prompt: "3" }
            """);
        Assert.Equal("completed", status.Reason());
        var texts = status.Outcomes!.Select(outcome => outcome.Result!.Value.GetString()!).ToList();
        Assert.Equal("<1>", texts[0]);
        Assert.Contains(texts[0], texts[1]);
        Assert.Contains(texts[0], texts[2]);
        Assert.Contains(texts[1], texts[2]);
        Assert.Equal(texts[2], status.Output!.Value.GetString());
    }

    [Fact]
    [Trait("Row", "O2")]
    public async Task FanOut_ThreeBranches_TakesAboutAsLongAsTheSlowest()
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = async (_, messages, _, cancellationToken) =>
        {
            await Task.Delay(TimeSpan.FromSeconds(int.Parse(messages[^1].Text)), host.Clock, cancellationToken);
            return TestModels.Text(messages[^1].Text);
        };
        var status = await host.RunAsync($$$"""
            name: parallel
            {{{Agents}}}
            nodes:
              x: { agent: a, prompt: "5" }
              y: { agent: a, prompt: "20" }
              z: { agent: a, prompt: "7" }
              join: { transform: [ "{{ nodes.x.output }}", "{{ nodes.y.output }}", "{{ nodes.z.output }}" ] }
            edges: [ "[x, y, z] -> join" ]
            """);
        Assert.Equal("""["5","20","7"]""", status.Output!.Value.GetRawText());
        Assert.InRange((status.CompletedTime!.Value - status.CreatedTime).TotalSeconds, 20, 21);
    }

    /// <summary>Children divide the items so that all slots are busy to the end.</summary>
    [Theory]
    [InlineData(100, 5, 20)]
    [InlineData(100, 50, 2)]
    [InlineData(250, 50, 5)]
    [InlineData(1000, 100, 10)]
    [InlineData(1000, 1000, 1)]
    [InlineData(101, 7, 15)]
    [InlineData(1000, 333, 4)]
    [InlineData(1500, 20, 76)]
    [Trait("Row", "O5")]
    [Trait("Row", "R7")]
    public async Task ForEach_DividedAmongChildren_TakesAsLongAsItsSlotsNeed(int items, int slots, int waves)
    {
        foreach (var options in (InterpreterOptions[])[new(), InterpreterOptions.InMemory])
        {
            TestHost? host = null;
            await using var started = host = await TestHost.StartAsync(
                async (_, cancellationToken) =>
                {
                    await Task.Delay(TimeSpan.FromSeconds(10), host!.Clock, cancellationToken);
                    return new AgentCallResult { Output = Payload.Inline(TestHost.Json("x")), Usage = new Usage(1, 1, 1, 0) };
                },
                options);
            var status = await host.RunAsync(
                $$$"""
                name: wide
                limits: { maxConcurrency: {{{slots}}} }
                {{{Agents}}}
                nodes: { each: { agent: a, forEach: "{{ input.items }}", prompt: x } }
                """,
                new { items = Enumerable.Range(0, items).ToArray() });

            Assert.Equal("completed", status.Reason());
            Assert.Equal(waves * 10, (status.CompletedTime!.Value - status.CreatedTime).TotalSeconds, tolerance: 0.5);
        }
    }

    [Fact]
    [Trait("Row", "O5")]
    [Trait("Row", "S1")]
    [Trait("Row", "S8")]
    public async Task ForEach_TenThousandItems_AllResultsInOrderAndNoLargeHistory()
    {
        await using var host = await TestHost.StartAsync();
        var status = await host.RunAsync(
            $$$"""
            name: wide
            limits: { maxConcurrency: 100 }
            {{{Agents}}}
            nodes:
              each: { agent: a, forEach: "{{ input.items }}", prompt: "item {{ item }}" }
              count: { transform: "{{ size(nodes.each.output) }}" }
            output: { count: "{{ nodes.count.output }}", first: "{{ nodes.each.output[0] }}", last: "{{ nodes.each.output[9999] }}" }
            """,
            new { items = Enumerable.Range(0, 10_000).ToArray() });
        Assert.Equal("completed", status.Reason());
        Assert.Equal("""{"count":10000,"first":"item 0","last":"item 9999"}""", status.Output!.Value.GetRawText());
        Assert.Equal(10_000, host.Models.Calls);
        Assert.Equal(10_001, status.Outcomes!.Count);
        Assert.Equal("each[9999]", status.Outcomes[9_999].Outcome.Activation);
        var history = await host.Engine.Client.GetHistoryAsync(status.InstanceId);
        Assert.InRange(history.Count, 1, 1_500);
    }

    [Fact]
    [Trait("Row", "O6")]
    public async Task Branch_ConditionFalse_NodeIsSkippedAndJoinGoesOn()
    {
        await using var host = await TestHost.StartAsync();
        var yaml = $$$"""
            name: branch
            input: { type: object, properties: { n: { type: integer } } }
            {{{Agents}}}
            nodes:
              start: { transform: "{{ input.n }}" }
              big: { agent: a, prompt: "big" }
              small: { agent: a, prompt: "small" }
              after: { agent: b, prompt: "after big" }
              end: { transform: { big: "{{ nodes.big.status }}", after: "{{ nodes.after.status }}", small: "{{ nodes.small.output }}" } }
            edges:
              - { from: start, to: big, when: "nodes.start.output > 10" }
              - { from: start, to: small, when: "nodes.start.output <= 10" }
              - big -> after -> end
              - small -> end
            """;
        var small = await host.RunAsync(yaml, new { n = 3 });
        Assert.Equal("""{"big":"skipped","after":"skipped","small":"small"}""", small.Output!.Value.GetRawText());
        Assert.Equal(1, host.Models.Calls);
        var big = await host.RunAsync(yaml, new { n = 11 });
        Assert.Equal("""{"big":"completed","after":"completed","small":null}""", big.Output!.Value.GetRawText());
    }

    [Theory]
    [InlineData(2, "completed", 2)]
    [InlineData(9, "max_rounds", 4)]
    [Trait("Row", "O7")]
    public async Task Loop_UntilAcceptedOrCap_EndsWithTheRightReason(int acceptedInRound, string reason, int drafts)
    {
        await using var host = await TestHost.StartAsync();
        var written = 0;
        host.Models.Respond = (_, messages, _, _) => Task.FromResult(TestModels.Text(
            messages[^1].Text.StartsWith("write", StringComparison.Ordinal) ? $"draft {++written}" : $$"""{"score":{{(written >= acceptedInRound ? 9 : written)}}}"""));
        var status = await host.RunAsync("""
            name: loop
            models: { m: { provider: offline } }
            agents:
              writer: { model: m }
              critic: { model: m, output: { type: object, required: [score], properties: { score: { type: integer } } } }
            nodes:
              draft: { agent: writer, prompt: "write round {{ round }}" }
              review: { agent: critic, prompt: "judge {{ nodes.draft.output }}" }
              done: { transform: "{{ nodes.draft.output }}" }
            edges:
              - draft -> review -> done
              - { from: review, to: draft, when: "nodes.review.output.score < 8", max: 3 }
            """);
        Assert.Equal(reason, status.Reason());
        Assert.Equal($"draft {drafts}", status.Output!.Value.GetString());
        Assert.Equal(drafts, status.Outcomes!.Count(outcome => outcome.Outcome.Node == "draft"));
        Assert.Contains(status.Outcomes!, outcome => outcome.Outcome.Activation == "draft#2");
    }

    [Fact]
    [Trait("Row", "O7")]
    public async Task Loop_FiveHundredRounds_ContinuesAsNewAndKeepsEveryOutcome()
    {
        await using var host = await TestHost.StartAsync();
        var calls = 0;
        host.Models.Respond = (_, _, _, _) => Task.FromResult(TestModels.Text($$"""{"n":{{Interlocked.Increment(ref calls)}}}"""));
        var status = await host.RunAsync("""
            name: long
            models: { m: { provider: offline } }
            agents: { counter: { model: m, context: [], output: { type: object, required: [n], properties: { n: { type: integer } } } } }
            nodes:
              step: { agent: counter, prompt: "next" }
            edges: [ { from: step, to: step, when: "nodes.step.output.n < 500", max: 1000 } ]
            """);
        Assert.Equal("completed", status.Reason());
        Assert.Equal("""{"n":500}""", status.Output!.Value.GetRawText());
        Assert.Equal(Enumerable.Range(1, 500), status.Outcomes!.Select(outcome => outcome.Result!.Value.GetProperty("n").GetInt32()));
        var history = await host.Engine.Client.GetHistoryAsync(status.InstanceId);
        Assert.InRange(history.Count(each => each is Core.Durable.History.ContinuedAsNew), 4, 20);
    }

    [Fact]
    [Trait("Row", "O1")]
    public async Task Sequence_OfAThousandAgents_ContinuesAsNewAndKeepsEveryOutcome()
    {
        const int Nodes = 1000;
        var answer = new string('x', 180);
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = (_, messages, _, _) => Task.FromResult(TestModels.Text($"{messages[^1].Text}{answer}"));
        var status = await host.RunAsync($$$"""
            name: thousand
            models: { m: { provider: offline } }
            agents: { a: { model: m, context: [] } }
            limits: { maxModelCalls: 1000 }
            nodes:
              {{{string.Join("\n  ", Enumerable.Range(0, Nodes).Select(i => $"n{i}: {{ agent: a, prompt: \"{i} \" }}"))}}}
            edges: [ "{{{string.Join(" -> ", Enumerable.Range(0, Nodes).Select(i => $"n{i}"))}}}" ]
            """);
        Assert.Equal("completed", status.Reason());
        Assert.Equal(Enumerable.Range(0, Nodes).Select(i => $"{i} {answer}"), status.Outcomes!.Select(outcome => outcome.Result!.Value.GetString()));
    }

    [Fact]
    [Trait("Row", "O8")]
    public async Task SubWorkflow_WithItsOwnLimits_GivesItsOutputAndStopsAtItsLimit()
    {
        await using var host = await TestHost.StartAsync();
        host.AddWorkflow($$$"""
            name: child
            input: { type: object, required: [word], properties: { word: { type: string } } }
            {{{Agents}}}
            nodes:
              one: { agent: a, prompt: "one {{ input.word }}" }
              two: { agent: a, prompt: "two {{ input.word }}" }
            """);
        var good = await host.RunAsync("""
            name: parent
            nodes:
              sub: { workflow: child, forEach: "{{ ['x', 'y'] }}", input: { word: "{{ item }}" } }
            """);
        Assert.Equal("""["two x","two y"]""", good.Output!.Value.GetRawText());
        Assert.Equal(4, good.Usage.ModelCalls);
        var limited = await host.RunAsync("""
            name: parent
            nodes:
              sub: { workflow: child, input: { word: z }, limits: { maxModelCalls: 1 }, onError: { value: { code: "{{ error.code }}", message: "{{ error.message }}" } } }
            """);
        Assert.Equal("completed", limited.Reason());
        Assert.Equal("workflow_failed", limited.Output!.Value.GetProperty("code").GetString());
        Assert.Contains("max_model_calls", limited.Output.Value.GetProperty("message").GetString());
    }

    [Fact]
    [Trait("Row", "O9")]
    public async Task Wait_DurationAndTime_PassDurably()
    {
        await using var host = await TestHost.StartAsync();
        var status = await host.RunAsync("""
            name: timers
            nodes:
              pause: { wait: 36h }
              until: { wait: { until: "2026-02-01T09:00:00Z" } }
            """);
        Assert.Equal("completed", status.Reason());
        Assert.Equal(new DateTimeOffset(2026, 2, 1, 9, 0, 0, TimeSpan.Zero), status.CompletedTime!.Value, TimeSpan.FromSeconds(1));
    }

    [Fact]
    [Trait("Row", "O9")]
    public async Task Wait_Event_GoesOnWithItsPayload()
    {
        await using var host = await TestHost.StartAsync();
        var id = await host.StartAsync("""
            name: event
            nodes:
              paid: { wait: { event: paid } }
            """);
        await host.UntilAsync(id, status => status.CustomStatus?.WaitingFor.Count == 1);
        await host.Engine.Client.RaiseEventAsync(id, "paid", """{"amount":12}""");
        Assert.Equal("""{"amount":12}""", (await host.WaitAsync(id)).Output!.Value.GetRawText());
    }

    [Fact]
    [Trait("Row", "O10")]
    public async Task Human_AnswersThatFit_GoesOnAndPassesOverOthers()
    {
        await using var host = await TestHost.StartAsync();
        using var hold = host.Clock.Hold();
        var id = await host.StartAsync(Approval("fail"));
        var waiting = await host.UntilAsync(id, status => status.CustomStatus?.WaitingFor.Count == 1);
        Assert.Equal("Publish?", waiting.CustomStatus!.WaitingFor[0].Prompt);
        await host.Engine.Client.RaiseEventAsync(id, waiting.CustomStatus.WaitingFor[0].EventName!, """{"approved":"yes"}""");
        await host.Engine.Client.RaiseEventAsync(id, waiting.CustomStatus.WaitingFor[0].EventName!, """{"approved":true}""");
        var status = await host.WaitAsync(id);
        Assert.Equal("completed", status.Reason());
        Assert.Equal("""{"approved":true}""", status.Output!.Value.GetRawText());
    }

    [Theory]
    [InlineData("fail", "failed", null)]
    [InlineData("{ value: { approved: true } }", "completed", """{"approved":true}""")]
    [InlineData("{ value: { approved: false } }", "rejected", """{"approved":false}""")]
    [InlineData("{ escalate: the boss, timeout: 2d }", "failed", null)]
    [Trait("Row", "O10")]
    public async Task Human_NobodyAnswers_TakesTheDefaultEscalatesOrFails(string onTimeout, string reason, string? output)
    {
        await using var host = await TestHost.StartAsync();
        var status = await host.RunAsync(Approval(onTimeout));
        Assert.Equal(reason, status.Reason());
        Assert.Equal(output, status.Output is { ValueKind: not JsonValueKind.Null } value ? value.GetRawText() : null);
        var hours = (status.CompletedTime!.Value - status.CreatedTime).TotalHours;
        Assert.Equal(onTimeout.Contains("escalate", StringComparison.Ordinal) ? 24 + 48 : 24, hours, 0.01);
    }

    [Fact]
    [Trait("Row", "O10")]
    [Trait("Row", "R7")]
    public async Task Human_Rejects_StopsAsRejectedWithWhatThereIs()
    {
        await using var host = await TestHost.StartAsync();
        using var hold = host.Clock.Hold();
        var id = await host.StartAsync(Approval("fail"));
        await host.UntilAsync(id, status => status.CustomStatus?.WaitingFor.Count == 1);
        await host.Engine.Client.RaiseEventAsync(id, "answer:approve", """{"approved":false}""");
        var status = await host.WaitAsync(id);
        Assert.Equal("rejected", status.Reason());
        Assert.Equal(OrchestrationRuntimeStatus.Completed, status.RuntimeStatus);
        Assert.Equal("""{"approved":false}""", status.Output!.Value.GetRawText());
    }

    [Fact]
    [Trait("Row", "O10")]
    [Trait("Row", "S7")]
    public async Task Human_WaitsAcrossGenerations_KeepsItsDeadlineAndItsAnswer()
    {
        await using var host = await TestHost.StartAsync(interpreter: new InterpreterOptions { OperationsPerGeneration = 2 });
        using var hold = host.Clock.Hold();
        var id = await host.StartAsync($$$"""
            name: both
            {{{Agents}}}
            nodes:
              approve: { human: { prompt: "Ok?", timeout: 10h, onTimeout: { value: late } } }
              w1: { agent: a, prompt: "1" }
              w2: { agent: a, prompt: "2" }
              w3: { agent: a, prompt: "3" }
              w4: { agent: a, prompt: "4" }
              end: { transform: [ "{{ nodes.approve.output }}", "{{ nodes.w4.output }}" ] }
            edges: [ "w1 -> w2 -> w3 -> w4 -> end", "approve -> end" ]
            """);
        await host.UntilAsync(id, status => status.CustomStatus?.Nodes.Any(node => node is { Node: "w4", Status: "completed" }) == true);
        Assert.Contains(await host.Engine.Client.GetHistoryAsync(id), each => each is Core.Durable.History.ContinuedAsNew);
        await host.Engine.Client.RaiseEventAsync(id, "answer:approve", "\"fine\"");
        Assert.Equal("""["fine","4"]""", (await host.WaitAsync(id)).Output!.Value.GetRawText());
    }

    private static string Approval(string onTimeout) => $$$"""
        name: approval
        nodes:
          approve:
            human:
              prompt: "Publish?"
              schema: { type: object, required: [approved], properties: { approved: { type: boolean } } }
              timeout: 24h
              onTimeout: {{{onTimeout}}}
              rejectWhen: "!answer.approved"
        """;
}
