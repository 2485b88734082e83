using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Providers.OpenAI;
using Polyphony.Core.Definitions;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;
using Polyphony.TestKit.OpenAI;

namespace Polyphony.Activities.Tests.Agents;

/// <summary>What agents make of answers that servers give: of none, of broken ones, and of what stands beside tool calls.</summary>
[Trait("Row", "T6")]
public sealed class AgentAnswerTests
{
    [Theory]
    [InlineData("""{"content":null}""", "stop", ErrorKind.Transient, "neither text nor a tool call; it ended with \"stop\"")]
    [InlineData("""{"content":" \n"}""", "stop", ErrorKind.Transient, "neither text nor a tool call; it ended with \"stop\"")]
    [InlineData("""{"content":"","reasoning_content":"The answer is 42."}""", "stop", ErrorKind.Transient, "only what the model thought before it (reasoning_content or a think block)")]
    [InlineData("""{"content":"","reasoning":"The answer is 42."}""", "stop", ErrorKind.Transient, "only what the model thought before it (reasoning_content or a think block)")]
    [InlineData("""{"content":"<think>Is it 42?</think>\n"}""", "stop", ErrorKind.Transient, "only what the model thought before it (reasoning_content or a think block)")]
    [InlineData("""{"content":null}""", "length", ErrorKind.Terminal, "was cut off after 7 tokens, before there was any text. Raise \"maxOutputTokens\" of model \"fast\"")]
    [InlineData("""{"content":null,"reasoning_content":"Let me think"}""", "length", ErrorKind.Terminal, "they went into what the model thought before it (reasoning_content or a think block)")]
    public async Task Agent_AnswerWithoutText_IsAnErrorAndBooked(string message, string finishReason, ErrorKind kind, string says)
    {
        await using var server = await FakeOpenAIServer.StartAsync(Body(message, finishReason));
        var harness = new ActivityHarness(Client(server));

        var text = await harness.AgentAsync(harness.Call(), TestContext.Current.CancellationToken);
        var json = await harness.AgentAsync(Review(harness), TestContext.Current.CancellationToken);
        var again = await harness.AgentAsync(harness.Call(), TestContext.Current.CancellationToken);

        Assert.Equal((ErrorCodes.EmptyAnswer, kind, 1, 7L), (text.Error!.Code, text.Error.Kind, text.Usage.ModelCalls, text.Usage.OutputTokens));
        Assert.Contains(says, text.Error.Message, StringComparison.Ordinal);
        Assert.Equal((ErrorCodes.EmptyAnswer, kind), (json.Error!.Code, json.Error.Kind));
        Assert.Equal((true, text.Error), (again.FromLedger, again.Error));
        Assert.Null(text.Output);
    }

    [Fact]
    public async Task Agent_NoChoicesButUsage_IsBooked()
    {
        await using var server = await FakeOpenAIServer.StartAsync(new FakeOpenAIAnswer { Body = """{"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":0}}""" });
        var harness = new ActivityHarness(Client(server));

        var result = await harness.AgentAsync(harness.Call(), TestContext.Current.CancellationToken);

        Assert.Equal((ErrorCodes.EmptyAnswer, 1, 11L), (result.Error!.Code, result.Usage.ModelCalls, result.Usage.InputTokens));
    }

    [Fact]
    public async Task Agent_TextCutOff_IsKeptAndSaysSo()
    {
        await using var server = await FakeOpenAIServer.StartAsync(FakeOpenAIAnswer.Text("Once upon", "length"));
        var harness = new ActivityHarness(Client(server));

        var result = await harness.AgentAsync(harness.Call(), TestContext.Current.CancellationToken);

        Assert.Equal(("Once upon", "length"), (result.Output!.Json!.Value.GetString(), result.FinishReason));
    }

    [Theory]
    [InlineData("""{"score":7,"why":"cut \ud83d"}""")]
    [InlineData(""" "{\"score\":7,\"why\":\"cut \\ud83d\"}" """)]
    public async Task Agent_HalfACharacterInJson_IsReplaced(string text)
    {
        await using var server = await FakeOpenAIServer.StartAsync(FakeOpenAIAnswer.Text(text));
        var harness = new ActivityHarness(Client(server), workflow: ActivityHarness.Workflow.Replace("additionalProperties: false, ", "", StringComparison.Ordinal));

        var result = await harness.AgentAsync(Review(harness), TestContext.Current.CancellationToken);

        Assert.Equal("cut \uFFFD", result.Output!.Json!.Value.GetProperty("why").GetString());
        Assert.Equal(1, result.Usage.ReplacedCalls);
    }

    [Fact]
    public async Task Agent_HalfACharacter_IsMarkedFromTheLedgerAsWell()
    {
        await using var server = await FakeOpenAIServer.StartAsync(Body("""{"content":"cut \ud83d"}""", "stop"));
        var harness = new ActivityHarness(Client(server));

        var fresh = await harness.AgentAsync(harness.Call(), TestContext.Current.CancellationToken);
        var again = await harness.AgentAsync(harness.Call(), TestContext.Current.CancellationToken);

        Assert.Equal(("cut \uFFFD", 1, false), (fresh.Output!.Json!.Value.GetString(), fresh.Usage.ReplacedCalls, fresh.FromLedger));
        Assert.Equal((fresh.Usage, true), (again.Usage, again.FromLedger));
    }

    /// <summary>A server; the message that asks for a tool; the members that have to come back with it, and those that must not.</summary>
    public static TheoryData<string, string, string, string> Beside => new()
    {
        {
            "Gemini",
            """{"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"add","arguments":"{}"},"extra_content":{"google":{"thought_signature":"c2ln"}}}]}""",
            """{"tool_calls":[{"id":"c1","type":"function","function":{"name":"add","arguments":"{}"},"extra_content":{"google":{"thought_signature":"c2ln"}}}]}""",
            "content"
        },
        {
            "DeepSeek",
            """{"role":"assistant","content":"Let me see.","reasoning_content":"I need the sum.","tool_calls":[{"id":"c1","type":"function","function":{"name":"add","arguments":"{}"}}]}""",
            """{"content":"Let me see.","reasoning_content":"I need the sum.","tool_calls":[{"id":"c1","type":"function","function":{"name":"add","arguments":"{}"}}]}""",
            "extra"
        },
        {
            "OpenRouter",
            """{"role":"assistant","content":null,"reasoning":"Sum.","reasoning_details":[{"type":"reasoning.encrypted","data":"x"}],"annotations":[{}],"tool_calls":[{"id":"c1","index":0,"type":"function","function":{"name":"add","arguments":"{}"}}]}""",
            """{"reasoning":"Sum.","reasoning_details":[{"type":"reasoning.encrypted","data":"x"}],"tool_calls":[{"id":"c1","type":"function","function":{"name":"add","arguments":"{}"}}]}""",
            "annotations"
        },
        {
            "LiteLLM",
            """{"role":"assistant","content":"","tool_calls":[{"id":"c1","type":"function","function":{"name":"add","arguments":"{}","provider_specific_fields":{"a":1}},"provider_specific_fields":{"thought_signature":"s"}}],"function_call":null,"thinking_blocks":[{"signature":"t"}]}""",
            """{"tool_calls":[{"id":"c1","type":"function","function":{"name":"add","arguments":"{}","provider_specific_fields":{"a":1}},"provider_specific_fields":{"thought_signature":"s"}}],"thinking_blocks":[{"signature":"t"}]}""",
            "function_call"
        },
        {
            "a call of a tool that has no name",
            """{"role":"assistant","tool_calls":[{"id":"c1","function":{"name":"","arguments":"[1]"}}]}""",
            """{"tool_calls":[{"id":"c1","type":"function","function":{"name":"_no_name_","arguments":"{\"invalid_arguments\":\"[1]\"}"}}]}""",
            "content"
        },
    };

    [Theory]
    [MemberData(nameof(Beside), DisableDiscoveryEnumeration = true)]
    public async Task Agent_WhatStandsBesideToolCalls_ComesBackUnchanged(string server, string message, string back, string missing)
    {
        await using var fake = await FakeOpenAIServer.StartAsync(Body(message, "tool_calls"), "3");
        var harness = new ActivityHarness(Client(fake), tools => tools.Add(AIFunctionFactory.Create(() => 3, "add", "Adds.")));
        var call = harness.Call("ask", "caller");

        // From the ledger, as after a crash: it is the same.
        await harness.AgentAsync(call, TestContext.Current.CancellationToken);
        var asked = await harness.AgentAsync(call, TestContext.Current.CancellationToken);
        var answer = await harness.AgentAsync(
            call with { Call = 2, ToolRounds = [new ToolRound(asked.ToolCalls!, [new ToolCallResult(ActivityHarness.Inline("3"))], asked.Beside)] }, TestContext.Current.CancellationToken);

        Assert.Equal((server, "3"), (server, answer.Output?.Json?.GetString()));
        var sent = fake.Requests[1].Messages[^2];
        foreach (var member in JsonElement.Parse(back).EnumerateObject())
        {
            Assert.True(JsonElement.DeepEquals(member.Value, sent.GetProperty(member.Name)), $"{server}: {sent}");
        }

        Assert.False(sent.TryGetProperty(missing, out _), $"{server}: {sent}");
        Assert.Equal("c1", fake.Requests[1].Messages[^1].GetProperty("tool_call_id").GetString());
    }

    [Fact]
    public async Task Agent_PackedToolRounds_GoBackWithWhatStoodBesideThem()
    {
        await using var server = await FakeOpenAIServer.StartAsync(
            Body("""{"content":"Let me see.","reasoning_content":"I need two sums.","tool_calls":[{"id":"c1","function":{"name":"add","arguments":"{}"},"extra_content":{"google":{"thought_signature":"c2ln"}}},{"id":"c2","function":{"name":"add","arguments":"{}"}}]}""", "tool_calls"),
            "6");
        var harness = new ActivityHarness(Client(server), tools => tools.Add(AIFunctionFactory.Create(() => 3, "add", "Adds.")));
        var asked = await harness.AgentAsync(harness.Call("ask", "caller"), TestContext.Current.CancellationToken);
        var exchanges = asked.ToolCalls!.Select((call, place) => new ToolExchange(0, call, new ToolCallResult(ActivityHarness.Inline("3")), place == 0 ? asked.Beside : null)).ToList();
        var packed = await harness.StoredAsync(JsonSerializer.Serialize(exchanges, CoreJsonContext.Default.ListToolExchange));

        await harness.AgentAsync(harness.Call("ask", "caller") with { Call = 2, PackedToolRounds = [packed] }, TestContext.Current.CancellationToken);

        var sent = server.Requests[1].Messages[^3];
        Assert.Equal(("Let me see.", "I need two sums."), (sent.GetProperty("content").GetString(), sent.GetProperty("reasoning_content").GetString()));
        Assert.Equal("c2ln", sent.GetProperty("tool_calls")[0].GetProperty("extra_content").GetProperty("google").GetProperty("thought_signature").GetString());
        Assert.False(sent.GetProperty("tool_calls")[1].TryGetProperty("extra_content", out _));
    }

    [Theory]
    [InlineData(40, true)]
    [InlineData(60, false)]
    [InlineData(100, false)]
    [InlineData(200, false)]
    public async Task Agent_DeepMembersBesideToolCalls_CostNoPaidAnswer(int depth, bool goBack)
    {
        var deep = $"{new string('[', depth)}1{new string(']', depth)}";
        await using var server = await FakeOpenAIServer.StartAsync(
            Body($$$"""{"content":"Let me see.","extra_details":{{{deep}}},"tool_calls":[{"id":"c1","function":{"name":"add","arguments":"{}","inner":{{{deep}}}},"outer":{{{deep}}}}]}""", "tool_calls"), "3");
        var harness = new ActivityHarness(Client(server), tools => tools.Add(AIFunctionFactory.Create(() => 3, "add", "Adds.")));

        var asked = await harness.AgentAsync(harness.Call("ask", "caller"), TestContext.Current.CancellationToken);
        await harness.AgentAsync(
            harness.Call("ask", "caller") with { Call = 2, ToolRounds = [new ToolRound(asked.ToolCalls!, [new ToolCallResult(Payload.Null)], asked.Beside)] },
            TestContext.Current.CancellationToken);

        var sent = server.Requests[1].Messages[^2];
        Assert.Equal("Let me see.", sent.GetProperty("content").GetString());
        Assert.Equal(goBack, sent.TryGetProperty("extra_details", out _));
        Assert.Equal(goBack, sent.GetProperty("tool_calls")[0].TryGetProperty("outer", out _));
        Assert.Equal(goBack, sent.GetProperty("tool_calls")[0].GetProperty("function").TryGetProperty("inner", out _));
    }

    [Fact]
    public async Task Agent_LongThoughtsBesideToolCalls_GoByThePayloadStore()
    {
        var thoughts = new string('x', 100_000);
        await using var server = await FakeOpenAIServer.StartAsync(
            Body($$$"""{"content":null,"reasoning_content":"{{{thoughts}}}","tool_calls":[{"id":"c1","function":{"name":"add"}}]}""", "tool_calls"), "3");
        var harness = new ActivityHarness(Client(server), tools => tools.Add(AIFunctionFactory.Create(() => 3, "add", "Adds.")));

        var asked = await harness.AgentAsync(harness.Call("ask", "caller"), TestContext.Current.CancellationToken);
        await harness.AgentAsync(
            harness.Call("ask", "caller") with { Call = 2, ToolRounds = [new ToolRound(asked.ToolCalls!, [new ToolCallResult(Payload.Null)], asked.Beside)] },
            TestContext.Current.CancellationToken);

        Assert.NotNull(asked.Beside!.Reference);
        Assert.Equal(thoughts, server.Requests[1].Messages[^2].GetProperty("reasoning_content").GetString());
    }

    private static AgentCall Review(ActivityHarness harness) => harness.Call("review", "critic") with
    {
        Scope = harness.Scope("review") with
        {
            Nodes = new Dictionary<string, NodeValue> { ["draft"] = new() { Status = "completed", Output = ActivityHarness.Inline("\"the draft\"") } },
        },
    };

    private static FakeOpenAIAnswer Body(string message, string finishReason) => new()
    {
        Body = $$"""{"model":"m","choices":[{"message":{{message}},"finish_reason":"{{finishReason}}"}],"usage":{"prompt_tokens":11,"completion_tokens":7} }""",
    };

    private static IChatClient Client(FakeOpenAIServer server) =>
        new OpenAIProvider(name => name switch { "OPENAI_BASE_URL" => server.Endpoint.ToString(), "OPENAI_API_KEY" => "key-1", _ => null })
            .GetClient(new ModelDefinition { Name = "fast", Provider = "openai", Model = "gpt-test" });
}
