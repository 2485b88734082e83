using Azure.Core;
using Polyphony.Contract.Durable;
using Polyphony.Core.Ledger;

namespace Polyphony.DurableFunctions.Tests.Storage;

/// <summary>Two processes on one ledger, with their requests interleaved as they might be at the worst.</summary>
[Trait("Row", "B2")]
public sealed class TableLedgerRaceTests
{
    private static readonly LedgerRequest Request = new("i1/s", "i1", "agent", "model", "hash");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Complete_TwoProcessesTheSameStep_TheFirstAnswerStands()
    {
        await using var container = TestContainer.Create();
        var gate = new RequestGate(RequestMethod.Put, "(PartitionKey=");
        var late = container.OpenLedger(gate);
        var early = container.OpenLedger();
        Assert.Null((await early.BeginAsync(Request, Token)).Answer);
        gate.Open();
        Assert.Equal(2, (await late.BeginAsync(Request, Token)).Begun);

        var answers = await Task.WhenAll(late.CompleteAsync(Request.StepId, LedgerAnswers.Of("late"), Token), early.CompleteAsync(Request.StepId, LedgerAnswers.Of("early"), Token));

        Assert.Equal(answers[0], answers[1]);
        var entry = Assert.Single(await early.ListAsync("i1", Token));
        Assert.Equal((answers[0], 2), (entry.Answer, entry.Begun));
        Assert.Equal(new LedgerTotals(1, 10, 5, 0.1m, 1), await late.GetTotalsAsync("i1", Token));
    }

    [Fact]
    public async Task Complete_HeldBackUntilAnotherHasAnswered_GivesTheOthersAnswer()
    {
        await using var container = TestContainer.Create();
        var early = container.OpenLedger();
        await early.BeginAsync(Request, Token);
        var gate = new RequestGate(RequestMethod.Put, "(PartitionKey=");
        var late = container.OpenLedger(gate);

        // Its first write, a failure of an attempt, has read the entry and waits.
        var fail = late.FailAsync(Request.StepId, "rate_limited", Token);
        await gate.Arrived;
        await early.CompleteAsync(Request.StepId, LedgerAnswers.Of("early"), Token);
        gate.Open();
        await fail;

        Assert.Equal("early", (await late.CompleteAsync(Request.StepId, LedgerAnswers.Of("late"), Token)).Content);
        var entry = Assert.Single(await early.ListAsync("i1", Token));
        Assert.Equal(("early", 1, 1, "rate_limited"), (entry.Answer!.Content, entry.Begun, entry.Failed, entry.LastError));
    }

    [Fact]
    public async Task Begin_AfterAnotherProcessPurgedTheInstance_IsANewStep()
    {
        await using var container = TestContainer.Create();
        var running = container.OpenLedger();
        var purging = container.OpenLedger();
        await running.BeginAsync(Request, Token);
        await running.CompleteAsync(Request.StepId, LedgerAnswers.Of("old"), Token);

        await purging.RemoveAsync("i1", Token);

        var begun = await running.BeginAsync(Request, Token);
        Assert.Equal((null, 1), (begun.Answer, begun.Begun));
        Assert.Equal("new", (await running.CompleteAsync(Request.StepId, LedgerAnswers.Of("new"), Token)).Content);
    }

    [Fact]
    public async Task Change_AfterAnotherProcessPurgedTheInstance_SaysThatTheStepIsUnknown()
    {
        await using var container = TestContainer.Create();
        var running = container.OpenLedger();
        var purging = container.OpenLedger();
        await running.BeginAsync(Request, Token);
        await purging.RemoveAsync("i1", Token);

        Func<Task>[] changes =
        [
            () => running.CompleteAsync(Request.StepId, LedgerAnswers.Of("1"), Token),
            () => running.FailAsync(Request.StepId, "x", Token),
            () => running.LeaveUnsettledAsync(Request.StepId, "x", Token),
        ];
        foreach (var change in changes)
        {
            Assert.Equal("ledger_step_unknown", (await Assert.ThrowsAsync<PolyphonyException>(change)).Code);
        }
    }

    [Fact]
    public async Task Begin_OpenStepThatAnotherProcessPurged_IsANewStep()
    {
        await using var container = TestContainer.Create();
        var running = container.OpenLedger();
        var purging = container.OpenLedger();
        await running.BeginAsync(Request, Token);
        await purging.RemoveAsync("i1", Token);

        Assert.Equal(1, (await running.BeginAsync(Request, Token)).Begun);
    }
}
