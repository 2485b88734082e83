using Microsoft.Extensions.AI;
using Polyphony.Activities.Tools;
using Polyphony.Core.Runs;

namespace Polyphony.Scenarios.Tests;

/// <summary>A run, or a node, that ends early cancels its calls under way; what was begun is in the ledger.</summary>
[Trait("Row", "B10")]
public sealed class StopTests
{
    private const string Head = """
        models: { m: { provider: offline } }
        agents: { a: { model: m, context: [], timeout: 10h } }
        """;

    private static CancellationToken Soon => new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;

    [Fact]
    public async Task Terminate_CallUnderWay_IsCancelledAndTheLedgerHasIt()
    {
        await using var host = await TestHost.StartAsync();
        using var hold = host.Clock.Hold();
        var calls = new Calls(host);
        var id = await host.StartAsync($"name: w\n{Head}\nnodes: {{ ask: {{ agent: a, prompt: hang }} }}");
        await calls.BegunAsync(1);
        await host.Client.Durable.TerminateAsync(id, cancellationToken: Soon);
        await calls.CancelledAsync(1);
        var status = await host.WaitAsync(id);
        Assert.Equal("cancelled", status.Reason());
        await UnsettledAsync(host, id, 1);
    }

    [Fact]
    public async Task TimeLimit_CallUnderWay_IsCancelled()
    {
        await using var host = await TestHost.StartAsync();
        var calls = new Calls(host);
        var status = await host.RunAsync($"name: w\nlimits: {{ timeout: 5s }}\n{Head}\nnodes: {{ ask: {{ agent: a, prompt: sleep }} }}");
        Assert.Equal("timeout", status.Reason());
        await calls.CancelledAsync(1);
        await UnsettledAsync(host, status.InstanceId, 1);
        Assert.Equal(1, Assert.Single(status.CustomStatus!.Nodes).Attempts);
    }

    [Fact]
    public async Task NodeTimeout_CallUnderWay_IsCancelledAndTheRunGoesOn()
    {
        await using var host = await TestHost.StartAsync();
        var calls = new Calls(host);
        var status = await host.RunAsync($$$"""
            name: w
            {{{Head}}}
            nodes:
              ask: { agent: a, prompt: sleep, timeout: 5s, onError: { value: "{{ error.code }}" } }
              next: { agent: a, prompt: "{{ nodes.ask.output }}" }
            edges: [ ask -> next ]
            """);
        Assert.Equal(("completed", "timeout"), (status.Reason(), status.Output!.Value.GetString()));
        await calls.CancelledAsync(1);
        await UnsettledAsync(host, status.InstanceId, 1);
        Assert.Equal(1, status.Usage.ModelCalls);
    }

    [Fact]
    public async Task NodeTimeout_WithAnotherAgentOnError_ItsCallHasANumberOfItsOwn()
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = async (model, _, _, cancellationToken) =>
        {
            if (model == "m")
            {
                await Task.Delay(TimeSpan.FromHours(1), host.Clock, cancellationToken);
            }

            return TestModels.Text(model);
        };
        var status = await host.RunAsync("""
            name: w
            models: { m: { provider: offline }, n: { provider: offline } }
            agents: { a: { model: m, context: [], timeout: 10h }, b: { model: n, context: [] } }
            nodes: { ask: { agent: a, prompt: x, timeout: 5s, onError: { agent: b } } }
            """);
        Assert.Equal("n", status.Output!.Value.GetString());
        var entries = await host.Engine.Ledger.ListAsync(status.InstanceId, Soon);
        Assert.Equal([$"{status.InstanceId}/ask/1", $"{status.InstanceId}/ask/2"], entries.Select(entry => entry.Request.StepId));
    }

    [Theory]
    [InlineData("")]
    [InlineData("itemsPerActivity: 3, ")]
    public async Task Terminate_ItemsUnderWay_AreAllCancelled(string more)
    {
        await using var host = await TestHost.StartAsync();
        using var hold = host.Clock.Hold();
        var calls = new Calls(host);
        var id = await host.StartAsync($$$"""
            name: w
            limits: { maxConcurrency: 6 }
            {{{Head}}}
            nodes: { each: { agent: a, forEach: "{{ [1, 2, 3, 4, 5, 6, 7, 8] }}", {{{more}}}prompt: hang } }
            """);
        await calls.BegunAsync(6);
        await host.Client.Durable.TerminateAsync(id, cancellationToken: Soon);
        await calls.CancelledAsync(6);
        Assert.Equal(6, host.Models.Calls);
        await UnsettledAsync(host, id, 6);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TimeLimit_ItemsInChildren_AreCancelledAndTheFinishedKept(bool children)
    {
        await using var host = await TestHost.StartAsync(interpreter: new InterpreterOptions { MaxDirectItems = children ? 2 : 100 });
        var calls = new Calls(host);
        var status = await host.RunAsync($$$"""
            name: w
            limits: { timeout: 5s, maxConcurrency: 4 }
            {{{Head}}}
            nodes: { each: { agent: a, forEach: "{{ ['sleep', 'one', 'two', 'sleep'] }}", prompt: "{{ item }}" } }
            """);
        Assert.Equal("timeout", status.Reason());
        await calls.CancelledAsync(2);
        if (!children)
        {
            // Of children it does not wait for what they had.
            Assert.Equal("""["one","two"]""", status.Output!.Value.GetRawText());
        }
    }

    [Fact]
    public async Task TokenLimit_ReachedWhileItemsInAChildAreUnderWay_CancelsThem()
    {
        await using var host = await TestHost.StartAsync(interpreter: new InterpreterOptions { MaxDirectItems = 2 });
        using var hold = host.Clock.Hold();
        var calls = new Calls(host);
        var status = await host.RunAsync($$$"""
            name: w
            limits: { maxTokens: 15, maxConcurrency: 4 }
            {{{Head}}}
            nodes:
              each: { agent: a, forEach: "{{ ['hang', 'one', 'hang'] }}", prompt: "{{ item }}" }
              other: { agent: a, prompt: after 2 }
              go: { transform: 1 }
            edges: [ "go -> [each, other]" ]
            output: "{{ nodes.other.output }}"
            """);
        Assert.Equal(("max_tokens", "after 2"), (status.Reason(), status.Output!.Value.GetString()));
        await calls.CancelledAsync(2);
        await UnsettledAsync(host, status.InstanceId, 2);
    }

    [Fact]
    public async Task TokenLimit_ReachedWhileAnotherCallIsUnderWay_CancelsIt()
    {
        await using var host = await TestHost.StartAsync();
        using var hold = host.Clock.Hold();
        var calls = new Calls(host);
        var status = await host.RunAsync($$$"""
            name: w
            limits: { maxTokens: 10 }
            {{{Head}}}
            nodes: { go: { transform: 1 }, slow: { agent: a, prompt: hang }, quick: { agent: a, prompt: after 1 } }
            edges: [ "go -> [slow, quick]" ]
            output: "{{ nodes.quick.output }}"
            """);
        Assert.Equal(("max_tokens", "after 1"), (status.Reason(), status.Output!.Value.GetString()));
        await calls.CancelledAsync(1);
        await UnsettledAsync(host, status.InstanceId, 1);
        Assert.Equal((1, 15), (status.Usage.ModelCalls, status.Usage.Tokens));
    }

    [Fact]
    public async Task TurnLimit_LastCallsAreWithinIt_AreFinished()
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = async (_, messages, _, cancellationToken) =>
        {
            await Task.Delay(TimeSpan.FromSeconds(1), host.Clock, cancellationToken);
            return TestModels.Text(messages[^1].Text);
        };
        var status = await host.RunAsync($$$"""
            name: w
            limits: { maxModelCalls: 3, maxConcurrency: 10 }
            {{{Head}}}
            nodes: { each: { agent: a, forEach: "{{ [1, 2, 3, 4, 5] }}", prompt: "{{ item }}" } }
            """);
        Assert.Equal(("max_model_calls", """["1","2","3"]"""), (status.Reason(), status.Output!.Value.GetRawText()));
        Assert.Equal(0, status.Usage.Unsettled);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task SubWorkflow_CallUnderWay_IsCancelledWithItsParent(bool ofNode)
    {
        await using var host = await TestHost.StartAsync();
        var calls = new Calls(host);
        host.AddWorkflow($"name: inner\n{Head}\nnodes: {{ ask: {{ agent: a, prompt: sleep }} }}");
        var status = await host.RunAsync($$"""
            name: outer
            limits: { timeout: {{(ofNode ? "1h" : "5s")}} }
            nodes: { call: { workflow: inner, timeout: {{(ofNode ? "5s" : "1h")}}, onError: skip } }
            """);
        Assert.Equal(ofNode ? "completed" : "timeout", status.Reason());
        await calls.CancelledAsync(1);
        await UnsettledAsync(host, status.InstanceId, 1);
    }

    [Theory]
    [InlineData("nodes: { ask: { tool: slow, arguments: {} } }")]
    [InlineData("nodes: { ask: { agent: a, prompt: use the tool } }")]
    public async Task TimeLimit_ToolUnderWay_SeesItsTokenCancelled(string nodes)
    {
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var tools = new ToolRegistry();
        TestHost? host = null;
        tools.Add(AIFunctionFactory.Create(
            async (CancellationToken cancellationToken) =>
            {
                await using var told = cancellationToken.Register(() => cancelled.TrySetResult());
                await Task.Delay(TimeSpan.FromSeconds(20), host!.Clock, cancellationToken);
                return "late";
            },
            "slow"));
        await using (host = await TestHost.StartAsync(tools: tools))
        {
            host.Models.Respond = (_, _, _, _) => Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, [new FunctionCallContent("1", "slow")])) { FinishReason = ChatFinishReason.ToolCalls });
            var status = await host.RunAsync($$"""
                name: w
                limits: { timeout: 5s }
                models: { m: { provider: offline } }
                agents: { a: { model: m, tools: [slow], context: [] } }
                {{nodes}}
                """);
            Assert.Equal("timeout", status.Reason());
            await cancelled.Task.WaitAsync(Soon);
        }
    }

    [Fact]
    public async Task Failure_OfAnotherNode_LetsTheCallUnderWayFinishForTheRewind()
    {
        await using var host = await TestHost.StartAsync();
        var failing = true;
        host.Models.Respond = async (_, messages, _, cancellationToken) =>
        {
            if (messages[^1].Text == "slow")
            {
                await Task.Delay(TimeSpan.FromSeconds(20), host.Clock, cancellationToken);
            }
            else if (failing)
            {
                throw new InvalidOperationException("broken");
            }

            return TestModels.Text(messages[^1].Text);
        };
        var id = await host.StartAsync($$$"""
            name: w
            {{{Head}}}
            nodes:
              slow: { agent: a, prompt: slow }
              fails: { agent: a, prompt: fails, retry: { maxAttempts: 1 } }
              go: { transform: 1 }
            edges: [ "go -> [slow, fails]" ]
            output: [ "{{ nodes.slow.output }}", "{{ nodes.fails.output }}" ]
            """);
        Assert.Equal("failed", (await host.WaitAsync(id)).Reason());
        failing = false;
        await host.Client.RewindAsync(id, cancellationToken: Soon);
        var status = await host.WaitAsync(id);
        Assert.Equal("""["slow","fails"]""", status.Output!.Value.GetRawText());
        Assert.Equal(3, host.Models.Calls);
    }

    [Fact]
    public async Task TimeLimit_OfARunThatHasFailed_CancelsWhatIsUnderWay()
    {
        await using var host = await TestHost.StartAsync();
        var calls = new Calls(host);
        var status = await host.RunAsync($$$"""
            name: w
            limits: { timeout: 5s }
            {{{Head}}}
            nodes:
              slow: { agent: a, prompt: sleep }
              fails: { tool: none, arguments: {} }
              go: { transform: 1 }
            edges: [ "go -> [slow, fails]" ]
            """);
        Assert.Equal("failed", status.Reason());
        Assert.Equal(5, (status.CompletedTime!.Value - status.CreatedTime).TotalSeconds, 0.5);
        await calls.CancelledAsync(1);
    }

    [Fact]
    public async Task Termination_ByACondition_CancelsLaterCallsUnderWay()
    {
        await using var host = await TestHost.StartAsync();
        using var hold = host.Clock.Hold();
        var calls = new Calls(host);
        var status = await host.RunAsync($$$"""
            name: w
            {{{Head}}}
            nodes:
              first: { agent: a, prompt: after 1 }
              slow: { agent: a, prompt: hang }
              go: { transform: 1 }
            edges: [ "go -> [first, slow]" ]
            termination: { textMention: after }
            output: "{{ nodes.first.output }}"
            """);
        Assert.Equal(("completed", "after 1"), (status.Reason(), status.Output!.Value.GetString()));
        await calls.CancelledAsync(1);
    }

    /// <summary>The record of a cancelled call is written when the activity ends, which the run does not wait for.</summary>
    private static async Task UnsettledAsync(TestHost host, string id, int expected)
    {
        for (var end = Soon; (await host.Engine.Ledger.ListAsync(id, end)).Count(entry => entry.LastError == ErrorCodes.Cancelled) < expected; await Task.Yield())
        {
            end.ThrowIfCancellationRequested();
        }

        var entries = await host.Engine.Ledger.ListAsync(id, Soon);
        Assert.Equal(expected, entries.Count(entry => entry is { Begun: 1, Failed: 0, Answer: null, Unsettled: 1 }));
        Assert.Equal(expected, (await host.Client.GetAsync(id, cancellationToken: Soon))!.Usage.Unsettled);
    }

    /// <summary>A model that hangs or sleeps until it is cancelled, waits until others are under way, or answers at once.</summary>
    private sealed class Calls
    {
        private readonly Counter _begun = new();
        private readonly Counter _cancelled = new();

        public Calls(TestHost host) => host.Models.Respond = async (_, messages, _, cancellationToken) =>
        {
            var text = messages[^1].Text;
            if (text is not ("hang" or "sleep"))
            {
                if (text.StartsWith("after ", StringComparison.Ordinal))
                {
                    await _begun.WaitAsync(text[^1] - '0', cancellationToken);
                }

                return TestModels.Text(text);
            }

            _begun.Add();
            try
            {
                if (text == "hang")
                {
                    await new TaskCompletionSource().Task.WaitAsync(cancellationToken);
                }

                await Task.Delay(TimeSpan.FromHours(1), host.Clock, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                _cancelled.Add();
                throw;
            }

            return TestModels.Text("late");
        };

        public Task BegunAsync(int count) => _begun.WaitAsync(count, Soon);

        public Task CancelledAsync(int count) => _cancelled.WaitAsync(count, Soon);
    }

    private sealed class Counter
    {
        private readonly TaskCompletionSource[] _reached = [.. Enumerable.Range(0, 20).Select(_ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously))];
        private int _count;

        public void Add() => _reached[Interlocked.Increment(ref _count)].TrySetResult();

        public Task WaitAsync(int count, CancellationToken cancellationToken) => _reached[count].Task.WaitAsync(cancellationToken);
    }
}
