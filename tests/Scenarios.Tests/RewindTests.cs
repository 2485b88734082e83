using Microsoft.Extensions.AI;
using Polyphony.Activities.Providers;
using Polyphony.Activities.Tools;
using Polyphony.Core.Runs;

namespace Polyphony.Scenarios.Tests;

/// <summary>What is asked again, and what comes from the ledger: after a rewind, and by a fallback.</summary>
[Trait("Row", "B2")]
public sealed class RewindTests
{
    // An answer that led nowhere, each in its way: what the model says, why it stopped, and how many answers it takes to fail.
    [Theory]
    [InlineData("", "content_filter", 1, "content_filter")]
    [InlineData("refusal", "stop", 1, "content_filter")]
    [InlineData("", "length", 1, "empty_answer")]
    [InlineData(" ", "stop", 3, "empty_answer")]
    [InlineData("""{"score":""", "length", 1, "output_invalid")]
    [InlineData("""{"score":"high"}""", "stop", 2, "output_invalid")]
    [Trait("Row", "H5")]
    public async Task Rewind_AfterAnAnswerThatLedNowhere_AsksAgain(string text, string finish, int answers, string code)
    {
        var helps = false;
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = (_, _, _, _) => Task.FromResult(helps ? TestModels.Text("""{"score":7}""") : Answer(text, finish));
        var id = await host.StartAsync("""
            name: judge
            models: { m: { provider: offline } }
            agents: { a: { model: m, output: { type: object, required: [score], properties: { score: { type: integer } } } } }
            nodes: { score: { agent: a, prompt: x } }
            """);
        var failed = await host.WaitAsync(id);
        Assert.Equal(("failed", code, answers), (failed.Reason(), failed.Error!.Code, host.Models.Calls));

        // Rewound too early: asked again, and refused again.
        await host.Client.RewindAsync(id, "perhaps");
        var again = await host.WaitAsync(id);
        Assert.Equal(("failed", code, 2 * answers), (again.Reason(), again.Error!.Code, host.Models.Calls));

        helps = true;
        await host.Client.RewindAsync(id, "the provider has changed its mind");
        var completed = await host.WaitAsync(id);
        Assert.Equal(("completed", 2 * answers + 1), (completed.Reason(), host.Models.Calls));
        Assert.Equal(7, completed.Output!.Value.GetProperty("score").GetInt32());

        // Each answer has its own step, and every one of them is in the books.
        var entries = await host.Engine.Ledger.ListAsync(id);
        Assert.Equal(Enumerable.Range(1, 2 * answers + 1).Select(call => $"{id}/score/{call}"), entries.Select(entry => entry.Request.StepId));
        Assert.All(entries, entry => Assert.Equal((1, 0, 0), (entry.Begun, entry.Failed, entry.Unsettled)));
    }

    [Fact]
    [Trait("Row", "O12")]
    [Trait("Row", "H5")]
    public async Task Rewind_AfterTooManyRoundsOfTools_AsksForTheAnswerAgain()
    {
        var insists = true;
        var tools = new ToolRegistry().Add(AIFunctionFactory.Create(() => "sunny", "weather", "The weather."));
        await using var host = await TestHost.StartAsync(tools: tools);
        host.Models.Respond = (_, messages, _, _) => Task.FromResult(insists || messages.Count < 3
            ? new ChatResponse(new ChatMessage(ChatRole.Assistant, [new FunctionCallContent("one", "weather")])) { FinishReason = ChatFinishReason.ToolCalls }
            : TestModels.Text("that is all"));
        var id = await host.StartAsync("""
            name: forecast
            models: { m: { provider: offline } }
            agents: { a: { model: m, tools: [weather], maxToolRounds: 1 } }
            nodes: { tell: { agent: a, prompt: x } }
            """);
        var failed = await host.WaitAsync(id);
        Assert.Equal(("too_many_tool_rounds", 2), (failed.Error!.Code, host.Models.Calls));

        insists = false;
        await host.Client.RewindAsync(id, "the model is patient now");
        var completed = await host.WaitAsync(id);
        Assert.Equal(("completed", 3), (completed.Reason(), host.Models.Calls));
        Assert.Equal("that is all", completed.Output!.Value.GetString());
        await UsageIsThatOfTheLedgerAsync(host, completed);
    }

    [Fact]
    [Trait("Row", "H5")]
    [Trait("Row", "C9")]
    public async Task Rewind_OfAForEach_KeepsTheItemsThatAFallbackHasAnswered()
    {
        var refuses = true;
        var asked = new List<string>();
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = (model, messages, _, _) =>
        {
            lock (asked)
            {
                asked.Add($"{model} {messages[^1].Text}");
            }

            return Task.FromResult(model == "first" || (refuses && messages[^1].Text == "2") ? Answer("", "content_filter") : TestModels.Text($"{messages[^1].Text} by {model}"));
        };
        var id = await host.StartAsync("""
            name: items
            limits: { maxConcurrency: 1 }
            models: { first: { provider: offline, fallback: [second] }, second: { provider: offline } }
            agents: { a: { model: first, context: [] } }
            nodes: { each: { agent: a, forEach: "{{ [1, 2] }}", prompt: "{{ item }}" } }
            """);
        Assert.Equal("failed", (await host.WaitAsync(id)).Reason());
        Assert.Equal(["first 1", "second 1", "first 2", "second 2"], asked);

        refuses = false;
        await host.Client.RewindAsync(id, "again");
        var completed = await host.WaitAsync(id);

        Assert.Equal("""["1 by second","2 by second"]""", completed.Output!.Value.GetRawText());
        Assert.Equal(["first 2", "second 2"], asked.Skip(4));
        await UsageIsThatOfTheLedgerAsync(host, completed);
    }

    // A refusal is an answer: it is recorded under the call's number, and the fallback's call must not find it there.
    [Fact]
    [Trait("Row", "C9")]
    public async Task Fallback_AfterARefusal_HasAStepOfItsOwn()
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = (model, _, _, _) => Task.FromResult(model == "first" ? Answer("", "content_filter") : TestModels.Text("by second"));

        var (status, steps) = await RunFallbackAsync(host);

        Assert.Equal("by second", status.Output!.Value.GetString());
        Assert.Equal([("/call/1", "first", 1, 0, true), ("/call/2", "second", 1, 0, true)], steps);
    }

    // A failure is none: nothing is recorded but that it failed, and the step is still to be answered.
    [Fact]
    [Trait("Row", "C9")]
    public async Task Fallback_AfterAFailure_AnswersTheSameStep()
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = (model, _, _, _) => model == "first"
            ? throw new ModelException(new CallError(ErrorCodes.BadRequest, "no", ErrorKind.Terminal))
            : Task.FromResult(TestModels.Text("by second"));

        var (status, steps) = await RunFallbackAsync(host);

        Assert.Equal("by second", status.Output!.Value.GetString());
        Assert.Equal([("/call/1", "second", 2, 1, true)], steps);
    }

    private static async Task<(Core.Client.WorkflowStatus Status, List<(string Step, string Model, int Begun, int Failed, bool IsAnswered)> Steps)> RunFallbackAsync(TestHost host)
    {
        var id = await host.StartAsync("""
            name: fallback
            models: { first: { provider: offline, fallback: [second] }, second: { provider: offline } }
            agents: { a: { model: first } }
            nodes: { call: { agent: a, prompt: x } }
            """);
        var status = await host.WaitAsync(id);
        Assert.Equal(2, host.Models.Calls);
        return (status, [.. (await host.Engine.Ledger.ListAsync(id)).Select(entry =>
            (entry.Request.StepId[id.Length..], entry.Request.Model, entry.Begun, entry.Failed, entry.Answer is not null))]);
    }

    // What was paid before the rewind counts once, however often it is used.
    private static async Task UsageIsThatOfTheLedgerAsync(TestHost host, Core.Client.WorkflowStatus status)
    {
        var totals = await host.Engine.Ledger.GetTotalsAsync(status.InstanceId);
        Assert.Equal((totals.Steps, totals.InputTokens, totals.OutputTokens), (status.Usage.ModelCalls, status.Usage.InputTokens, status.Usage.OutputTokens));
    }

    private static ChatResponse Answer(string text, string finish) =>
        new(new ChatMessage(ChatRole.Assistant, text == "refusal" ? [new ErrorContent("I would rather not.")] : [new TextContent(text)]))
        {
            FinishReason = new ChatFinishReason(finish),
            Usage = new UsageDetails { InputTokenCount = 10, OutputTokenCount = 5 },
        };
}
