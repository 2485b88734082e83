using System.Net;
using Polyphony.Activities.Providers;
using Polyphony.Core.Durable;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Scenarios.Tests;

/// <summary>Timeouts, retries, fallbacks, partial results, rewind.</summary>
public sealed class FailureTests
{
    [Fact]
    [Trait("Row", "C7")]
    public async Task Activity_ReturnsNothing_IsTriedAgain()
    {
        var calls = 0;
        await using var host = await TestHost.StartAsync((_, _) => Task.FromResult(
            ++calls == 1 ? null! : new AgentCallResult { Output = Payload.Inline(TestHost.Json("there")) }));
        var status = await host.RunAsync("""
            name: w
            models: { m: { provider: offline } }
            agents: { a: { model: m } }
            nodes: { ask: { agent: a, prompt: x } }
            """);
        Assert.Equal(("completed", "there", 2), (status.Reason(), status.Output!.Value.GetString(), calls));
    }

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

    private static string OneAgent() => """
        name: one
        models: { m: { provider: offline } }
        agents: { a: { model: m } }
        nodes: { call: { agent: a, prompt: x } }
        """;
}
