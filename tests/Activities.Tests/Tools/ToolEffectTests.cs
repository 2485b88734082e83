using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Tools;
using Polyphony.Core.Ledger;
using Polyphony.Core.Runs;
using Polyphony.TestKit.Chat;

namespace Polyphony.Activities.Tests.Tools;

/// <summary>A tool call happens once: what ended is reused, what may have happened is made again only by whoever knows that it did not.</summary>
[Trait("Row", "B9")]
public sealed class ToolEffectTests
{
    private const string Key = "run-1/ask/1.0";
    private int _calls;
    private Func<int> _body = () => 7;

    [Fact]
    public async Task Call_DeliveredAgainAfterItsEnd_ReusesTheRecordedResult()
    {
        var harness = Harness(null);

        var first = await CallAsync(harness);
        var second = await CallAsync(harness);

        Assert.Equal(("7", "7", 1), (first.Output!.Json!.Value.GetRawText(), second.Output!.Json!.Value.GetRawText(), _calls));
        var entry = Assert.Single(await harness.Ledger.ListAsync("run-1"));
        Assert.Equal((Key, "pay", true, 1, 0), (entry.Request.StepId, entry.Request.Model, entry.Request.IsToolCall, entry.Begun, entry.Unsettled));
    }

    [Fact]
    public async Task Call_OfATool_IsNotCountedAsAModelCall()
    {
        var harness = Harness(null);
        await CallAsync(harness);
        await BeginAsync(harness, "run-1/ask/1.1");

        Assert.Equal(new LedgerTotals(0, 0, 0, 0, 0), await harness.Ledger.GetTotalsAsync("run-1"));
    }

    [Fact]
    public async Task Call_ThatMayHaveHappened_IsNotMadeAndAPersonIsAsked()
    {
        var harness = Harness(null);
        await BeginAsync(harness);

        var question = (await CallAsync(harness)).Question!;

        Assert.Equal((ToolQuestionKind.Doubt, 0), (question.Kind, _calls));
        Assert.Equal(
            "Has the call of the tool \"pay\" with {\"amount\":120} happened? It was begun at 2026-01-01 00:00:00 UTC, and its end is not known. Its effect key is run-1/ask/1.0.",
            question.Prompt);
        var details = JsonElement.Parse(await harness.TextAsync(question.Details));
        Assert.Equal(("pay", Key, 120), (details.GetProperty("tool").GetString(), details.GetProperty("effectKey").GetString(), details.GetProperty("arguments").GetProperty("amount").GetInt32()));
        Assert.Equal(
            ["happened", "repeat", "fail"],
            details.GetProperty("form").GetProperty("properties").GetProperty("decision").GetProperty("enum").EnumerateArray().Select(each => each.GetString()!));

        // What was asked about stays in doubt, and this delivery was not one of those that may have happened.
        Assert.Equal((2, 1), (harness.Ledger.Find(Key)!.Begun, harness.Ledger.Find(Key)!.Unsettled));
    }

    [Theory]
    [InlineData(true, null)]
    [InlineData(false, true)]
    public async Task Call_OfAnIdempotentTool_IsMadeAgain(bool byTool, bool? byFile)
    {
        var harness = Harness(new ToolOptions { Idempotent = byTool }, byFile is null ? "" : $", idempotent: {(byFile.Value ? "true" : "false")}");
        await BeginAsync(harness);

        Assert.Equal(("7", 1), ((await CallAsync(harness)).Output!.Json!.Value.GetRawText(), _calls));
    }

    [Fact]
    public async Task Call_OfAToolThatTheFileCallsNotIdempotent_IsInDoubt()
    {
        var harness = Harness(new ToolOptions { Idempotent = true }, ", idempotent: false");
        await BeginAsync(harness);

        Assert.Equal((ToolQuestionKind.Doubt, 0), ((await CallAsync(harness)).Question!.Kind, _calls));
    }

    [Fact]
    public async Task Check_SaysThatItHappened_GivesTheResultWithoutACall()
    {
        ToolCheck? asked = null;
        var harness = Harness(new ToolOptions
        {
            Check = (check, _) =>
            {
                asked = check;
                return ValueTask.FromResult(ToolCheckResult.Happened(new { receipt = "A-1" }));
            },
        });
        await BeginAsync(harness);

        Assert.Equal("""{"receipt":"A-1"}""", (await CallAsync(harness)).Output!.Json!.Value.GetRawText());
        Assert.Equal((Key, "pay", 120), (asked!.EffectKey, asked.Tool, asked.Arguments.GetProperty("amount").GetInt32()));

        // Recorded: the next delivery asks nobody.
        asked = null;
        Assert.Equal("""{"receipt":"A-1"}""", (await CallAsync(harness)).Output!.Json!.Value.GetRawText());
        Assert.Equal((null, 0), (asked, _calls));
    }

    [Fact]
    public async Task Check_SaysThatItDidNotHappen_MakesTheCallOnce()
    {
        var harness = Harness(new ToolOptions { Check = (_, _) => ValueTask.FromResult(ToolCheckResult.DidNotHappen) });
        await BeginAsync(harness);
        await BeginAsync(harness);

        Assert.Equal(("7", 1), ((await CallAsync(harness)).Output!.Json!.Value.GetRawText(), _calls));
        Assert.Equal(0, harness.Ledger.Find(Key)!.Unsettled);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Check_ThatDoesNotKnow_AsksAPerson(bool throws)
    {
        var harness = Harness(new ToolOptions { Check = (_, _) => throws ? throw new InvalidOperationException("down") : ValueTask.FromResult(ToolCheckResult.Unknown) });
        await BeginAsync(harness);

        Assert.Equal((ToolQuestionKind.Doubt, 0), ((await CallAsync(harness)).Question!.Kind, _calls));
    }

    [Fact]
    public async Task Person_SaysThatItHappened_RecordsTheResult()
    {
        var harness = Harness(null);
        await BeginAsync(harness);
        var question = (await CallAsync(harness)).Question!;

        var result = await CallAsync(harness, call => call with { Verdict = ActivityHarness.Inline("""{"decision":"happened","result":5}"""), VerdictBegun = question.Begun });

        Assert.Equal(("5", 0), (result.Output!.Json!.Value.GetRawText(), _calls));
        Assert.Equal("5", (await CallAsync(harness)).Output!.Json!.Value.GetRawText());
    }

    [Fact]
    public async Task Person_SaysThatItDidNot_MakesTheCallOnceAndNotAgainWhenThatIsInDoubt()
    {
        var harness = Harness(null);
        await BeginAsync(harness);
        var question = (await CallAsync(harness)).Question!;
        Task<ToolCallResult> RepeatAsync() => CallAsync(harness, call => call with { Verdict = ActivityHarness.Inline("""{"decision":"repeat"}"""), VerdictBegun = question.Begun });

        // The process dies in the middle of the second call, and the activity is delivered again with the same answer.
        harness.Ledger.CrashBeforeRecord = true;
        var broken = await RepeatAsync();
        var again = await RepeatAsync();

        Assert.Equal((ErrorCodes.ActivityFailed, ErrorKind.Transient), (broken.Error!.Code, broken.Error.Kind));
        Assert.Equal((ToolQuestionKind.Doubt, 1), (again.Question!.Kind, _calls));
        Assert.NotEqual(question.Begun, again.Question.Begun);
    }

    [Fact]
    public async Task Person_GivesItUp_FailsWithoutACall()
    {
        var harness = Harness(null);
        await BeginAsync(harness);
        var question = (await CallAsync(harness)).Question!;

        var result = await CallAsync(harness, call => call with { Verdict = ActivityHarness.Inline("""{"decision":"fail","reason":"too old"}"""), VerdictBegun = question.Begun });

        Assert.Equal((ErrorCodes.ToolInDoubt, ErrorKind.Terminal, 0), (result.Error!.Code, result.Error.Kind, _calls));
        Assert.EndsWith("given up: too old", result.Error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Person_AnswersAboutACallThatHasEndedMeanwhile_GetsItsResult()
    {
        var harness = Harness(null);
        await BeginAsync(harness);
        var question = (await CallAsync(harness)).Question!;
        await harness.Ledger.CompleteAsync(Key, new LedgerAnswer { Content = """{"output":{"json":9}}""" });

        var result = await CallAsync(harness, call => call with { Verdict = ActivityHarness.Inline("""{"decision":"repeat"}"""), VerdictBegun = question.Begun });

        Assert.Equal(("9", 0), (result.Output!.Json!.Value.GetRawText(), _calls));
    }

    public static TheoryData<Exception> Lost => [new TimeoutException(), new IOException("reset"), new TaskCanceledException("HttpClient.Timeout"), new HttpRequestException("gateway", null, System.Net.HttpStatusCode.BadGateway)];

    [Theory]
    [MemberData(nameof(Lost), DisableDiscoveryEnumeration = true)]
    public async Task Tool_LosesTheAnswer_AsksAPerson(Exception exception)
    {
        _body = () => throw exception;
        var harness = Harness(null);

        var question = (await CallAsync(harness)).Question;

        Assert.Equal((ToolQuestionKind.Doubt, 1, 1), (question!.Kind, question.Begun, _calls));
    }

    [Fact]
    public async Task Tool_LosesTheAnswerAndItsCheckKnows_IsSettled()
    {
        _body = () => throw new IOException("reset");
        var harness = Harness(new ToolOptions { Check = (_, _) => ValueTask.FromResult(ToolCheckResult.DidNotHappen) });

        var failed = await CallAsync(harness);

        // It did not happen: another attempt is for the workflow to decide.
        Assert.Equal((ErrorCodes.ToolFailed, ErrorKind.Transient), (failed.Error!.Code, failed.Error.Kind));
        Assert.Equal((1, 1, 0), (harness.Ledger.Find(Key)!.Begun, harness.Ledger.Find(Key)!.Failed, harness.Ledger.Find(Key)!.Unsettled));
    }

    [Fact]
    public async Task Tool_BreaksOffInAnAgentsCall_IsNotMadeAgainAndTheModelIsTold()
    {
        _body = () => throw new InvalidOperationException("bug");
        var harness = Harness(null);

        var first = await CallAsync(harness);
        var second = await CallAsync(harness);

        Assert.Equal((ErrorCodes.ToolFailed, ErrorKind.Terminal), (first.Error!.Code, first.Error.Kind));
        Assert.Equal((first.Error, 1), (second.Error, _calls));
    }

    [Fact]
    public async Task Tool_BreaksOffInAToolNode_IsInDoubtWhenItIsRunAgain()
    {
        _body = () => throw new InvalidOperationException("bug");
        var harness = Harness(null);
        var call = new ToolCall { Scope = harness.Scope("pays"), Tool = "pay" };

        var first = await harness.ToolAsync(call);
        var second = await harness.ToolAsync(call);

        Assert.Equal((ErrorKind.Terminal, ToolQuestionKind.Doubt, 1), (first.Error!.Kind, second.Question!.Kind, _calls));
    }

    [Fact]
    public async Task Tool_SaysThatItHadNoEffect_MayBeCalledAgainUnderTheSameKey()
    {
        var keys = new List<string?>();
        _body = () =>
        {
            keys.Add(ToolCallContext.Current?.EffectKey);
            return keys.Count == 1 ? throw new ToolException("later", ErrorKind.Transient) : 7;
        };
        var harness = Harness(null);

        var first = await CallAsync(harness);
        var second = await CallAsync(harness, call => call with { Attempt = 2 });

        Assert.Equal((ErrorKind.Transient, "7"), (first.Error!.Kind, second.Output!.Json!.Value.GetRawText()));
        Assert.Equal([Key, Key], keys);
        Assert.Null(ToolCallContext.Current);
    }

    [Fact]
    public async Task Tool_TakesItsArgumentsWhole_FindsTheKeyInTheirContext()
    {
        string? key = null;
        var function = AIFunctionFactory.Create(
            (AIFunctionArguments arguments) =>
            {
                key = ((ToolCallContext)arguments.Context![typeof(ToolCallContext)]!).EffectKey;
                return 1;
            }, "pay");
        var harness = new ActivityHarness(new ScriptedChatClient("x"), tools => tools.Add(function), workflow: Workflow(""));

        await CallAsync(harness, call => call with { Arguments = ActivityHarness.Inline("{}") });

        Assert.Equal(Key, key);
    }

    [Fact]
    public async Task Tool_RefusedArguments_CostNoCallAndNoEntry()
    {
        var harness = Harness(null);

        var result = await CallAsync(harness, call => call with { Arguments = ActivityHarness.Inline("""{"amount":"much"}""") });

        Assert.Equal((ErrorCodes.ToolArgumentsInvalid, 0), (result.Error!.Code, _calls));
        Assert.Empty(await harness.Ledger.ListAsync("run-1"));
    }

    [Fact]
    public async Task Tool_ResultThatCannotBeKept_IsNotCalledAgain()
    {
        var function = new Deep();
        var harness = new ActivityHarness(new ScriptedChatClient("x"), tools => tools.Add(function), workflow: Workflow(""));

        var first = await CallAsync(harness);
        var second = await CallAsync(harness);

        Assert.Equal((first.Error, 1), (second.Error, function.Calls));
        Assert.StartsWith("The tool \"pay\" has returned, but its result can't be kept: ", first.Error!.Message, StringComparison.Ordinal);
    }

    internal static string Workflow(string rules) => $$"""
        name: shop
        models: { m: { provider: offline } }
        agents:
          clerk: { model: m, tools: [{ name: pay{{rules}} }] }
        nodes:
          ask: { agent: clerk, prompt: "Pay." }
          pays: { tool: { name: pay, arguments: { amount: 120 }{{rules}} } }
        edges: [ ask -> pays ]
        """;

    private sealed class Deep : AIFunction
    {
        private static readonly string Value = new string('[', 300) + new string(']', 300);

        public override string Name => "pay";

        public override JsonElement JsonSchema { get; } = JsonElement.Parse("""{"type":"object"}""");

        public int Calls { get; private set; }

        protected override ValueTask<object?> InvokeCoreAsync(AIFunctionArguments arguments, CancellationToken cancellationToken)
        {
            Calls++;
            return ValueTask.FromResult<object?>(JsonElement.Parse(Value, new JsonDocumentOptions { MaxDepth = 400 }));
        }
    }

    private ActivityHarness Harness(ToolOptions? options, string rules = "") => new(
        new ScriptedChatClient("x"),
        tools => tools.Add(
            AIFunctionFactory.Create(
                (int amount) =>
                {
                    _calls++;
                    return _body();
                }, "pay"),
            options),
        workflow: Workflow(rules));

    private static Task<LedgerEntry> BeginAsync(ActivityHarness harness, string key = Key) =>
        harness.Ledger.BeginAsync(new LedgerRequest(key, "run-1", "", "pay", "earlier"));

    private static Task<ToolCallResult> CallAsync(ActivityHarness harness, Func<ToolCall, ToolCall>? with = null)
    {
        var call = new ToolCall
        {
            Scope = harness.Scope("ask"),
            Tool = "pay",
            Arguments = ActivityHarness.Inline("""{"amount":120}"""),
            CallId = "c1",
            Agent = "clerk",
            Place = "1.0",
        };
        return harness.ToolAsync(with?.Invoke(call) ?? call);
    }
}
