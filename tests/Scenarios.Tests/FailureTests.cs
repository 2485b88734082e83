using System.Net;
using Polyphony.Activities.Providers;
using Polyphony.Core.Durable;
using Polyphony.Core.Interpreter;
using Polyphony.Core.Payloads;

namespace Polyphony.Scenarios.Tests;

/// <summary>Timeouts, retries, fallbacks, partial results, limits, stop reasons.</summary>
public sealed class FailureTests
{
    [Fact]
    [Trait("Row", "C7")]
    public async Task SlowAgent_DefaultLimit_BecomesTimeoutAfterThirtySecondsAndTheRestGoesOn()
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = async (_, messages, _, cancellationToken) =>
        {
            if (messages[^1].Text == "slow")
            {
                await Task.Delay(TimeSpan.FromHours(1), host.Clock, cancellationToken);
            }

            return TestModels.Text(messages[^1].Text);
        };
        var status = await host.RunAsync("""
            name: slow
            models: { m: { provider: offline } }
            agents: { a: { model: m } }
            nodes:
              slow: { agent: a, prompt: slow, onError: skip }
              quick: { agent: a, prompt: quick }
              end: { transform: { quick: "{{ nodes.quick.output }}", slow: "{{ nodes.slow.error.code }}" } }
            edges: [ "[slow, quick] -> end" ]
            """);
        Assert.Equal("completed", status.Reason());
        Assert.Equal("""{"quick":"quick","slow":"timeout"}""", status.Output!.Value.GetRawText());
        Assert.Equal(30, (status.CompletedTime!.Value - status.CreatedTime).TotalSeconds, 0.5);
        Assert.Equal("timeout", status.Outcomes!.Single(outcome => outcome.Outcome.Node == "slow").Outcome.Error!.Code);
    }

    [Fact]
    [Trait("Row", "C7")]
    public async Task NodeTimeout_AttemptsAndWaitsIncluded_EndsTheNode()
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = (_, _, _, _) => throw new HttpRequestException("down", null, HttpStatusCode.ServiceUnavailable);
        var status = await host.RunAsync("""
            name: limited
            models: { m: { provider: offline } }
            agents: { a: { model: m, retry: { maxAttempts: 100, firstDelay: 10s, backoff: 1 } } }
            nodes:
              call: { agent: a, prompt: x, timeout: 1m, onError: { value: "{{ error.code }}" } }
            """);
        Assert.Equal("timeout", status.Output!.Value.GetString());
        Assert.Equal(60, (status.CompletedTime!.Value - status.CreatedTime).TotalSeconds, 0.5);
        Assert.InRange(host.Models.Calls, 6, 8);
    }

    [Fact]
    [Trait("Row", "C9")]
    public async Task TransientFailures_RetryPolicy_TriesAgainWithBackoffOnDurableTimers()
    {
        await using var host = await TestHost.StartAsync();
        var times = new List<DateTimeOffset>();
        host.Models.Respond = (_, _, _, _) =>
        {
            times.Add(host.Clock.GetUtcNow());
            return times.Count < 4 ? throw new HttpRequestException("down", null, HttpStatusCode.BadGateway) : Task.FromResult(TestModels.Text("up"));
        };
        var status = await host.RunAsync("""
            name: retry
            models: { m: { provider: offline } }
            agents: { a: { model: m, retry: { maxAttempts: 5, firstDelay: 10s, backoff: 2, maxDelay: 30s } } }
            nodes:
              call: { agent: a, prompt: x }
            """);
        Assert.Equal("up", status.Output!.Value.GetString());
        Assert.Equal(4, status.Outcomes![0].Outcome.Attempts);

        // 10, 20 and 30 (capped) seconds, each less up to a fifth.
        Assert.InRange((times[1] - times[0]).TotalSeconds, 8, 10);
        Assert.InRange((times[2] - times[1]).TotalSeconds, 16, 20);
        Assert.InRange((times[3] - times[2]).TotalSeconds, 24, 30);
        var history = await host.Engine.Client.GetHistoryAsync(status.InstanceId);
        Assert.Equal(3, history.Count(each => each is Core.Durable.History.TimerFired));
    }

    [Fact]
    [Trait("Row", "C4")]
    public async Task RateLimited_WithDelay_WaitsAsLongAsTheProviderAsked()
    {
        var calls = 0;
        await using var host = await TestHost.StartAsync((_, _) => Task.FromResult(++calls == 1
            ? new AgentCallResult { Error = new CallError(ErrorCodes.RateLimited, "slow down", ErrorKind.RateLimited, 90_000) }
            : new AgentCallResult { Output = Payload.Inline(TestHost.Json("ok")) }));
        var status = await host.RunAsync(OneAgent());
        Assert.Equal("ok", status.Output!.Value.GetString());
        Assert.Equal(90, (status.CompletedTime!.Value - status.CreatedTime).TotalSeconds, 0.5);
    }

    [Theory]
    [InlineData("skip", "completed", "null", "skipped")]
    [InlineData("{ value: { instead: \"{{ error.code }}\" } }", "completed", """{"instead":"bad_request"}""", "completed")]
    [InlineData("{ agent: other }", "completed", "\"other answered\"", "completed")]
    [InlineData("fail", "failed", "null", "failed")]
    [Trait("Row", "C9")]
    [Trait("Row", "C10")]
    public async Task TerminalFailure_ErrorPolicies_DoWhatTheySay(string onError, string reason, string output, string outcome)
    {
        await using var host = await TestHost.StartAsync((call, _) => Task.FromResult(call.Agent == "a"
            ? new AgentCallResult { Error = new CallError(ErrorCodes.BadRequest, "no", ErrorKind.Terminal) }
            : new AgentCallResult { Output = Payload.Inline(TestHost.Json("other answered")), Usage = new Usage(1, 2, 3, 0.5m), Provider = "test" }));
        var status = await host.RunAsync($$$"""
            name: policies
            models: { m: { provider: offline } }
            agents: { a: { model: m }, other: { model: m } }
            nodes:
              call: { agent: a, prompt: x, onError: {{{onError}}} }
            """);
        Assert.Equal(reason, status.Reason());
        Assert.Equal(output, status.Output?.GetRawText() ?? "null");
        var record = Assert.Single(status.Outcomes!).Outcome;
        Assert.Equal(outcome, record.Status);
        Assert.Equal("bad_request", record.Error!.Code);
        Assert.Equal(onError.Contains("agent", StringComparison.Ordinal) ? "other" : "a", record.Agent);
        Assert.Equal(onError.Contains("agent", StringComparison.Ordinal) ? 2 : 1, record.Attempts);
    }

    [Fact]
    [Trait("Row", "C9")]
    public async Task TerminalFailure_FallbackModels_AreAskedInOrder()
    {
        var asked = new List<string>();
        await using var host = await TestHost.StartAsync((call, _) =>
        {
            asked.Add(call.Model);
            return Task.FromResult(call.Model == "third"
                ? new AgentCallResult { Output = Payload.Inline(TestHost.Json("third")) }
                : new AgentCallResult { Error = new CallError(ErrorCodes.ContextTooLong, "too long", ErrorKind.Terminal) });
        });
        var status = await host.RunAsync("""
            name: fallback
            models: { first: { provider: offline, fallback: [second, third] }, second: { provider: offline }, third: { provider: offline } }
            agents: { a: { model: first } }
            nodes: { call: { agent: a, prompt: x } }
            """);
        Assert.Equal("third", status.Output!.Value.GetString());
        Assert.Equal(["first", "second", "third"], asked);
    }

    [Theory]
    [InlineData("2", "completed")]
    [InlineData("40%", "completed")]
    [InlineData("3", "failed")]
    [Trait("Row", "C8")]
    [Trait("Row", "C10")]
    public async Task ForEach_SomeItemsFail_JoinProceedsIfEnoughSucceed(string require, string reason)
    {
        await using var host = await TestHost.StartAsync((call, _) => Task.FromResult(call.Scope.Index % 2 == 0
            ? new AgentCallResult { Error = new CallError(ErrorCodes.ContentFilter, $"no {call.Scope.Index}", ErrorKind.Terminal) }
            : new AgentCallResult { Output = Payload.Inline(TestHost.Json(call.Scope.Index)) }));
        var status = await host.RunAsync($$$"""
            name: partial
            models: { m: { provider: offline } }
            agents: { a: { model: m } }
            nodes:
              each: { agent: a, forEach: "{{ [10, 11, 12, 13, 14] }}", prompt: "{{ item }}", require: {{{require}}} }
              end: { transform: { good: "{{ nodes.each.output }}", bad: "{{ nodes.each.errors.map(e, e.index) }}" } }
            """);
        Assert.Equal(reason, status.Reason());
        if (reason == "completed")
        {
            Assert.Equal("""{"good":[1,3],"bad":[0,2,4]}""", status.Output!.Value.GetRawText());
        }
        else
        {
            Assert.Equal("too_few_results", status.Error!.Code);
            Assert.Equal(OrchestrationRuntimeStatus.Failed, status.RuntimeStatus);
        }

        Assert.Equal(5, status.Outcomes!.Count(outcome => outcome.Outcome.Node == "each"));
    }

    [Theory]
    [InlineData("maxTurns: 3", "max_turns", 3)]
    [InlineData("maxTokens: 40", "max_tokens", 3)]
    [InlineData("maxCostUsd: 0.25", "max_cost", 3)]
    [InlineData("timeout: 25s", "timeout", 2)]
    [Trait("Row", "R7")]
    public async Task Limits_Reached_StopWithWhatThereIs(string limit, string reason, int finished)
    {
        TestHost? host = null;
        await using var started = host = await TestHost.StartAsync(async (call, cancellationToken) =>
        {
            await Task.Delay(TimeSpan.FromSeconds(10), host!.Clock, cancellationToken);
            return new AgentCallResult { Output = Payload.Inline(TestHost.Json(call.Scope.Index)), Usage = new Usage(1, 10, 5, 0.1m) };
        });
        var status = await host.RunAsync($$$"""
            name: limits
            limits: { maxConcurrency: 1, {{{limit}}} }
            models: { m: { provider: offline } }
            agents: { a: { model: m } }
            nodes:
              a1: { agent: a, prompt: x }
              a2: { agent: a, prompt: x }
              a3: { agent: a, prompt: x }
              a4: { agent: a, prompt: x }
              a5: { agent: a, prompt: x }
            """);
        Assert.Equal(reason, status.Reason());
        Assert.Equal(OrchestrationRuntimeStatus.Completed, status.RuntimeStatus);
        Assert.Equal(finished, status.Outcomes!.Count);
    }

    /// <summary>What one sub-workflow may use at most is set aside while it runs; the others wait for what it leaves, and nothing stops before all is used.</summary>
    [Theory]
    [InlineData(31, "completed", 31)]
    [InlineData(1_000_000, "completed", 31)]
    [InlineData(17, "max_turns", 17)]
    [Trait("Row", "R7")]
    [Trait("Row", "O8")]
    public async Task Limits_SubWorkflowsAtTheSameTime_ShareTheTurns(int maxTurns, string reason, int calls)
    {
        TestHost? host = null;
        var made = 0;
        await using var started = host = await TestHost.StartAsync(async (_, cancellationToken) =>
        {
            Interlocked.Increment(ref made);
            await Task.Delay(TimeSpan.FromSeconds(1), host!.Clock, cancellationToken);
            return new AgentCallResult { Output = Payload.Inline(TestHost.Json("x")), Usage = new Usage(1, 1, 1, 0) };
        });
        host.AddWorkflow("""
            name: child
            models: { m: { provider: offline } }
            agents: { a: { model: m } }
            nodes: { one: { agent: a, prompt: x }, two: { agent: a, prompt: x }, three: { agent: a, prompt: x } }
            edges: [ one -> two -> three ]
            """);
        var status = await host.RunAsync($$$"""
            name: parent
            limits: { maxTurns: {{{maxTurns}}}, maxConcurrency: 20 }
            models: { m: { provider: offline } }
            agents: { a: { model: m } }
            nodes:
              subs: { workflow: child, forEach: "{{ [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] }}" }
              beside: { agent: a, prompt: x }
            edges: []
            """);

        Assert.Equal(reason, status.Reason());
        Assert.Equal(calls, made);
        Assert.Equal(calls, status.Usage.Turns);
    }

    [Fact]
    [Trait("Row", "R7")]
    [Trait("Row", "O8")]
    public async Task Limits_OfASubWorkflow_HoldBesideLargerOnesOfTheParent()
    {
        await using var host = await TestHost.StartAsync();
        host.AddWorkflow("""
            name: child
            limits: { maxTurns: 2 }
            models: { m: { provider: offline } }
            agents: { a: { model: m } }
            nodes: { one: { agent: a, prompt: x }, two: { agent: a, prompt: x }, three: { agent: a, prompt: x } }
            edges: [ one -> two -> three ]
            """);
        var status = await host.RunAsync("""
            name: parent
            limits: { maxTurns: 100, maxTokens: 100000 }
            nodes:
              sub: { workflow: child, onError: { value: "{{ error.message }}" } }
            """);

        Assert.Equal("completed", status.Reason());
        Assert.Contains("max_turns", status.Output!.Value.GetString());
        Assert.Equal(2, host.Models.Calls);
    }

    /// <summary>A node that waits for turns ends by its own limit of time.</summary>
    [Fact]
    [Trait("Row", "R7")]
    [Trait("Row", "O8")]
    public async Task Limits_WaitForTurns_EndsWithTheNodesTimeout()
    {
        await using var host = await TestHost.StartAsync();
        host.AddWorkflow("""
            name: child
            models: { m: { provider: offline } }
            agents: { a: { model: m } }
            nodes: { pause: { wait: 1h }, one: { agent: a, prompt: x }, two: { agent: a, prompt: x } }
            edges: [ pause -> one -> two ]
            """);
        var status = await host.RunAsync("""
            name: parent
            limits: { maxTurns: 2 }
            models: { m: { provider: offline } }
            agents: { a: { model: m } }
            nodes:
              sub: { workflow: child }
              beside: { agent: a, prompt: x, timeout: 10s, onError: { value: late } }
            edges: []
            output: { beside: "{{ nodes.beside.output }}" }
            """);

        Assert.Equal("completed", status.Reason());
        Assert.Equal("late", status.Output!.Value.GetProperty("beside").GetString());
        Assert.Equal(2, host.Models.Calls);
    }

    [Fact]
    [Trait("Row", "R7")]
    public async Task Limits_WideForEach_ChildrenTogetherStayWithinThem()
    {
        var calls = 0;
        await using var host = await TestHost.StartAsync(
            (_, _) =>
            {
                Interlocked.Increment(ref calls);
                return Task.FromResult(new AgentCallResult { Output = Payload.Inline(TestHost.Json("x")), Usage = new Usage(1, 1, 1, 0) });
            },
            new InterpreterOptions { MaxDirectItems = 4, MaxItemsPerChild = 3 });
        var status = await host.RunAsync(
            """
            name: wide
            limits: { maxTurns: 50 }
            models: { m: { provider: offline } }
            agents: { a: { model: m } }
            nodes: { each: { agent: a, forEach: "{{ input.items }}", prompt: x } }
            """,
            new { items = Enumerable.Range(0, 100).ToArray() });
        Assert.Equal("max_turns", status.Reason());
        Assert.Equal(50, calls);
        Assert.Equal(50, status.Outcomes!.Count);

        // What was finished is in the output too.
        Assert.Equal(50, status.Output!.Value.GetArrayLength());
        Assert.Equal("stopped", Assert.Single(status.CustomStatus!.Nodes).Status);
    }

    [Fact]
    [Trait("Row", "H5")]
    [Trait("Row", "B2")]
    public async Task Rewind_FailedWorkflow_RunsOnlyWhatFailedAgain()
    {
        var down = true;
        var calls = new List<string>();
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = (_, messages, _, _) =>
        {
            lock (calls)
            {
                calls.Add(messages[^1].Text);
            }

            return down && messages[^1].Text == "item 3" ? throw new ModelException(new CallError(ErrorCodes.BadRequest, "no", ErrorKind.Terminal)) : Task.FromResult(TestModels.Text(messages[^1].Text));
        };
        var id = await host.StartAsync("""
            name: rewind
            models: { m: { provider: offline } }
            agents: { a: { model: m, context: [] } }
            nodes:
              before: { agent: a, prompt: before }
              each: { agent: a, forEach: "{{ [1, 2, 3, 4] }}", prompt: "item {{ item }}" }
              after: { agent: a, prompt: after }
            """);
        var failed = await host.WaitAsync(id);
        Assert.Equal("failed", failed.Reason());
        Assert.Equal(OrchestrationRuntimeStatus.Failed, failed.RuntimeStatus);
        Assert.Equal("each[2]", failed.Error!.Activation);
        Assert.Equal(5, calls.Count);

        down = false;
        await host.Client.RewindAsync(id, "the provider is back");
        var completed = await host.WaitAsync(id);
        Assert.Equal("completed", completed.Reason());
        Assert.Equal("after", completed.Output!.Value.GetString());
        Assert.Equal(["item 3", "after"], calls.Skip(5));
    }

    [Fact]
    [Trait("Row", "R7")]
    [Trait("Row", "C8")]
    public async Task TimeLimit_InTheMiddleOfAForEach_GivesTheItemsThatWereFinished()
    {
        TestHost? host = null;
        await using var started = host = await TestHost.StartAsync(async (call, cancellationToken) =>
        {
            // The first item takes longer than the second: results are given in the order of the list, not of arrival.
            await Task.Delay(TimeSpan.FromSeconds(call.Scope.Index == 0 ? 11 : 10), host!.Clock, cancellationToken);
            return new AgentCallResult { Output = Payload.Inline(TestHost.Json(call.Scope.Index)) };
        });
        var status = await host.RunAsync("""
            name: late
            limits: { maxConcurrency: 2, timeout: 35s }
            models: { m: { provider: offline } }
            agents: { a: { model: m } }
            nodes: { each: { agent: a, forEach: "{{ [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] }}", prompt: x } }
            output: { done: "{{ nodes.each.output }}", status: "{{ nodes.each.status }}" }
            """);
        Assert.Equal("timeout", status.Reason());
        Assert.Equal("""{"done":[0,1,2,3,4,5],"status":"stopped"}""", status.Output!.Value.GetRawText());
        Assert.Equal(35, (status.CompletedTime!.Value - status.CreatedTime).TotalSeconds, 0.5);
    }

    private static string OneAgent() => """
        name: one
        models: { m: { provider: offline } }
        agents: { a: { model: m } }
        nodes: { call: { agent: a, prompt: x } }
        """;
}
