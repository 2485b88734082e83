using Microsoft.Extensions.AI;
using Polyphony.Activities.Providers;
using Polyphony.Core.Runs;
using Polyphony.TestKit.Chat;

namespace Polyphony.Activities.Tests.Agents;

/// <summary>Calls that are not made yet, because the deployment takes none.</summary>
public sealed class AgentWaitTests
{
    private static readonly ScriptedAnswer SlowDown = new()
    {
        Exception = new ModelException(new CallError(ErrorCodes.RateLimited, "Rate limit reached\r\nfor org", ErrorKind.RateLimited, 9_000)),
    };

    [Fact]
    [Trait("Row", "C4")]
    public async Task Agent_AfterARateLimit_OtherCallsWaitUntilThenWithoutAsking()
    {
        var model = new ScriptedChatClient(SlowDown, "fine");
        var harness = new ActivityHarness(model);
        var start = harness.Clock.GetUtcNow();

        Assert.Equal(ErrorCodes.RateLimited, (await harness.AgentAsync(harness.Call())).Error!.Code);
        harness.Clock.Advance(TimeSpan.FromSeconds(4));
        var waits = await harness.AgentAsync(Another(harness));

        Assert.Equal(new CallWait(start.AddSeconds(9), CallWaitReasons.RetryAfter, "Rate limit reached  for org"), waits.Wait);
        Assert.Null(waits.Error);
        Assert.Single(model.Requests);

        // Nothing was asked, so nothing is open in the ledger.
        Assert.Equal(0, (await harness.Ledger.GetTotalsAsync()).Unsettled);
        harness.Clock.Advance(TimeSpan.FromSeconds(5));
        Assert.NotNull((await harness.AgentAsync(Another(harness))).Output);
    }

    [Fact]
    [Trait("Row", "C9")]
    public async Task Agent_AfterFailuresInARow_OtherCallsWaitForOneThatTriesAndFailWithIt()
    {
        var down = new ScriptedAnswer { Exception = new ModelException(new CallError(ErrorCodes.ProviderUnavailable, "down", ErrorKind.Transient)) };
        var model = new ScriptedChatClient(down, down, down, down, down, down, "fine");
        var harness = new ActivityHarness(model);
        var start = harness.Clock.GetUtcNow();
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(ErrorCodes.ProviderUnavailable, (await harness.AgentAsync(harness.Call())).Error!.Code);
        }

        var waits = await harness.AgentAsync(Another(harness));
        Assert.Equal(new CallWait(start.AddSeconds(10), CallWaitReasons.CircuitOpen, "down"), waits.Wait);
        Assert.Equal(5, model.Requests.Count);

        // The first to come back tries. It fails, and with it the one that has waited, without a request of its own.
        harness.Clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("down", (await harness.AgentAsync(harness.Call())).Error!.Message);
        var failed = await harness.AgentAsync(Another(harness));
        Assert.Equal((ErrorCodes.ProviderUnavailable, ErrorKind.Transient, 6), (failed.Error!.Code, failed.Error.Kind, model.Requests.Count));
        var entry = harness.Ledger.Find("run-1/draft#2/1")!;
        Assert.Equal((0, ErrorCodes.ProviderUnavailable), (entry.Unsettled, entry.LastError));

        harness.Clock.Advance(TimeSpan.FromSeconds(20));
        Assert.NotNull((await harness.AgentAsync(Another(harness))).Output);
        Assert.NotNull((await harness.AgentAsync(harness.Call())).Output);
    }

    [Fact]
    [Trait("Row", "C9")]
    public async Task Agent_ThatTriesAndWhoseAnswerIsNotRecorded_LetsTheOthersGo()
    {
        var down = new ScriptedAnswer { Exception = new ModelException(new CallError(ErrorCodes.ProviderUnavailable, "down", ErrorKind.Transient)) };
        var model = new ScriptedChatClient(down, down, down, down, down, "fine");
        var harness = new ActivityHarness(model);
        for (var i = 0; i < 5; i++)
        {
            await harness.AgentAsync(harness.Call());
        }

        harness.Clock.Advance(TimeSpan.FromSeconds(10));
        harness.Ledger.CrashBeforeRecord = true;
        Assert.NotNull((await harness.AgentAsync(harness.Call())).Error);

        Assert.NotNull((await harness.AgentAsync(Another(harness))).Output);
    }

    [Fact]
    [Trait("Row", "C4")]
    public async Task Agent_RecordedAnswer_NeedsNotWait()
    {
        var model = new ScriptedChatClient("fine", SlowDown);
        var harness = new ActivityHarness(model);
        await harness.AgentAsync(harness.Call());
        await harness.AgentAsync(Another(harness));

        Assert.True((await harness.AgentAsync(harness.Call())).FromLedger);
    }

    [Fact]
    [Trait("Row", "C3")]
    public async Task Agent_RequestsPerMinuteUsedUp_Waits()
    {
        var model = new ScriptedChatClient("one", "two");
        var harness = new ActivityHarness(
            model, workflow: ActivityHarness.Workflow.Replace("model: fast-1 }", "model: fast-1, requestsPerMinute: 1 }", StringComparison.Ordinal));

        await harness.AgentAsync(harness.Call());
        var waits = await harness.AgentAsync(Another(harness));

        Assert.Equal(new CallWait(harness.Clock.GetUtcNow().AddMinutes(1), CallWaitReasons.RequestsPerMinute), waits.Wait);
        harness.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.NotNull((await harness.AgentAsync(Another(harness))).Output);
    }

    [Fact]
    [Trait("Row", "C10")]
    public async Task Agent_NoUsage_IsEstimatedAndMarked()
    {
        // In o200k_base "hello" and " world" are a token each.
        var harness = new ActivityHarness(new ScriptedChatClient(Answer("hello world", null)));

        var result = await harness.AgentAsync(harness.Call());

        // 3 around each of two messages and 3 before the answer; "You write about tests." and "Write about tests, round 1." have 5 and 8.
        Assert.Equal(new Usage(1, 3 + 3 + 5 + 3 + 8, 2, 0, EstimatedCalls: 1), result.Usage);
        Assert.True((await harness.Ledger.ListAsync("run-1")).Single().Answer!.IsEstimated);
    }

    [Theory]
    [InlineData(-1_000_000, -5)]
    [InlineData(0, 0)]
    [InlineData(4_000_000_000_000, 4_000_000_000_000)]
    [Trait("Row", "C10")]
    public async Task Agent_UsageThatCannotBe_IsEstimated(long input, long output)
    {
        var usage = new UsageDetails { InputTokenCount = input, OutputTokenCount = output, CachedInputTokenCount = input };
        var harness = new ActivityHarness(new ScriptedChatClient(Answer("hello world", usage)));

        Assert.Equal(new Usage(1, 22, 2, 0, EstimatedCalls: 1), (await harness.AgentAsync(harness.Call())).Usage);
    }

    [Fact]
    [Trait("Row", "C11")]
    public async Task Agent_CachedInput_CostsLess()
    {
        var usage = new UsageDetails { InputTokenCount = 1_000, OutputTokenCount = 100, CachedInputTokenCount = 400 };
        var harness = new ActivityHarness(
            new ScriptedChatClient(Answer("x", usage)),
            options: new ActivitiesOptions { Prices = new PriceTable(new DateOnly(2026, 1, 1), new Dictionary<string, ModelPrice> { ["scripted-1"] = new(2m, 10m, 0.5m) }) },
            workflow: ActivityHarness.Workflow.Replace("provider: offline", "provider: openai", StringComparison.Ordinal),
            provider: "openai");

        // 600 at 2, 400 at 0.5 and 100 at 10 dollars a million.
        Assert.Equal(new Usage(1, 1_000, 100, 0.0024m, CachedInputTokens: 400), (await harness.AgentAsync(harness.Call())).Usage);
    }

    [Fact]
    [Trait("Row", "C11")]
    public async Task Agent_NoPrice_IsCountedAsUnknown()
    {
        var harness = new ActivityHarness(
            new ScriptedChatClient("x"),
            workflow: ActivityHarness.Workflow.Replace("provider: offline", "provider: openai", StringComparison.Ordinal),
            provider: "openai");

        Assert.Equal(new Usage(1, 10, 5, 0, UnpricedCalls: 1), (await harness.AgentAsync(harness.Call())).Usage);
    }

    private static AgentCall Another(ActivityHarness harness) => harness.Call() with { Scope = harness.Scope("draft", "draft#2") };

    private static ScriptedAnswer Answer(string text, UsageDetails? usage) => new()
    {
        Response = new ChatResponse(new ChatMessage(ChatRole.Assistant, text)) { ModelId = "scripted-1", FinishReason = ChatFinishReason.Stop, Usage = usage },
    };
}
