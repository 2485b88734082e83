using Microsoft.Extensions.AI;
using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Sources;
using Polyphony.Core.Runs;

namespace Polyphony.Scenarios.Tests;

/// <summary>Conversations in loops whose rounds skip nodes.</summary>
[Trait("Row", "R10")]
public sealed class ConversationTests
{
    private const string TwoTakeTurns = """
        name: turns
        models: { m: { provider: offline } }
        agents:
          alice: { model: m, context: [] }
          bob: { model: m, context: [] }
          judge: { model: m, context: CONTEXT }
        nodes:
          tick: { transform: "{{ round }}" }
          a: { agent: alice, prompt: "alice {{ nodes.tick.output }}" }
          b: { agent: bob, prompt: "bob {{ nodes.tick.output }}" }
          again: { transform: "{{ nodes.tick.output < 4 }}" }
          final: { agent: judge, prompt: what was said? }
        edges:
          - { from: tick, to: a, when: "nodes.tick.output % 2 == 1" }
          - { from: tick, to: b, when: "nodes.tick.output % 2 == 0" }
          - "[a, b] -> again"
          - { from: again, to: tick, when: "nodes.again.output", max: 9 }
          - again -> final
        output: { alice: "{{ nodes.a.output }}", status: "{{ nodes.a.status }}", bob: "{{ nodes.b.output }}" }
        """;

    [Theory]
    [InlineData("[{ last: 20 }]", "alice 1|bob 2|alice 3|bob 4")]
    [InlineData("[{ last: 3 }]", "bob 2|alice 3|bob 4")]
    [InlineData("[{ from: alice, last: 1 }]", "alice 3")]
    [InlineData("[{ from: a, first: 1 }]", "alice 1")]
    [InlineData("[{}]", "alice 1|bob 2|alice 3|bob 4")]
    [InlineData("null", "alice 3|bob 4")]
    public async Task Context_OfNodesThatTheLastRoundSkipped_ReachesWhatTheyHadSaid(string context, string expected)
    {
        await using var host = await TestHost.StartAsync();
        var sent = "";
        host.Models.Respond = (_, messages, _, _) =>
        {
            sent = messages[^1].Text == "what was said?" ? string.Join('|', messages.SkipLast(1).Where(message => message.Role != ChatRole.System).Select(Said)) : sent;
            return Task.FromResult(TestModels.Text(messages[^1].Text));
        };
        var status = await host.RunAsync(TwoTakeTurns.Replace("context: CONTEXT", context == "null" ? "maxToolRounds: 1" : $"context: {context}", StringComparison.Ordinal));
        Assert.Equal(("completed", expected), (status.Reason(), sent));

        // Its output is that of the last round, in which it was skipped.
        Assert.Equal("""{"alice":null,"status":"skipped","bob":"bob 4"}""", status.Output!.Value.GetRawText());
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(1)]
    public async Task Context_ManyGenerations_KeepsWhatSkippedNodesHadSaid(int operations)
    {
        await using var host = await TestHost.StartAsync(interpreter: new InterpreterOptions { OperationsPerGeneration = operations });
        var sent = "";
        host.Models.Respond = (_, messages, _, _) =>
        {
            sent = string.Join('|', messages.Select(Said));
            return Task.FromResult(TestModels.Text(messages[^1].Text));
        };
        await host.RunAsync(TwoTakeTurns.Replace("CONTEXT", "[{ last: 20 }]", StringComparison.Ordinal));
        Assert.Contains("alice 1|bob 2|alice 3|bob 4", sent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Context_NodeSkippedByTheVeryChangeThatEndsItsRound_KeepsWhatItHadSaid()
    {
        await using var host = await TestHost.StartAsync();
        var sent = "";
        host.Models.Respond = (_, messages, _, _) =>
        {
            sent = string.Join('|', messages.Select(Said));
            return Task.FromResult(TestModels.Text(messages[^1].Text));
        };
        var status = await host.RunAsync("""
            name: w
            models: { m: { provider: offline } }
            agents: { a: { model: m, context: [] }, judge: { model: m, context: [{ last: 9 }] } }
            nodes:
              start: { transform: "{{ round }}" }
              check: { transform: "{{ nodes.start.output }}" }
              fix: { agent: a, prompt: "fix {{ nodes.check.output }}" }
              final: { agent: judge, prompt: "end, {{ nodes.fix.status }}" }
            edges:
              - start -> check
              - { from: check, to: fix, when: "nodes.check.output == 1" }
              - { from: check, to: start, when: "nodes.check.output < 4", max: 9 }
              - { from: fix, to: start, max: 9 }
              - "[check, fix] -> final"
            """);
        Assert.Equal("completed", status.Reason());
        Assert.Contains("fix 1|end, skipped", sent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Selector_WithThreeSpecialistsInALoop_AsksThemUntilItIsDone()
    {
        await using var host = await TestHost.StartAsync();
        string[] plan = ["legal", "price", "legal", "style", "done"];
        var turns = new List<string>();
        var heard = new List<string>();
        host.Models.Respond = (model, messages, _, _) =>
        {
            if (model == "selector")
            {
                heard.Add(string.Join('|', messages.SkipLast(1).Where(message => message.Role != ChatRole.System).Select(Said)));
                return Task.FromResult(TestModels.Text($$"""{"next":"{{plan[heard.Count - 1]}}"}"""));
            }

            turns.Add($"{model} {turns.Count + 1}");
            return Task.FromResult(TestModels.Text(turns[^1]));
        };
        var status = await host.RunAsync("""
            name: group
            models: { selector: { provider: offline }, legal: { provider: offline }, price: { provider: offline }, style: { provider: offline } }
            agents:
              selector:
                model: selector
                context: [{ from: legal, last: 9 }, { from: price, last: 9 }, { from: style, last: 9 }]
                output: { type: object, required: [next], properties: { next: { enum: [legal, price, style, done] } } }
              legal: { model: legal, context: [{ role: assistant, last: 20 }] }
              price: { model: price, context: [{ role: assistant, last: 20 }] }
              style: { model: style, context: [{ role: assistant, last: 20 }] }
            nodes:
              select: { agent: selector, prompt: Who speaks next? }
              legal: { agent: legal, prompt: Speak. }
              price: { agent: price, prompt: Speak. }
              style: { agent: style, prompt: Speak. }
              spoken: { transform: "{{ round }}" }
              end: { transform: "{{ nodes.select.output.next }}" }
            edges:
              - { from: select, to: legal, when: "nodes.select.output.next == 'legal'" }
              - { from: select, to: price, when: "nodes.select.output.next == 'price'" }
              - { from: select, to: style, when: "nodes.select.output.next == 'style'" }
              - "[legal, price, style] -> spoken"
              - { from: spoken, to: select, max: 12 }
              - select -> end
            output: "{{ nodes.end.output }}"
            """);
        Assert.Equal(("completed", "done"), (status.Reason(), status.Output!.Value.GetString()));
        Assert.Equal(["legal 1", "price 2", "legal 3", "style 4"], turns);
        Assert.Equal(["", "legal 1", "legal 1|price 2", "legal 1|price 2|legal 3", "legal 1|price 2|legal 3|style 4"], heard);
    }

    /// <summary>What <c>validate</c> says of a loop's end, beside how the loop ends.</summary>
    [Theory]
    [Trait("Row", "B1")]
    [InlineData("", "step -> step2", "step2", true, "max_rounds")]
    [InlineData("", "{ from: step, to: step2, when: 'nodes.step.output < 3' }", "step2", false, "completed")]
    [InlineData(", onError: skip", "step -> step2", "step2", false, null)]
    [InlineData("", "step -> step2", "step", true, "max_rounds")]
    public async Task Validate_BackEdgeWithoutWhen_SaysOnlyWhatIsSo(string policy, string forward, string source, bool warns, string? ends)
    {
        var yaml = $$$"""
            name: w
            nodes:
              step: { transform: "{{ round }}"{{{policy}}} }
              step2: { transform: "{{ round }}" }
            edges:
              - {{{forward.Replace('\'', '"')}}}
              - { from: {{{source}}}, to: step, max: 5 }
            """;
        var parsed = WorkflowParser.Parse(YamlSource.Read(yaml).Root!);
        Assert.NotNull(parsed.Definition);
        Assert.Equal(warns, parsed.Warnings.Any(problem => problem.Code == "loop_ends_only_by_cap"));
        if (ends is not null)
        {
            await using var host = await TestHost.StartAsync();
            Assert.Equal(ends, (await host.RunAsync(yaml)).Reason());
        }
    }

    /// <summary>Loops that end by what is no edge: the warning that only their cap ends them would be false.</summary>
    [Theory]
    [Trait("Row", "B1")]
    [InlineData("termination: { textMention: round 3 }", "draft: { agent: a, prompt: \"round {{ round }}\" }", "draft", "completed")]
    [InlineData("termination: { maxMessages: 2 }", "draft: { agent: a, prompt: \"round {{ round }}\" }", "draft", "max_turns")]
    [InlineData("", "draft: { agent: a, prompt: x }\n  approve: { human: { prompt: Well?, timeout: 1h, onTimeout: { value: no }, rejectWhen: \"answer == 'no'\" } }", "approve", "rejected")]
    public async Task Validate_LoopThatEndsByItsOwnMeans_IsNotSaidToEndByItsCapAlone(string termination, string nodes, string source, string ends)
    {
        var yaml = $$"""
            name: w
            models: { m: { provider: offline } }
            agents: { a: { model: m, context: [] } }
            {{termination}}
            nodes:
              {{nodes}}
            edges:
              {{(source == "approve" ? "- draft -> approve" : "")}}
              - { from: {{source}}, to: draft, max: 9 }
            """;
        var parsed = WorkflowParser.Parse(YamlSource.Read(yaml).Root!);
        Assert.True(parsed.Definition is not null, string.Join('\n', parsed.Problems));
        Assert.DoesNotContain(parsed.Warnings, problem => problem.Code == "loop_ends_only_by_cap");

        await using var host = await TestHost.StartAsync();
        host.Models.Respond = (_, messages, _, _) => Task.FromResult(TestModels.Text(messages[^1].Text));
        Assert.Equal(ends, (await host.RunAsync(yaml)).Reason());
    }

    [Fact]
    [Trait("Row", "H2")]
    public async Task Status_OfALoopsLastNode_ShowsTheFiguresOfItsOwnLastRound()
    {
        await using var host = await TestHost.StartAsync();
        var status = await host.RunAsync("""
            name: w
            models: { m: { provider: offline } }
            agents: { a: { model: m, context: [] } }
            nodes:
              first: { agent: a, prompt: "first {{ round }}" }
              last: { agent: a, prompt: "last {{ round }}" }
            edges:
              - first -> last
              - { from: last, to: first, when: "!nodes.last.output.contains('3')", max: 9 }
            """);
        Assert.Equal("completed", status.Reason());
        Assert.Equal(
            [("first", 3, 1, 15L), ("last", 3, 1, 15L)],
            status.CustomStatus!.Nodes.Select(node => (node.Node, node.Round, node.Attempts, node.Tokens)));
        Assert.All(status.CustomStatus.Nodes, node => Assert.Equal(
            status.Outcomes!.Single(outcome => outcome.Outcome.Activation == $"{node.Node}#3").Outcome.StartedTime, node.StartedTime));
    }

    private static string Said(ChatMessage message) => message.Text.Split(':')[^1].Trim();
}
