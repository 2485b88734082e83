using Polyphony.Core.Durable;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Scenarios.Tests;

/// <summary>Limits of model calls, tokens, money and time, and the stop reasons that they end with.</summary>
public sealed class LimitTests
{
    [Theory]
    [InlineData("maxModelCalls: 3", "max_model_calls", 3)]
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
    [InlineData(17, "max_model_calls", 17)]
    [Trait("Row", "R7")]
    [Trait("Row", "O8")]
    public async Task Limits_SubWorkflowsAtTheSameTime_ShareTheModelCalls(int maxModelCalls, string reason, int calls)
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
            limits: { maxModelCalls: {{{maxModelCalls}}}, maxConcurrency: 20 }
            models: { m: { provider: offline } }
            agents: { a: { model: m } }
            nodes:
              subs: { workflow: child, forEach: "{{ [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] }}" }
              beside: { agent: a, prompt: x }
            edges: []
            """);

        Assert.Equal(reason, status.Reason());
        Assert.Equal(calls, made);
        Assert.Equal(calls, status.Usage.ModelCalls);
    }

    [Fact]
    [Trait("Row", "R7")]
    [Trait("Row", "O8")]
    public async Task Limits_OfASubWorkflow_HoldBesideLargerOnesOfTheParent()
    {
        await using var host = await TestHost.StartAsync();
        host.AddWorkflow("""
            name: child
            limits: { maxModelCalls: 2 }
            models: { m: { provider: offline } }
            agents: { a: { model: m } }
            nodes: { one: { agent: a, prompt: x }, two: { agent: a, prompt: x }, three: { agent: a, prompt: x } }
            edges: [ one -> two -> three ]
            """);
        var status = await host.RunAsync("""
            name: parent
            limits: { maxModelCalls: 100, maxTokens: 100000 }
            nodes:
              sub: { workflow: child, onError: { value: "{{ error.message }}" } }
            """);

        Assert.Equal("completed", status.Reason());
        Assert.Contains("max_model_calls", status.Output!.Value.GetString());
        Assert.Equal(2, host.Models.Calls);
    }

    /// <summary>A node that waits for model calls ends by its own limit of time.</summary>
    [Fact]
    [Trait("Row", "R7")]
    [Trait("Row", "O8")]
    public async Task Limits_WaitForModelCalls_EndsWithTheNodesTimeout()
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
            limits: { maxModelCalls: 2 }
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
            limits: { maxModelCalls: 50 }
            models: { m: { provider: offline } }
            agents: { a: { model: m } }
            nodes: { each: { agent: a, forEach: "{{ input.items }}", prompt: x } }
            """,
            new { items = Enumerable.Range(0, 100).ToArray() });
        Assert.Equal("max_model_calls", status.Reason());
        Assert.Equal(50, calls);
        Assert.Equal(50, status.Outcomes!.Count);

        // What was finished is in the output too.
        Assert.Equal(50, status.Output!.Value.GetArrayLength());
        Assert.Equal("stopped", Assert.Single(status.CustomStatus!.Nodes).Status);
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
}
