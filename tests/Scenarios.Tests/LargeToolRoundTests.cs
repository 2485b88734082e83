using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Polyphony.Scenarios.Tests;

/// <summary>Rounds of tool calls, and calls of a round, in any number and of any size: what outgrows a message goes to the payload store, and comes back whole.</summary>
[Trait("Row", "S8")]
public sealed class LargeToolRoundTests
{
    private const string Rounds = """
        name: rounds
        models: { m: { provider: offline } }
        agents: { a: { model: m, context: [], tools: [measure], maxToolRounds: 100 } }
        nodes: { a: { agent: a, prompt: Go. } }
        output: "{{ nodes.a.output }}"
        """;

    [Theory]
    [InlineData(24, 3, 2_500)]
    [InlineData(60, 1, 3_900)]
    [InlineData(6, 60, 20_000)]
    [InlineData(2, 128, 10)]
    public async Task ToolRounds_OfAnySize_AreHandedBackWhole(int rounds, int callsPerRound, int argumentLength)
    {
        await using var host = await TestHost.StartAsync();
        host.Tools.Add(AIFunctionFactory.Create((string text, int n) => $"{n}:{text.Length}", "measure", "Measures."));
        host.Models.Respond = (_, messages, _, _) =>
        {
            var results = messages.Where(message => message.Role == ChatRole.Tool).ToList();
            var calls = messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>().ToList();
            if (results.Count == rounds * callsPerRound)
            {
                var pairs = calls.Zip(results.SelectMany(message => message.Contents).OfType<FunctionResultContent>());
                var isWhole = pairs.All(pair => pair.First.CallId == pair.Second.CallId && pair.Second.Result!.ToString() == $"{pair.First.Arguments!["n"]}:{argumentLength}");
                return Task.FromResult(TestModels.Text($"{results.Count} {isWhole}"));
            }

            return Task.FromResult(Calls(Enumerable.Range(results.Count, callsPerRound), new string('x', argumentLength)));
        };

        var status = await host.RunAsync(Rounds);

        Assert.Equal($"{rounds * callsPerRound} True", status.Output!.Value.GetString());
    }

    [Theory]
    [InlineData(24, 3, 2_500, 10)]
    [InlineData(12, 1, 10, 6_000)]
    [InlineData(50, 2, 1_500, 300)]
    [Trait("Row", "T6")]
    public async Task ToolRounds_PackedForTheirSize_KeepWhatTheServerPutBesideThem(int rounds, int callsPerRound, int argumentLength, int thoughtLength)
    {
        await using var host = await TestHost.StartAsync();
        host.Tools.Add(AIFunctionFactory.Create((string text, int n) => $"{n}:{text.Length}", "measure", "Measures."));
        host.Models.Respond = (_, messages, _, _) =>
        {
            var asked = messages.Where(message => message.Contents.OfType<FunctionCallContent>().Any()).ToList();
            if (asked.Count == rounds)
            {
                var kept = asked.Select((message, round) => message.Text == $"Step {round}." && Extra(message.AdditionalProperties) == Thought(round)
                    && message.Contents.OfType<FunctionCallContent>().Select((call, place) => Extra(call.AdditionalProperties) == (place == 0 ? Signature(round) : null)).All(same => same));
                return Task.FromResult(TestModels.Text($"{kept.Count(same => same)} of {asked.Count}"));
            }

            var response = Calls(Enumerable.Range(asked.Count * callsPerRound, callsPerRound), new string('x', argumentLength));
            var answer = response.Messages[0];
            answer.Contents.OfType<FunctionCallContent>().First().AdditionalProperties = new() { ["extra"] = JsonElement.Parse(Signature(asked.Count)) };
            answer.Contents.Insert(0, new TextContent($"Step {asked.Count}."));
            answer.AdditionalProperties = new() { ["extra"] = JsonElement.Parse(Thought(asked.Count)) };
            return Task.FromResult(response);
        };

        var status = await host.RunAsync(Rounds);

        Assert.Equal($"{rounds} of {rounds}", status.Output!.Value.GetString());

        string Thought(int round) => $$"""{"reasoning_content":"{{round}} {{new string('y', thoughtLength)}}"}""";
        static string Signature(int round) => $$$"""{"extra_content":{"signature":"s{{{round}}}"}}""";
        static string? Extra(AdditionalPropertiesDictionary? properties) => properties?.TryGetValue("extra", out JsonElement extra) == true ? extra.GetRawText() : null;
    }

    [Fact]
    public async Task ToolCalls_HundredsAtOnce_FailTheActivationWithAnErrorThatIsHandled()
    {
        await using var host = await TestHost.StartAsync();
        host.Tools.Add(AIFunctionFactory.Create((string text, int n) => n, "measure", "Measures."));
        host.Models.Respond = (_, _, _, _) => Task.FromResult(Calls(Enumerable.Range(0, 500), "x"));

        var status = await host.RunAsync("""
            name: rounds
            models: { m: { provider: offline } }
            agents: { a: { model: m, context: [], tools: [measure] } }
            nodes: { a: { agent: a, prompt: Go., onError: { value: "{{ error.code }}: {{ error.message }}" } } }
            output: "{{ nodes.a.output }}"
            """);

        Assert.Equal("completed", status.Reason());
        Assert.Equal("too_many_tool_calls: Agent \"a\" asked for 500 tool calls at once; at most 128 are made. Tell it to ask for less at a time.", status.Output!.Value.GetString());
        Assert.Equal(1, host.Models.Calls);
        Assert.Equal(15, status.Usage.Tokens);
    }

    [Fact]
    public async Task ToolErrors_ThatShareAnActivity_AreShortenedAndNotTriedAgain()
    {
        await using var host = await TestHost.StartAsync();
        var calls = 0;
        host.Tools.Add(AIFunctionFactory.Create((int n) => Interlocked.Increment(ref calls) > 0 ? throw new NotSupportedException(new string('é', 60_000)) : n, "break", "Breaks."));

        var status = await host.RunAsync(
            """
            name: tools
            limits: { maxConcurrency: 1000 }
            nodes: { each: { tool: { name: break, arguments: { n: "{{ item }}" } }, forEach: "{{ input.items }}", itemsPerActivity: 50, onError: skip } }
            output: "{{ nodes.each.errors }}"
            """,
            new { items = Enumerable.Range(0, 50).ToArray() });

        Assert.Equal("completed", status.Reason());
        Assert.Equal(50, calls);
        var errors = status.Output!.Value.EnumerateArray().ToList();
        Assert.Equal(50, errors.Count);
        Assert.All(errors, error => Assert.Equal("tool_failed", error.GetProperty("code").GetString()));
        Assert.All(errors, error => Assert.Contains("characters left out", error.GetProperty("message").GetString(), StringComparison.Ordinal));
    }

    private static ChatResponse Calls(IEnumerable<int> numbers, string text) => new(new ChatMessage(
        ChatRole.Assistant,
        [.. numbers.Select(n => new FunctionCallContent($"call_{n}", "measure", new Dictionary<string, object?> { ["text"] = text, ["n"] = n }))]))
    {
        FinishReason = ChatFinishReason.ToolCalls,
        ModelId = "test-model",
        Usage = new UsageDetails { InputTokenCount = 10, OutputTokenCount = 5 },
    };
}
