using Microsoft.Extensions.AI;
using Polyphony.Core.Ledger;
using Polyphony.Core.Runs;
using Polyphony.TestKit.Chat;
using Polyphony.TestKit.Stores;

namespace Polyphony.Activities.Tests.Agents;

/// <summary>The windows in which a crash can hit a model call, one by one.</summary>
[Trait("Row", "B2")]
public sealed class AgentLedgerTests
{
    [Fact]
    public async Task Agent_DeliveredAgain_ReusesTheAnswerAndPaysNothing()
    {
        var model = new ScriptedChatClient("first", "second");
        var harness = new ActivityHarness(model);

        var first = await harness.AgentAsync(harness.Call());
        var again = await harness.AgentAsync(harness.Call());

        Assert.Equal("first", again.Output!.Json!.Value.GetString());
        Assert.Equal(first with { FromLedger = true, Output = null }, again with { Output = null });
        Assert.Single(model.Requests);
        var totals = await harness.Ledger.GetTotalsAsync();
        Assert.Equal((1, 10, 5, 0), (totals.Steps, totals.InputTokens, totals.OutputTokens, totals.Unsettled));
    }

    [Fact]
    public async Task Agent_Answered_IsChargedToTheWorkflowAtTheRootAndItsDeployment()
    {
        var harness = new ActivityHarness(new ScriptedChatClient(new ScriptedAnswer
        {
            Response = new ChatResponse(new ChatMessage(ChatRole.Assistant, "first"))
            {
                Usage = new UsageDetails { InputTokenCount = 10, OutputTokenCount = 5, CachedInputTokenCount = 3, ReasoningTokenCount = 2 },
            },
        }));
        var call = harness.Call();

        await harness.AgentAsync(call);
        await harness.AgentAsync(call with { Scope = call.Scope with { RootWorkflow = "above", Activation = "other" } });

        var request = harness.Ledger.Find("run-1/draft/1")!.Request;
        Assert.Equal((harness.Definition.Name, "offline", "fast-1"), (request.Workflow, request.Provider, request.Deployment));
        Assert.Equal("above", harness.Ledger.Find("run-1/other/1")!.Request.Workflow);
        var used = await harness.Ledger.ReadUsageAsync(DateOnly.MinValue, DateOnly.MaxValue, TestContext.Current.CancellationToken);
        Assert.Equal((2L, 20L, 6L, 10L, 4L), (used.Sum(row => row.Calls), used.Sum(row => row.InputTokens), used.Sum(row => row.CachedInputTokens), used.Sum(row => row.OutputTokens), used.Sum(row => row.ReasoningTokens)));
    }

    [Fact]
    public async Task Agent_CrashBeforeTheRecord_PaysTwiceAndCountsIt()
    {
        var model = new ScriptedChatClient("first", "second");
        var harness = new ActivityHarness(model);
        harness.Ledger.CrashBeforeRecord = true;

        var lost = await harness.AgentAsync(harness.Call());
        var again = await harness.AgentAsync(harness.Call());

        Assert.NotNull(lost.Error);
        Assert.Equal("second", again.Output!.Json!.Value.GetString());
        Assert.Equal(2, model.Requests.Count);
        Assert.Equal(1, harness.Ledger.Find("run-1/draft/1")!.Unsettled);
    }

    [Fact]
    public async Task Agent_CrashAfterTheRecord_ReusesTheAnswer()
    {
        var model = new ScriptedChatClient("first", "second");
        var harness = new ActivityHarness(model);
        harness.Ledger.CrashAfterRecord = true;

        await harness.AgentAsync(harness.Call());
        var again = await harness.AgentAsync(harness.Call());

        Assert.Equal(("first", true), (again.Output!.Json!.Value.GetString(), again.FromLedger));
        Assert.Single(model.Requests);
        Assert.Equal(0, harness.Ledger.Find("run-1/draft/1")!.Unsettled);
    }

    [Fact]
    public async Task Agent_ConnectionBreaks_LeavesTheAttemptUnsettled()
    {
        var model = new ScriptedChatClient(ScriptedAnswer.Fails(new IOException("reset")), "second");
        var harness = new ActivityHarness(model);

        await harness.AgentAsync(harness.Call());
        await harness.AgentAsync(harness.Call() with { Attempt = 2 });

        var entry = harness.Ledger.Find("run-1/draft/1")!;
        Assert.Equal((2, 0, "provider_unavailable", 1), (entry.Begun, entry.Failed, entry.LastError, entry.Unsettled));
    }

    [Fact]
    public async Task Agent_SameRequest_HasTheSameHashAndAnotherPromptAnother()
    {
        var harness = new ActivityHarness(new ScriptedChatClient("x"));

        await harness.AgentAsync(harness.Call());
        await harness.AgentAsync(harness.Call() with { Call = 2 });
        await harness.AgentAsync(harness.Call() with { Call = 3, Scope = harness.Scope("draft") with { Round = 2 } });

        string Hash(int call) => harness.Ledger.Find($"run-1/draft/{call}")!.Request.RequestHash;
        Assert.Equal(Hash(1), Hash(2));
        Assert.NotEqual(Hash(1), Hash(3));
        Assert.Matches("^[0-9a-f]{64}$", Hash(1));
    }

    [Fact]
    public async Task Agent_RecordedToolCalls_ComeBackAsTheyWere()
    {
        var model = new ScriptedChatClient(ScriptedAnswer.Calls(("c1", "add", new() { ["a"] = 1, ["b"] = "zwei" })));
        var harness = new ActivityHarness(model, tools => tools.Add(Microsoft.Extensions.AI.AIFunctionFactory.Create((int a, int b) => a + b, "add")));

        await harness.AgentAsync(harness.Call("ask", "caller"));
        var again = await harness.AgentAsync(harness.Call("ask", "caller"));

        Assert.True(again.FromLedger);
        Assert.Equal("""{"a":1,"b":"zwei"}""", Assert.Single(again.ToolCalls!).Arguments.Json!.Value.GetRawText());
    }

    [Fact]
    public async Task Agent_LedgerFails_IsAnErrorOfTheActivity()
    {
        var harness = new ActivityHarness(new ScriptedChatClient("x"));
        harness.Ledger.CrashBeforeRecord = true;

        var result = await harness.AgentAsync(harness.Call());

        Assert.Equal("activity_failed", result.Error!.Code);
        Assert.Contains(nameof(SimulatedCrashException), result.Error.Message, StringComparison.Ordinal);
    }

    // Written by a version that did not replace halves of characters, say: read again at every attempt, it would be read for ever.
    [Theory]
    [InlineData("""{"v":1,"text":"cut \ud83d"}""")]
    [InlineData("""{"v":1}""")]
    [InlineData("""{"v":1,"text":"x","toolCalls":[{"id":7}]}""")]
    [InlineData("not JSON")]
    public async Task Agent_RecordThatCannotBeRead_IsABookedErrorThatAsksAgain(string content)
    {
        var harness = new ActivityHarness(new ScriptedChatClient("fine"));
        await harness.Ledger.BeginAsync(new LedgerRequest("run-1/draft/1", "run-1", "writer", "fast", "0"));
        await harness.Ledger.CompleteAsync("run-1/draft/1", new LedgerAnswer { Content = content, InputTokens = 4, OutputTokens = 2 });

        var unread = await harness.AgentAsync(harness.Call());
        var next = await harness.AgentAsync(harness.Call() with { Call = 2 });

        Assert.Equal((ErrorCodes.ProviderInvalidAnswer, ErrorKind.Transient), (unread.Error!.Code, unread.Error.Kind));
        Assert.Equal((true, 1, 4L, 2L), (unread.FromLedger, unread.Usage.ModelCalls, unread.Usage.InputTokens, unread.Usage.OutputTokens));
        Assert.Equal("fine", next.Output!.Json!.Value.GetString());
    }
}
