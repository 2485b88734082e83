using Microsoft.Extensions.AI;
using Polyphony.Activities.Providers;
using Polyphony.Activities.Tools;
using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;

namespace Polyphony.Scenarios.Tests;

/// <summary>Calls that wait for their model, answers that are cut off, lists that are too long.</summary>
public sealed class CallWaitTests
{
    private const string TwoModels = """
        name: patience
        models:
          main: { provider: openai, model: one, fallback: [other] }
          other: { provider: openai, model: two }
        agents: { a: { model: main, maxWait: 20s } }
        nodes: { call: { agent: a, prompt: x } }
        """;

    [Theory]
    [InlineData(19_000, "main", 19)]
    [InlineData(21_000, "other", 0)]
    [Trait("Row", "C9")]
    public async Task RateLimited_ForLongerThanMaxWait_AsksTheFallback(int retryAfterMs, string answeredBy, int seconds)
    {
        await using var host = await TestHost.StartAsync();
        var refused = false;
        host.Models.Respond = (model, _, _, _) =>
        {
            if (model == "main" && !refused)
            {
                refused = true;
                throw SlowDown(retryAfterMs);
            }

            return Task.FromResult(TestModels.Text(model));
        };

        var status = await host.RunAsync(TwoModels);

        Assert.Equal(answeredBy, status.Output!.Value.GetString());
        Assert.Equal(seconds, (status.CompletedTime!.Value - status.CreatedTime).TotalSeconds, 0.5);
        Assert.Null(status.Outcomes![0].Outcome.Error);
    }

    [Fact]
    [Trait("Row", "C9")]
    public async Task RateLimited_NoFallback_WaitsForAsLongAsItTakes()
    {
        await using var host = await TestHost.StartAsync();
        var calls = 0;
        host.Models.Respond = (_, _, _, _) => ++calls == 1 ? throw SlowDown(1_800_000) : Task.FromResult(TestModels.Text("ok"));

        var status = await host.RunAsync(TwoModels.Replace(", fallback: [other]", "", StringComparison.Ordinal));

        Assert.Equal("ok", status.Output!.Value.GetString());
        Assert.Equal(1_800, (status.CompletedTime!.Value - status.CreatedTime).TotalSeconds, 0.5);
    }

    [Fact]
    [Trait("Row", "C9")]
    public async Task RateLimited_AllModels_TheOneThatIsReadyFirstIsAskedAgain()
    {
        await using var host = await TestHost.StartAsync();
        var calls = new List<string>();
        host.Models.Respond = (model, _, _, _) =>
        {
            calls.Add(model);
            return calls.Count > 2 ? Task.FromResult(TestModels.Text(model)) : throw SlowDown(model == "main" ? 90_000 : 1_000_000);
        };

        var status = await host.RunAsync(TwoModels);

        Assert.Equal(["main", "other", "main"], calls);
        Assert.Equal(90, (status.CompletedTime!.Value - status.CreatedTime).TotalSeconds, 0.5);
        Assert.Equal(3, status.Outcomes![0].Outcome.Attempts);
    }

    /// <summary>The most calls there can be, against the most there are: every model fails, lets the call wait after its last attempt but one, and fails again when it is asked once more.</summary>
    [Fact]
    [Trait("Row", "C9")]
    public async Task RateLimited_AllModelsAtTheirLastAttempt_MakesNoMoreCallsThanTheProofSays()
    {
        const string yaml = """
            name: patience
            models:
              main: { provider: openai, model: one, fallback: [other] }
              other: { provider: openai, model: two }
            agents: { a: { model: main, maxWait: 20s, retry: { maxAttempts: 3 } } }
            nodes: { call: { agent: a, prompt: x } }
            """;
        await using var host = await TestHost.StartAsync();
        var calls = new Dictionary<string, int>(StringComparer.Ordinal);
        host.Models.Respond = (model, _, _, _) => (calls[model] = calls.GetValueOrDefault(model) + 1) == 3
            ? throw SlowDown(90_000)
            : throw new ModelException(new CallError(ErrorCodes.ProviderUnavailable, "down", ErrorKind.Transient));

        var status = await host.RunAsync(yaml);

        Assert.Equal("failed", status.Reason());
        Assert.Equal([("main", 6), ("other", 6)], calls.Select(pair => (pair.Key, pair.Value)).Order());
        Assert.Equal("12", WorkflowProof.Of(TestHost.Parse(yaml)).ModelCalls.ToString());
    }

    [Fact]
    [Trait("Row", "C4")]
    public async Task RateLimited_OneCall_OthersOfTheDeploymentWaitTooAndTheStatusSaysUntilWhen()
    {
        await using var host = await TestHost.StartAsync();
        var start = DateTimeOffset.MinValue;
        var calls = new List<(string Prompt, double Seconds)>();
        host.Models.Respond = (_, messages, _, _) =>
        {
            lock (calls)
            {
                start = start == DateTimeOffset.MinValue ? host.Clock.GetUtcNow() : start;
                calls.Add((messages[^1].Text, (host.Clock.GetUtcNow() - start).TotalSeconds));
            }

            return host.Clock.GetUtcNow() < start.AddSeconds(9) ? throw SlowDown(9_000) : Task.FromResult(TestModels.Text("fine"));
        };
        var held = host.Clock.Hold();
        var id = await host.StartAsync("""
            name: pause
            limits: { maxModelCalls: 3 }
            models: { m: { provider: openai, model: m } }
            agents: { a: { model: m } }
            nodes:
              one: { agent: a, prompt: First. }
              later: { wait: 4s }
              two: { agent: a, prompt: Second. }
            edges: [later -> two]
            """);
        await host.UntilAsync(id, status => IsWaiting(status, "one"));
        host.Clock.Advance(TimeSpan.FromSeconds(4));
        var waiting = await host.UntilAsync(id, status => IsWaiting(status, "two"));
        held.Dispose();
        var status = await host.WaitAsync(id);

        var two = waiting.CustomStatus!.Nodes.Single(node => node.Node == "two");
        Assert.Equal(("waiting", "retry_after", "slow down", 0), (two.Status, two.WaitReason, two.WaitMessage, two.Attempts));
        Assert.Equal(9, (two.WaitingUntil!.Value - start).TotalSeconds, 0.1);

        // The waits are no calls: three are enough.
        Assert.Equal("completed", status.Reason());
        Assert.Equal(3, calls.Count);
        Assert.All(calls.Skip(1), call => Assert.True(call.Seconds >= 9, $"{call}"));
        Assert.Equal(1, status.Outcomes!.Single(outcome => outcome.Outcome.Node == "two").Outcome.Attempts);
        Assert.All(status.CustomStatus!.Nodes, node => Assert.Null(node.WaitingUntil));
    }

    [Fact]
    [Trait("Row", "H2")]
    public async Task Retry_Status_SaysUntilWhenAndWhy()
    {
        await using var host = await TestHost.StartAsync();
        var calls = 0;
        host.Models.Respond = (_, _, _, _) => ++calls == 1
            ? throw new ModelException(new CallError(ErrorCodes.ProviderUnavailable, "the server said no", ErrorKind.Transient))
            : Task.FromResult(TestModels.Text("ok"));
        var held = host.Clock.Hold();
        var id = await host.StartAsync("""
            name: again
            models: { m: { provider: openai, model: m } }
            agents: { a: { model: m, retry: { firstDelay: 10s } } }
            nodes: { call: { agent: a, prompt: x } }
            """);

        var waiting = (await host.UntilAsync(id, status => IsWaiting(status, "call"))).CustomStatus!.Nodes[0];
        held.Dispose();
        await host.WaitAsync(id);

        Assert.Equal(("retrying", "provider_unavailable", "retry", "the server said no"), (waiting.Status, waiting.Error, waiting.WaitReason, waiting.WaitMessage));
    }

    [Fact]
    [Trait("Row", "C3")]
    public async Task RequestsPerMinute_ManyItems_NoMoreInAnyMinute()
    {
        await using var host = await TestHost.StartAsync();
        var times = new List<DateTimeOffset>();
        host.Models.Respond = (_, _, _, _) =>
        {
            lock (times)
            {
                times.Add(host.Clock.GetUtcNow());
            }

            return Task.FromResult(TestModels.Text("ok"));
        };

        var status = await host.RunAsync("""
            name: paced
            models: { m: { provider: openai, model: m, requestsPerMinute: 4 } }
            agents: { a: { model: m } }
            nodes: { each: { agent: a, forEach: "{{ [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] }}", prompt: "{{ item }}" } }
            """);

        Assert.Equal("completed", status.Reason());
        Assert.Equal(10, times.Count);
        times.Sort();
        Assert.All(Enumerable.Range(0, 6), i => Assert.True(times[i + 4] - times[i] >= TimeSpan.FromMinutes(1)));
        Assert.InRange((times[^1] - times[0]).TotalSeconds, 120, 125);
    }

    [Theory]
    [InlineData("keep", "completed", "completed", null)]
    [InlineData("fail", "failed", "failed", "truncated")]
    [Trait("Row", "C10")]
    public async Task CutOffAnswer_OnTruncation_IsKeptAndMarkedOrFails(string policy, string reason, string outcome, string? error)
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = (_, _, _, _) =>
        {
            var answer = TestModels.Text("half a sent");
            answer.FinishReason = ChatFinishReason.Length;
            return Task.FromResult(answer);
        };

        var status = await host.RunAsync($$"""
            name: cut
            models: { m: { provider: openai, model: m } }
            agents: { a: { model: m, onTruncation: fail } }
            nodes: { call: { agent: a, prompt: x, onTruncation: {{policy}} } }
            """);

        var record = status.Outcomes!.Single().Outcome;
        Assert.Equal((reason, outcome, "length", error), (status.Reason(), record.Status, record.FinishReason, record.Error?.Code));
        Assert.Equal("length", status.CustomStatus!.Nodes.Single().FinishReason);
        Assert.Equal(1, status.Usage.CutOffCalls);
        Assert.Equal(1, host.Models.Calls);
    }

    [Fact]
    [Trait("Row", "T6")]
    public async Task AnswerWithHalfACharacter_IsMarkedInOutcomeAndStatus()
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = (_, _, _, _) =>
        {
            var answer = TestModels.Text("cut \uFFFD");
            answer.AdditionalProperties = new() { ["replaced"] = 1 };
            return Task.FromResult(answer);
        };

        var status = await host.RunAsync("""
            name: halved
            models: { m: { provider: openai, model: m } }
            agents: { a: { model: m } }
            nodes: { call: { agent: a, prompt: x }, again: { agent: a, prompt: x } }
            """);

        Assert.Equal((2, 1, 1), (status.Usage.ReplacedCalls, status.CustomStatus!.Nodes[0].ReplacedCalls, status.Outcomes![0].Outcome.Usage.ReplacedCalls));
    }

    [Fact]
    [Trait("Row", "C10")]
    public async Task CutOffAnswers_OfManyItemsAndSubWorkflows_ShowInTheStatusOfTheRun()
    {
        await using var host = await TestHost.StartAsync(interpreter: new InterpreterOptions { MaxDirectItems = 2, MinItemsPerChild = 2, MaxItemsPerChild = 2 });
        host.Models.Respond = (_, messages, _, _) =>
        {
            var answer = TestModels.Text("half");
            answer.FinishReason = messages[^1].Text == "3" ? ChatFinishReason.Length : ChatFinishReason.Stop;
            return Task.FromResult(answer);
        };
        host.AddWorkflow("""
            name: inner
            models: { m: { provider: openai, model: m } }
            agents: { a: { model: m } }
            nodes: { call: { agent: a, prompt: "3" } }
            """);

        var status = await host.RunAsync("""
            name: outer
            models: { m: { provider: openai, model: m } }
            agents: { a: { model: m } }
            nodes:
              each: { agent: a, forEach: "{{ [1, 2, 3, 4] }}", prompt: "{{ item }}" }
              other: { workflow: inner }
            """);

        Assert.Equal((2, "length", "length"), (status.Usage.CutOffCalls, status.CustomStatus!.Nodes[0].FinishReason, status.CustomStatus.Nodes[1].FinishReason));
    }

    [Theory]
    [InlineData(10_000, "completed")]
    [InlineData(10_001, "failed")]
    [Trait("Row", "O5")]
    public async Task ForEach_MoreItemsThanAllowed_IsRefused(int count, string reason)
    {
        await using var host = await TestHost.StartAsync();

        var status = await host.RunAsync("""
            name: wide
            nodes: { each: { transform: "{{ item }}", forEach: "{{ input.list }}" } }
            """, new { list = Enumerable.Repeat(0, count) });

        Assert.Equal(reason, status.Reason());
        Assert.Equal(
            reason == "failed" ? "too_many_items: forEach of \"each\" takes up to 10,000 items, found 10,001. Divide the array, or run a sub-workflow for each part of it." : null,
            status.Error is null ? null : $"{status.Error.Code}: {status.Error.Message}");
    }

    [Fact]
    [Trait("Row", "C11")]
    public async Task MaxTokens_ProviderCountsNone_EstimatesHold()
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = (_, _, _, _) =>
        {
            var answer = TestModels.Text("A sentence of ten words that a model has written.");
            answer.Usage = null;
            return Task.FromResult(answer);
        };

        var status = await host.RunAsync("""
            name: no-usage
            limits: { maxTokens: 10, maxConcurrency: 1 }
            models: { m: { provider: openai, model: local } }
            agents: { a: { model: m } }
            nodes: { each: { forEach: "{{ [1, 2, 3] }}", agent: a, prompt: "Say {{ item }}." } }
            """);

        Assert.Equal(("max_tokens", 1, 1, 1), (status.Reason(), status.Usage.ModelCalls, status.Usage.EstimatedCalls, status.Usage.UnpricedCalls));
        var node = status.CustomStatus!.Nodes.Single();
        Assert.Equal((1, 1), (node.EstimatedCalls, node.UnpricedCalls));
    }

    [Fact]
    [Trait("Row", "C9")]
    public async Task ToolCalls_OfOneAnswerThatAllFailOnce_AreTriedAgainSideBySide()
    {
        var tools = new ToolRegistry();
        var failed = new HashSet<int>();
        tools.Add(AIFunctionFactory.Create((int number) =>
        {
            lock (failed)
            {
                return failed.Add(number) ? throw new HttpRequestException("down") : number;
            }
        }, "fragile"), new ToolOptions { Idempotent = true });
        await using var host = await TestHost.StartAsync(tools: tools);
        List<AIContent> requests =
            [.. Enumerable.Range(1, 3).Select(number => new FunctionCallContent($"c{number}", "fragile", new Dictionary<string, object?> { ["number"] = number }))];
        host.Models.Respond = (_, messages, _, _) =>
        {
            var asks = new ChatResponse(new ChatMessage(ChatRole.Assistant, requests)) { FinishReason = ChatFinishReason.ToolCalls };
            return Task.FromResult(messages[^1].Role == ChatRole.Tool ? TestModels.Text("done") : asks);
        };

        var status = await host.RunAsync("""
            name: tools
            models: { m: { provider: openai, model: m } }
            agents: { a: { model: m, tools: [fragile] } }
            nodes: { call: { agent: a, prompt: x } }
            """);

        Assert.Equal(("completed", "done", 3), (status.Reason(), status.Output!.Value.GetString(), failed.Count));
        Assert.Null(status.CustomStatus!.Nodes.Single().WaitingUntil);
    }

    private static bool IsWaiting(WorkflowStatus status, string node) =>
        status.CustomStatus?.Nodes.Any(each => each.Node == node && each.WaitingUntil is not null) == true;

    private static ModelException SlowDown(int milliseconds) => new(new CallError(ErrorCodes.RateLimited, "slow down", ErrorKind.RateLimited, milliseconds));
}
