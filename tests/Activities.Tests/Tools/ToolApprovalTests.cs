using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Tools;
using Polyphony.Core.Definitions;
using Polyphony.Core.Ledger;
using Polyphony.Core.Runs;
using Polyphony.Expressions.Schemas;
using Polyphony.TestKit.Chat;

namespace Polyphony.Activities.Tests.Tools;

/// <summary>A tool that needs a person's approval is not called before.</summary>
[Trait("Row", "O17")]
public sealed class ToolApprovalTests
{
    private readonly List<int> _paid = [];

    [Theory]
    [InlineData("always", 1, true)]
    [InlineData("\"args.amount > 100\"", 101, true)]
    [InlineData("\"args.amount > 100\"", 100, false)]
    [InlineData("{ when: \"args.amount > 100\", timeout: 1h }", 101, true)]
    [InlineData("true", 1, true)]
    [InlineData("\"args.currency == 'EUR'\"", 1, true)]
    public async Task Call_IsAskedAboutByItsCondition(string approval, int amount, bool isAsked)
    {
        var harness = Harness(approval);

        var result = await CallAsync(harness, $$"""{"amount":{{amount}}}""");

        Assert.Equal((isAsked, isAsked ? 0 : 1), (result.Question is not null, _paid.Count));
        Assert.Equal(isAsked ? ToolQuestionKind.Approval : null, result.Question?.Kind);
        Assert.Equal(!isAsked, harness.Ledger.Find("run-1/ask/1.0") is not null);
    }

    [Fact]
    public async Task Question_HasToolArgumentsAndForm()
    {
        var harness = Harness("{ when: always, timeout: 2h, onTimeout: fail }");

        var question = (await CallAsync(harness, """{"amount":120}""")).Question!;

        Assert.Equal(("Call the tool \"pay\" with {\"amount\":120}?", 7_200_000L, ApprovalTimeoutPolicy.Fail), (question.Prompt, question.TimeoutMs, question.OnTimeout));
        var details = JsonElement.Parse(await harness.TextAsync(question.Details));
        Assert.Equal(("pay", """{"amount":120}"""), (details.GetProperty("tool").GetString(), details.GetProperty("arguments").GetRawText()));
        Assert.True(JsonSchema.TryParse(details.GetProperty("form"), out var form, out _));
        Assert.Empty(form.Validate(ActivityHarness.Json("""{"decision":"approve","arguments":{"amount":5}}""")));
        Assert.Empty(form.Validate(ActivityHarness.Json("""{"decision":"refuse","reason":"no"}""")));
        Assert.NotEmpty(form.Validate(ActivityHarness.Json("""{"decision":"approve","arguments":{"amount":"x"}}""")));
        Assert.NotEmpty(form.Validate(ActivityHarness.Json("""{"decision":"perhaps"}""")));
        Assert.NotEmpty(form.Validate(ActivityHarness.Json("""{"reason":"no"}""")));
    }

    [Fact]
    public async Task Question_OfAToolWithARecursiveSchema_ChecksTheArgumentsAtEveryLevel()
    {
        var harness = new ActivityHarness(
            new ScriptedChatClient("x"), tools => tools.Add(AIFunctionFactory.Create((Branch root) => root.Children.Count, "pay")), workflow: ToolEffectTests.Workflow(", approval: always"));

        var question = (await CallAsync(harness, """{"root":{"name":"a","children":[]}}""")).Question!;

        Assert.True(JsonSchema.TryParse(JsonElement.Parse(await harness.TextAsync(question.Details)).GetProperty("form"), out var form, out _));
        Assert.Empty(form.Validate(ActivityHarness.Json("""{"decision":"approve","arguments":{"root":{"name":"a","children":[{"name":"b","children":[]}]}}}""")));
        Assert.NotEmpty(form.Validate(ActivityHarness.Json("""{"decision":"approve","arguments":{"root":{"name":"a","children":[{"name":5,"children":[]}]}}}""")));
    }

    [Fact]
    public async Task Approved_IsCalledWithTheModelsArguments()
    {
        var result = await AnswerAsync(Harness("always"), """{"decision":"approve"}""");

        Assert.Equal(("120", null), (result.Output!.Json!.Value.GetRawText(), result.Note));
        Assert.Equal([120], _paid);
    }

    [Fact]
    public async Task Approved_WithOtherArguments_IsCalledWithThoseAndTheModelIsTold()
    {
        var result = await AnswerAsync(Harness("always"), """{"decision":"approve","arguments":{"amount":80}}""");

        Assert.Equal(("80", "A person changed the arguments of this call to {\"amount\":80}."), (result.Output!.Json!.Value.GetRawText(), result.Note));
        Assert.Equal([80], _paid);
    }

    [Fact]
    public async Task Approved_WithArgumentsThatDoNotFit_AsksAgain()
    {
        var result = await AnswerAsync(Harness("always"), """{"decision":"approve","arguments":{"amount":"much"}}""");

        Assert.StartsWith("The arguments in the last answer do not fit: /amount: ", result.Question!.Prompt, StringComparison.Ordinal);
        Assert.Empty(_paid);
    }

    [Theory]
    [InlineData("""{"decision":"refuse","reason":"The order is too old."}""", "The call of tool \"pay\" was refused: The order is too old.")]
    [InlineData("""{"decision":"refuse"}""", "The call of tool \"pay\" was refused.")]
    [InlineData("""{"decision":"no such word"}""", "The call of tool \"pay\" was refused.")]
    public async Task Refused_IsNotCalled(string answer, string message)
    {
        var result = await AnswerAsync(Harness("always"), answer);

        Assert.Equal((ErrorCodes.ToolRefused, ErrorKind.Terminal, message), (result.Error!.Code, result.Error.Kind, result.Error.Message));
        Assert.Empty(_paid);
    }

    [Fact]
    public async Task Call_ThatHasEndedOrMayHaveHappened_IsNotApprovedAgain()
    {
        var harness = Harness("always");
        await AnswerAsync(harness, """{"decision":"approve"}""");

        // As after a rewind: the call comes without the answer that it had.
        Assert.Equal("120", (await CallAsync(harness, """{"amount":120}""")).Output!.Json!.Value.GetRawText());

        var other = Harness("always");
        await other.Ledger.BeginAsync(new LedgerRequest("run-1/ask/1.0", "run-1", "", "pay", ToolRequest.HashOf(JsonElement.Parse("""{"amount":120}"""))));
        Assert.Equal(ToolQuestionKind.Doubt, (await CallAsync(other, """{"amount":120}""")).Question!.Kind);
        Assert.Equal([120], _paid);
    }

    [Theory]
    [InlineData("")]
    [InlineData(", idempotent: true")]
    public async Task Call_ThatWasBegunWithArgumentsOfAPerson_IsApprovedAgain(string more)
    {
        var harness = Harness("always" + more);

        // A person had put 80 in place of 120, and the end of the call was not recorded. After a rewind nobody knows of the 80.
        await harness.Ledger.BeginAsync(new LedgerRequest("run-1/ask/1.0", "run-1", "", "pay", ToolRequest.HashOf(JsonElement.Parse("""{"amount":80}"""))));

        Assert.Equal(ToolQuestionKind.Approval, (await CallAsync(harness, """{"amount":120}""")).Question!.Kind);
        Assert.Empty(_paid);
    }

    [Fact]
    public async Task Arguments_ThatDoNotFit_AreRefusedBeforeAnybodyIsAsked()
    {
        Assert.Equal(ErrorCodes.ToolArgumentsInvalid, (await CallAsync(Harness("always"), """{"amount":"much"}""")).Error!.Code);
    }

    [Fact]
    public async Task ToolNode_WithACondition_IsAskedAboutAsWell()
    {
        var harness = Harness("\"args.amount > 100\"");

        var result = await harness.ToolAsync(new ToolCall { Scope = harness.Scope("pays"), Tool = "pay" });

        Assert.Equal("Call the tool \"pay\" with {\"amount\":120}?", result.Question!.Prompt);
    }

    [Fact]
    public async Task Question_WithHiddenOrManyCharacters_ShowsThemAsEscapesAndIsShortened()
    {
        var harness = new ActivityHarness(
            new ScriptedChatClient("x"), tools => tools.Add(AIFunctionFactory.Create((string text) => text.Length, "pay")), workflow: ToolEffectTests.Workflow(", approval: always"));

        var hidden = (await CallAsync(harness, """{"text":"a\u001b[2Jb\u202ec\u0085"}""")).Question!;
        var large = (await CallAsync(harness, $$"""{"text":"{{new string('x', 5_000)}}"}""")).Question!;

        Assert.Equal("Call the tool \"pay\" with {\"text\":\"a\\u001b[2Jb\\u202ec\\u0085\"}?", hidden.Prompt, ignoreCase: true);
        Assert.Equal(PendingWait.MaxPromptLength, large.Prompt.Length);
        Assert.Contains(new string('x', 5_000), await harness.TextAsync(large.Whole), StringComparison.Ordinal);
    }

    private sealed record Branch(string Name, IReadOnlyList<Branch> Children);

    private ActivityHarness Harness(string approval) => new(
        new ScriptedChatClient("x"),
        tools => tools.Add(AIFunctionFactory.Create(
            (int amount) =>
            {
                _paid.Add(amount);
                return amount;
            }, "pay")),
        workflow: ToolEffectTests.Workflow($", approval: {approval}"));

    private static Task<ToolCallResult> CallAsync(ActivityHarness harness, string arguments, string? answer = null) => harness.ToolAsync(new ToolCall
    {
        Scope = harness.Scope("ask"),
        Tool = "pay",
        Arguments = ActivityHarness.Inline(arguments),
        CallId = "c1",
        Agent = "clerk",
        Place = "1.0",
        Approval = answer is null ? null : ActivityHarness.Inline(answer),
    });

    private static Task<ToolCallResult> AnswerAsync(ActivityHarness harness, string answer) => CallAsync(harness, """{"amount":120}""", answer);
}
