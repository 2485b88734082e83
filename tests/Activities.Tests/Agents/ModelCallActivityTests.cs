using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Providers;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;
using Polyphony.TestKit.Chat;

namespace Polyphony.Activities.Tests.Agents;

[Trait("Row", "O1")]
public sealed class ModelCallActivityTests
{
    [Fact]
    [Trait("Row", "C10")]
    public async Task Agent_TextAnswer_IsOutputWithUsageAndLabels()
    {
        var harness = new ActivityHarness(new ScriptedChatClient(ScriptedAnswer.Text("A draft.", inputTokens: 12, outputTokens: 3)), options: new ActivitiesOptions
        {
            Prices = new PriceTable(new DateOnly(2026, 1, 1), new Dictionary<string, ModelPrice> { ["scripted-1"] = new(2m, 10m) }),
        });

        var result = await harness.AgentAsync(harness.Call());

        Assert.Equal("A draft.", result.Output!.Json!.Value.GetString());
        // Offline models cost nothing, whatever the table says.
        Assert.Equal(new Usage(1, 12, 3, 0), result.Usage);
        Assert.Equal(("offline", "scripted-1", "stop", "response-1", false), (result.Provider, result.ResponseModel, result.FinishReason, result.ProviderRequestId, result.FromLedger));
    }

    [Fact]
    [Trait("Row", "R10")]
    public async Task Agent_Conversation_HasInstructionsContextAndPromptInOrder()
    {
        var model = new ScriptedChatClient("ok");
        var harness = new ActivityHarness(model);

        await harness.AgentAsync(harness.Call() with
        {
            PackedContext = [await harness.StoredAsync("""[{"source":"plan","role":"assistant","content":{"json":"the plan"},"agent":"planner"}]""")],
            Context =
            [
                new ContextMessage("draft", "assistant", ActivityHarness.Inline("\"my first draft\""), "writer"),
                new ContextMessage("each", "assistant", ActivityHarness.Inline("""["one",{"b":2}]"""), "critic"),
                new ContextMessage("approve", "user", ActivityHarness.Inline("""{"approved":false}""")),
            ],
        });

        Assert.Equal(
            [
                ("system", null, "You write about tests."),
                ("user", "planner", "plan (planner):\nthe plan"),
                ("assistant", null, "my first draft"),
                ("user", "critic", "each (critic):\n[1]\none\n\n[2]\n{\"b\":2}"),
                ("user", "approve", "approve:\n{\"approved\":false}"),
                ("user", null, "Write about tests, round 1."),
            ],
            model.Requests[0].Messages.Select(message => (message.Role.Value, message.AuthorName, message.Text)));
    }

    [Fact]
    [Trait("Row", "S8")]
    public async Task Agent_LargeAnswer_IsStoredAndReferenced()
    {
        var text = new string('x', 5_000_000);
        var harness = new ActivityHarness(new ScriptedChatClient(text));

        var result = await harness.AgentAsync(harness.Call());

        Assert.Equal(("string", 5_000_002L), (result.Output!.Reference!.Type, result.Output.Reference.Bytes));
        Assert.Equal(text, await harness.TextAsync(result.Output));
    }

    [Theory]
    [Trait("Row", "S8")]
    [InlineData('a', 4094, true)]
    [InlineData('a', 4095, false)]
    // Such a character takes three bytes, in the payload store and in history: 1,364 * 3 + 2 quotes = 4,094.
    [InlineData('中', 1364, true)]
    [InlineData('中', 1365, false)]
    public async Task Agent_AnswerAtTheInlineLimit_IsInlineUpToFourKilobytesOfHistory(char character, int count, bool isInline)
    {
        var harness = new ActivityHarness(new ScriptedChatClient(new string(character, count)));

        var output = (await harness.AgentAsync(harness.Call())).Output!;

        Assert.Equal(isInline, output.IsInline);
        var written = Encoding.UTF8.GetByteCount(JsonSerializer.Serialize(output, CoreJsonContext.Default.Payload));
        Assert.InRange(written, 100, Payload.InlineLimitBytes + """{"json":}""".Length);
    }

    [Fact]
    [Trait("Row", "O13")]
    public async Task Agent_JsonInACodeBlock_IsParsed()
    {
        var harness = new ActivityHarness(new ScriptedChatClient("```json\n{\"score\": 7}\n```"));

        var result = await harness.AgentAsync(Review(harness));

        Assert.Equal("""{"score":7}""", result.Output!.Json!.Value.GetRawText());
    }

    [Theory]
    [Trait("Row", "O13")]
    [InlineData("""{"score":11}""", "/score")]
    [InlineData("seven", "not JSON")]
    public async Task Agent_AnswerOutsideItsSchema_IsRepairable(string answer, string violation)
    {
        var model = new ScriptedChatClient(answer, """{"score":7}""");
        var harness = new ActivityHarness(model);

        var first = await harness.AgentAsync(Review(harness));

        Assert.Equal(ErrorCodes.OutputInvalid, first.Error!.Code);
        Assert.Contains(violation, first.Invalid!.Violations[0], StringComparison.Ordinal);
        Assert.Null(first.Output);
        Assert.Equal(1, first.Usage.ModelCalls);

        var second = await harness.AgentAsync(Review(harness) with { Call = 2, Repair = first.Invalid });

        Assert.Equal("""{"score":7}""", second.Output!.Json!.Value.GetRawText());
        var sent = model.Requests[1].Messages;
        Assert.Equal((ChatRole.Assistant, answer), (sent[^2].Role, sent[^2].Text));
        Assert.Contains(first.Invalid.Violations[0], sent[^1].Text, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Row", "O13")]
    public async Task Agent_JsonCutOff_IsTerminalWithoutRepair()
    {
        var harness = new ActivityHarness(new ScriptedChatClient(ScriptedAnswer.Text("""{"sco""", finishReason: "length")));

        var result = await harness.AgentAsync(Review(harness));

        Assert.Equal((ErrorCodes.OutputInvalid, ErrorKind.Terminal), (result.Error!.Code, result.Error.Kind));
        Assert.Contains("maxOutputTokens", result.Error.Message, StringComparison.Ordinal);
        Assert.Null(result.Invalid);
    }

    [Fact]
    [Trait("Row", "O12")]
    public async Task Agent_RequestForTools_ReturnsCallsAndShowsTheirResults()
    {
        var model = new ScriptedChatClient(ScriptedAnswer.Calls(("c1", "add", new() { ["a"] = 1, ["b"] = 2 }), ("c2", "add", [])), "3");
        var harness = new ActivityHarness(model, tools => tools.Add(AIFunctionFactory.Create((int a, int b) => a + b, "add", "Adds.")));
        var call = harness.Call("ask", "caller");

        var asked = await harness.AgentAsync(call);

        Assert.Equal([("c1", "add", """{"a":1,"b":2}"""), ("c2", "add", "{}")], asked.ToolCalls!.Select(one => (one.CallId, one.Tool, one.Arguments.Json!.Value.GetRawText())));
        Assert.Equal("add", Assert.Single(model.Requests[0].Options!.Tools!).Name);

        var answer = await harness.AgentAsync(call with
        {
            Call = 2,
            ToolRounds = [new ToolRound(asked.ToolCalls!, [new ToolCallResult(ActivityHarness.Inline("3")), new ToolCallResult(null, new CallError("tool_failed", "no luck", ErrorKind.Terminal))])],
        });

        Assert.Equal("3", answer.Output!.Json!.Value.GetString());
        Assert.Equal(
            [("c1", "3"), ("c2", "The call failed (tool_failed): no luck")],
            model.Requests[1].Messages.SelectMany(message => message.Contents.OfType<FunctionResultContent>()).Select(result => (result.CallId, result.Result!.ToString()!)));
    }

    [Theory]
    [Trait("Row", "C7")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Agent_NoAnswerInTime_IsTimeoutWhetherOrNotTheClientHeedsIt(bool ignoresCancellation)
    {
        var model = new ScriptedChatClient(ScriptedAnswer.Never(ignoresCancellation));
        var harness = new ActivityHarness(model);
        var running = harness.AgentAsync(harness.Call());
        await model.WhenInFlightAsync(1);

        harness.Clock.Advance(TimeSpan.FromSeconds(29.999));
        Assert.False(running.IsCompleted);
        harness.Clock.Advance(TimeSpan.FromMilliseconds(1));
        var result = await running;

        Assert.Equal((ErrorCodes.Timeout, ErrorKind.Transient), (result.Error!.Code, result.Error.Kind));
        Assert.Contains("30 s", result.Error.Message, StringComparison.Ordinal);
        var entry = harness.Ledger.Find("run-1/draft/1")!;
        Assert.Equal((1, 0, 1, "timeout"), (entry.Begun, entry.Failed, entry.Unsettled, entry.LastError));
        Assert.Equal(ignoresCancellation ? 0 : 1, model.Cancelled);
    }

    [Fact]
    [Trait("Row", "B2")]
    public async Task Agent_HostStops_IsCancelledAndLeftUnsettled()
    {
        using var stop = new CancellationTokenSource();
        var model = new ScriptedChatClient(ScriptedAnswer.Never());
        var harness = new ActivityHarness(model);
        var running = harness.AgentAsync(harness.Call(), stop.Token);
        await model.WhenInFlightAsync(1);

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Equal(1, harness.Ledger.Find("run-1/draft/1")!.Unsettled);
    }

    [Fact]
    [Trait("Row", "C9")]
    public async Task Agent_ModelFails_ReturnsTheClassifiedErrorAndSettlesTheAttempt()
    {
        var error = new CallError(ErrorCodes.RateLimited, "slow down", ErrorKind.RateLimited, 1500);
        var harness = new ActivityHarness(new ScriptedChatClient(ScriptedAnswer.Fails(new ModelException(error)), "fine"));

        var first = await harness.AgentAsync(harness.Call());
        harness.Clock.Advance(TimeSpan.FromMilliseconds(1500));
        var second = await harness.AgentAsync(harness.Call() with { Attempt = 2 });

        Assert.Equal(error, first.Error);
        Assert.Equal(Usage.None, first.Usage);
        Assert.Equal("fine", second.Output!.Json!.Value.GetString());
        var entry = harness.Ledger.Find("run-1/draft/1")!;
        Assert.Equal((2, 1, 0), (entry.Begun, entry.Failed, entry.Unsettled));
    }

    [Theory]
    [Trait("Row", "C10")]
    [InlineData("nobody", "fast", ErrorCodes.ActivityFailed)]
    [InlineData("writer", "none", ErrorCodes.ModelNotFound)]
    public async Task Agent_UnknownAgentOrModel_IsTerminal(string agent, string model, string code)
    {
        var harness = new ActivityHarness(new ScriptedChatClient("x"));

        var result = await harness.AgentAsync(harness.Call() with { Agent = agent, Model = model });

        Assert.Equal((code, ErrorKind.Terminal), (result.Error!.Code, result.Error.Kind));
    }

    [Fact]
    [Trait("Row", "C10")]
    public async Task Agent_ExpressionFails_IsTerminalAndAsksNoModel()
    {
        var model = new ScriptedChatClient("x");
        var harness = new ActivityHarness(model);
        var call = harness.Call();

        var result = await harness.AgentAsync(call with { Scope = call.Scope with { Input = ActivityHarness.Inline("5") } });

        Assert.Equal((ErrorCodes.ExpressionError, ErrorKind.Terminal), (result.Error!.Code, result.Error.Kind));
        Assert.Empty(model.Requests);
    }

    [Fact]
    [Trait("Row", "S8")]
    public async Task Agent_ManyItemsOfOneStoredList_ReadItOnce()
    {
        var model = new ScriptedChatClient(request => request.Prompt);
        var harness = new ActivityHarness(model);
        var list = await harness.StoredAsync(JsonSerializer.Serialize(Enumerable.Range(0, 500).Select(i => $"item {i}")));

        var results = await Task.WhenAll(Enumerable.Range(0, 500).Select(i => harness.AgentAsync(harness.Call("each") with
        {
            Scope = harness.Scope("each", $"each[{i}]") with { Item = list.Item(i), Index = i },
        })));

        Assert.Equal(Enumerable.Range(0, 500).Select(i => $"Item item {i} at {i}"), results.Select(result => result.Output!.Json!.Value.GetString()));
        Assert.Equal(1, harness.Payloads.Reads);
        Assert.Equal(1, harness.Definitions.Reads);
    }

    private static AgentCall Review(ActivityHarness harness) => harness.Call("review", "critic") with
    {
        Scope = harness.Scope("review") with
        {
            Nodes = new Dictionary<string, NodeValue> { ["draft"] = new() { Status = "completed", Output = ActivityHarness.Inline("\"the draft\"") } },
        },
    };
}
