using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Tools;
using Polyphony.Core.Client;
using Polyphony.Core.Runs;

namespace Polyphony.Scenarios.Tests;

/// <summary>Termination conditions, progress, message filters, tools and structured output.</summary>
public sealed class RuntimeTests
{
    [Theory]
    [InlineData("{ maxMessages: 3 }", "max_turns", 3)]
    [InlineData("{ maxTokens: 25 }", "max_tokens", 2)]
    [InlineData("{ maxTokens: 30 }", "max_tokens", 2)]
    [InlineData("{ textMention: \"say 4\" }", "completed", 4)]
    [InlineData("{ textMention: \"say\", from: n2 }", "completed", 2)]
    [InlineData("{ timeout: 25s }", "timeout", 2)]
    [InlineData("{ when: \"message.text.contains('3') && message.node == 'n3'\" }", "completed", 3)]
    [InlineData("{ any: [ { maxMessages: 5 }, { textMention: \"say 2\" } ] }", "completed", 2)]
    [InlineData("{ all: [ { maxMessages: 4 }, { textMention: \"say 2\" } ] }", "completed", 4)]
    [InlineData("{ all: [ { textMention: \"say 1\" }, { textMention: \"say 3\" } ] }", "completed", 3)]
    [InlineData("{ when: \"message.agent == 'a' && message.role == 'assistant' && usage.modelCalls == 2\" }", "completed", 2)]
    [InlineData("{ any: [ { handoff: other }, { textMention: \"say 3\" } ] }", "completed", 3)]
    [InlineData("{ handoff: billing }", "handoff", 5)]
    [Trait("Row", "R7")]
    [Trait("Row", "R8")]
    public async Task Termination_Conditions_StopAfterTheRightMessage(string termination, string reason, int messages)
    {
        var status = await RunToTerminationAsync(termination, new InterpreterOptions());

        Assert.Equal(reason, status.Reason());
        Assert.Equal(messages, status.Outcomes!.Count(outcome => outcome.Outcome.Status == "completed"));
    }

    [Theory]
    [InlineData("{ maxMessages: 3 }", "max_turns", 3)]
    [InlineData("{ maxTokens: 25 }", "max_tokens", 2)]
    [InlineData("{ all: [ { textMention: \"say 1\" }, { textMention: \"say 3\" } ] }", "completed", 3)]
    [Trait("Row", "R8")]
    [Trait("Row", "S7")]
    public async Task Termination_InstanceContinuesAsNew_CountsOn(string termination, string reason, int messages)
    {
        var status = await RunToTerminationAsync(termination, new InterpreterOptions { OperationsPerGeneration = 1 });

        Assert.Equal(reason, status.Reason());
        Assert.Equal(messages, status.Outcomes!.Count(outcome => outcome.Outcome.Status == "completed"));
    }

    private static async Task<WorkflowStatus> RunToTerminationAsync(string termination, InterpreterOptions options)
    {
        await using var host = await TestHost.StartAsync(interpreter: options);
        host.Models.Respond = async (_, prompt, _, cancellationToken) =>
        {
            await Task.Delay(TimeSpan.FromSeconds(10), host.Clock, cancellationToken);
            return TestModels.Text(prompt[^1].Text == "say 5" ? """{"handoff":"billing"}""" : prompt[^1].Text);
        };
        return await host.RunAsync($$$"""
            name: termination
            models: { m: { provider: offline } }
            agents: { a: { model: m, context: [] }, j: { model: m, context: [], output: { type: object, properties: { handoff: { type: string } } } } }
            termination: {{{termination}}}
            nodes:
              n1: { agent: a, prompt: say 1 }
              n2: { agent: a, prompt: say 2 }
              n3: { agent: a, prompt: say 3 }
              n4: { agent: a, prompt: say 4 }
              n5: { agent: j, prompt: say 5 }
              n6: { agent: a, prompt: say 6 }
            output: "{{ nodes.n6.output }}"
            """);
    }

    [Fact]
    [Trait("Row", "R7")]
    [Trait("Row", "R8")]
    public async Task Termination_ConditionThatCannotBeEvaluated_FailsTheRunAtTheMessage()
    {
        var status = await RunToTerminationAsync("{ when: \"int(message.text.last(1)) / (2 - usage.modelCalls) > 9\" }", new InterpreterOptions());

        Assert.Equal("failed", status.Reason());
        Assert.Equal("n2", status.Error!.Activation);
        Assert.Contains("Division by zero", status.Error.Message, StringComparison.Ordinal);
        Assert.Equal(2, status.Outcomes!.Count(outcome => outcome.Outcome.Status == "completed"));
    }

    /// <summary>Only what somebody has said is a message.</summary>
    [Fact]
    [Trait("Row", "R8")]
    public async Task Termination_NodesThatSayNothing_DoNotCount()
    {
        await using var host = await TestHost.StartAsync();
        var status = await host.RunAsync("""
            name: silent
            models: { m: { provider: offline } }
            agents: { a: { model: m, context: [] } }
            termination: { maxMessages: 2 }
            nodes:
              t1: { transform: 1 }
              n1: { agent: a, prompt: one }
              t2: { transform: 2 }
              n2: { agent: a, prompt: two }
              n3: { agent: a, prompt: three }
            """);

        Assert.Equal("max_turns", status.Reason());
        Assert.Equal(2, host.Models.Calls);
    }

    /// <summary>A message that came early waits for an earlier one of the graph, and does so in the next generation of the instance as well.</summary>
    [Fact]
    [Trait("Row", "R8")]
    [Trait("Row", "S3")]
    [Trait("Row", "S7")]
    public async Task Termination_MessageAheadOfItsTurnWhenTheInstanceContinuesAsNew_CountsInItsTurn()
    {
        await using var host = await TestHost.StartAsync(interpreter: new InterpreterOptions { OperationsPerGeneration = 1 });
        var status = await host.RunAsync("""
            name: pending
            models: { m: { provider: offline } }
            agents: { a: { model: m, context: [] } }
            termination: { textMention: stop }
            nodes:
              pause: { wait: 20s }
              first: { agent: a, prompt: first }
              early: { agent: a, prompt: stop }
              after: { agent: a, prompt: after }
            edges: [ pause -> first -> after ]
            output: [ "{{ nodes.first.output }}", "{{ nodes.early.output }}", "{{ nodes.after.status }}" ]
            """);

        Assert.Equal("completed", status.Reason());
        Assert.Equal(2, host.Models.Calls);
        Assert.Equal("stop", status.Output!.Value[1].GetString());
    }

    [Fact]
    [Trait("Row", "R8")]
    [Trait("Row", "S3")]
    public async Task Termination_ParallelBranches_DependsOnTheGraphAndNotOnTiming()
    {
        foreach (var (x, y) in new[] { (1, 20), (20, 1) })
        {
            await using var host = await TestHost.StartAsync();
            host.Models.Respond = async (_, prompt, _, cancellationToken) =>
            {
                await Task.Delay(TimeSpan.FromSeconds(prompt[^1].Text[0] == 'x' ? x : y), host.Clock, cancellationToken);
                return TestModels.Text(prompt[^1].Text);
            };

            // Both branches mention "stop": the first in the order of the graph counts, and what comes after it is not in the output.
            var status = await host.RunAsync("""
                name: order
                models: { m: { provider: offline } }
                agents: { a: { model: m, context: [] } }
                termination: { textMention: stop }
                nodes:
                  x: { agent: a, prompt: x stop }
                  y: { agent: a, prompt: y stop }
                edges: []
                output: [ "{{ nodes.x.output }}", "{{ nodes.y.output }}" ]
                """);
            Assert.Equal("completed", status.Reason());
            Assert.Equal("""["x stop",null]""", status.Output!.Value.GetRawText());
        }
    }

    [Fact]
    [Trait("Row", "R9")]
    public async Task Loop_SameResultsAgain_StopsAsNoProgress()
    {
        await using var host = await TestHost.StartAsync();
        var status = await host.RunAsync("""
            name: stall
            models: { m: { provider: offline } }
            agents: { a: { model: m, context: [] } }
            nodes:
              draft: { agent: a, prompt: always the same }
              review: { agent: a, prompt: "not good: {{ nodes.draft.output }}" }
              after: { transform: "{{ nodes.draft.output }}" }
            edges:
              - draft -> review -> after
              - { from: review, to: draft, when: "nodes.review.output.startsWith('not')", max: 100 }
            """);
        Assert.Equal("no_progress", status.Reason());
        Assert.Equal("always the same", status.Output!.Value.GetString());
        Assert.Equal(4, host.Models.Calls);
    }

    [Theory]
    [InlineData("[ { from: one } ]", "1 9")]
    [InlineData("[]", "9")]
    [InlineData("[ { last: 1 } ]", "3 9")]
    [InlineData("[ { first: 2 } ]", "1 2 9")]
    [InlineData("[ { from: other } ]", "2 9")]
    [InlineData("[ { role: user } ]", "ok 9")]
    [InlineData("[ { from: three }, { from: one } ]", "1 3 9")]
    [Trait("Row", "R10")]
    public async Task MessageFilters_LetThroughWhatTheySayAndNothingElse(string context, string expected)
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = (_, messages, _, _) => Task.FromResult(TestModels.Text(
            messages[^1].Text == "9" ? string.Join(' ', messages.Select(message => message.Text.Split('\n')[^1])) : messages[^1].Text));
        using var hold = host.Clock.Hold();
        var id = await host.StartAsync($$$"""
            name: filters
            models: { m: { provider: offline } }
            agents: { a: { model: m, context: [] }, other: { model: m, context: [] }, last: { model: m, context: {{{context}}} } }
            nodes:
              ask: { human: { prompt: "Ok?" } }
              one: { agent: a, prompt: "1" }
              two: { agent: other, prompt: "2" }
              three: { agent: a, prompt: "3" }
              end: { agent: last, prompt: "9" }
            edges: [ "one -> two -> three -> ask -> end" ]
            """.Replace("last: 1 }", "last: 1, role: assistant }", StringComparison.Ordinal));
        await host.UntilAsync(id, status => status.CustomStatus?.WaitingFor.Count == 1);
        await host.Engine.Client.RaiseEventAsync(id, "answer:ask", "\"ok\"");
        Assert.Equal(expected, (await host.WaitAsync(id)).Output!.Value.GetString());
    }

    [Fact]
    [Trait("Row", "R10")]
    public async Task MessageFilters_InALoop_LastTwoRounds()
    {
        await using var host = await TestHost.StartAsync();
        var written = 0;
        host.Models.Respond = (_, messages, _, _) => Task.FromResult(TestModels.Text(
            messages[^1].Text == "write" ? $"d{++written}" : string.Join(',', messages.Select(message => message.Text.Split('\n')[^1]))));
        var status = await host.RunAsync("""
            name: rounds
            models: { m: { provider: offline } }
            agents: { writer: { model: m, context: [] }, critic: { model: m, context: [ { from: draft, last: 2 } ] } }
            nodes:
              draft: { agent: writer, prompt: write }
              review: { agent: critic, prompt: judge }
            edges: [ "draft -> review", { from: review, to: draft, when: "round < 4", max: 9 } ]
            """);
        Assert.Equal("d3,d4,judge", status.Output!.Value.GetString());
    }

    [Fact]
    [Trait("Row", "O12")]
    public async Task Tools_TwoInOneRound_AreActivitiesOfTheirOwnAndTheirResultsGoBack()
    {
        var tools = new ToolRegistry();
        var added = 0;
        tools.Add(AIFunctionFactory("add", arguments =>
        {
            Interlocked.Increment(ref added);
            return arguments["a"].GetInt32() + arguments["b"].GetInt32();
        }));
        await using var host = await TestHost.StartAsync(tools: tools);

        // A tool runs beside its activity, which waits for it on the clock: time must not pass meanwhile.
        using var hold = host.Clock.Hold();
        host.Models.Respond = (_, messages, _, _) =>
        {
            var results = messages.SelectMany(message => message.Contents.OfType<FunctionResultContent>()).ToList();
            return Task.FromResult(results.Count > 0
                ? TestModels.Text($"sum {string.Join(' ', results.Select(result => result.Result))}")
                : new ChatResponse(new ChatMessage(ChatRole.Assistant,
                [
                    new FunctionCallContent("c1", "add", new Dictionary<string, object?> { ["a"] = 1, ["b"] = 2 }),
                    new FunctionCallContent("c2", "add", new Dictionary<string, object?> { ["a"] = 10, ["b"] = 20 }),
                ]))
                { FinishReason = ChatFinishReason.ToolCalls });
        };
        var status = await host.RunAsync("""
            name: tools
            models: { m: { provider: offline } }
            agents: { a: { model: m, tools: [add] } }
            nodes: { call: { agent: a, prompt: add them } }
            """);
        Assert.Equal("sum 3 30", status.Output!.Value.GetString());
        Assert.Equal(2, added);
        var history = await host.Engine.Client.GetHistoryAsync(status.InstanceId);
        Assert.Equal(2, history.OfType<Core.Durable.History.TaskScheduled>().Count(task => task.Name == Core.Runs.TaskNames.Tool));
        Assert.Equal(2, history.OfType<Core.Durable.History.TaskScheduled>().Count(task => task.Name == Core.Runs.TaskNames.Agent));
    }

    [Theory]
    [InlineData(1, "completed", 2)]
    [InlineData(2, "failed", 2)]
    [Trait("Row", "O13")]
    public async Task StructuredOutput_DoesNotFit_IsRepairedOnceThenFails(int badAnswers, string reason, int calls)
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = (_, _, _, _) => Task.FromResult(TestModels.Text(host.Models.Calls <= badAnswers ? """{"score":"high"}""" : """{"score":7}"""));
        var status = await host.RunAsync("""
            name: structured
            models: { m: { provider: offline } }
            agents: { a: { model: m, output: { type: object, required: [score], properties: { score: { type: integer } } } } }
            nodes: { call: { agent: a, prompt: judge } }
            """);
        Assert.Equal(reason, status.Reason());
        Assert.Equal(calls, host.Models.Calls);
        Assert.Equal(reason == "failed" ? "output_invalid" : null, status.Error?.Code);
    }

    private static AIFunction AIFunctionFactory(string name, Func<Dictionary<string, JsonElement>, object> body) => new TestFunction(name, body);

    private sealed class TestFunction(string name, Func<Dictionary<string, JsonElement>, object> body) : AIFunction
    {
        public override string Name => name;

        public override JsonElement JsonSchema => JsonElement.Parse("""{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}}}"""u8);

        protected override ValueTask<object?> InvokeCoreAsync(AIFunctionArguments arguments, CancellationToken cancellationToken) =>
            new(body(arguments.ToDictionary(pair => pair.Key, pair => JsonSerializer.SerializeToElement(pair.Value))));
    }
}
