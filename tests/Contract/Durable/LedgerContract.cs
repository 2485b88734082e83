using Polyphony.Core.Durable;
using Polyphony.Core.Ledger;

namespace Polyphony.Contract.Durable;

/// <summary>The ledger.</summary>
[Trait("Row", "B2")]
public abstract class LedgerContract : DurableContract
{
    private static readonly LedgerRequest Request = new("i1/research[3]#2/1", "i1", "researcher", "fast", "abc");

    [Fact]
    public async Task Begin_AfterTheAnswer_ReturnsItAndCountsNothing()
    {
        await using var host = await StartAsync(new DurableRegistry());

        var begun = await host.Ledger.BeginAsync(Request, Soon);
        Assert.Null(begun.Answer);
        Assert.Equal(1, begun.Unsettled);
        Assert.Equal("1", (await host.Ledger.CompleteAsync(Request.StepId, LedgerAnswers.Of("1"), Soon)).Content);
        await host.RestartAsync(crash: true);

        var again = await host.Ledger.BeginAsync(Request, Soon);
        Assert.Equal(LedgerAnswers.Of("1"), again.Answer);
        Assert.Equal((1, 0), (again.Begun, again.Unsettled));
        Assert.Equal("1", (await host.Ledger.CompleteAsync(Request.StepId, LedgerAnswers.Of("2"), Soon)).Content);
    }

    [Fact]
    public async Task Begin_AfterACrash_ShowsTheUnsettledCall()
    {
        await using var host = await StartAsync(new DurableRegistry());
        await host.Ledger.BeginAsync(Request, Soon);
        await host.RestartAsync(crash: true);

        var again = await host.Ledger.BeginAsync(Request, Soon);
        await host.Ledger.FailAsync(Request.StepId, "rate_limited", Soon);
        await host.Ledger.CompleteAsync(Request.StepId, LedgerAnswers.Of("1"), Soon);

        Assert.Equal((2, 2), (again.Begun, again.Unsettled));
        var entry = Assert.Single(await host.Ledger.ListAsync("i1", Soon));
        Assert.Equal((2, 1, 0, "rate_limited"), (entry.Begun, entry.Failed, entry.Unsettled, entry.LastError));
        Assert.NotNull(entry.AnsweredTime);
    }

    [Fact]
    public async Task LeaveUnsettled_AnAttemptWhoseAnswerWasLost_IsNeitherFailedNorAnswered()
    {
        await using var host = await StartAsync(new DurableRegistry());
        await host.Ledger.BeginAsync(Request, Soon);
        await host.Ledger.LeaveUnsettledAsync(Request.StepId, "timeout", Soon);
        await host.Ledger.BeginAsync(Request, Soon);
        await host.Ledger.CompleteAsync(Request.StepId, LedgerAnswers.Of("1"), Soon);
        await host.RestartAsync(crash: true);

        var entry = Assert.Single(await host.Ledger.ListAsync("i1", Soon));
        Assert.Equal((2, 0, 1), (entry.Begun, entry.Failed, entry.Unsettled));
        Assert.Equal(new LedgerTotals(1, 10, 5, 0.1m, 1), await host.Ledger.GetTotalsAsync(null, Soon));
    }

    [Fact]
    public async Task GetTotals_OneOrAll_SumsExactly()
    {
        await using var host = await StartAsync(new DurableRegistry());
        foreach (var (instance, steps) in new[] { ("i1", 3), ("i2", 1) })
        {
            for (var i = 0; i < steps; i++)
            {
                await host.Ledger.BeginAsync(Request with { StepId = $"{instance}/{i}", InstanceId = instance }, Soon);
                await host.Ledger.CompleteAsync($"{instance}/{i}", LedgerAnswers.Of("1"), Soon);
            }
        }

        await host.Ledger.BeginAsync(Request with { StepId = "i2/open", InstanceId = "i2" }, Soon);

        Assert.Equal(new LedgerTotals(3, 30, 15, 0.3m, 0), await host.Ledger.GetTotalsAsync("i1", Soon));
        Assert.Equal(new LedgerTotals(4, 40, 20, 0.4m, 1), await host.Ledger.GetTotalsAsync(null, Soon));
        Assert.Equal(["i1/0", "i1/1", "i1/2"], (await host.Ledger.ListAsync("i1", Soon)).Select(entry => entry.Request.StepId));
        await host.Ledger.RemoveAsync("i1", Soon);
        Assert.Equal(new LedgerTotals(1, 10, 5, 0.1m, 1), await host.Ledger.GetTotalsAsync(null, Soon));
    }

    [Fact]
    [Trait("Row", "B9")]
    public async Task ToolCalls_AreKeptBesideModelCallsAndNotSummedUp()
    {
        var call = new LedgerRequest("i1/pay[3]#2/1.0", "i1", "", "pay", "abc");
        await using var host = await StartAsync(new DurableRegistry());
        await host.Ledger.BeginAsync(Request, Soon);
        Assert.Null(await host.Ledger.FindAsync("i1", call.StepId, Soon));
        await host.Ledger.BeginAsync(call, Soon);
        await host.RestartAsync(crash: true);

        // It may have happened: as often as it was begun and not settled.
        Assert.Equal((2, 2), (await host.Ledger.BeginAsync(call, Soon)) is var again ? (again.Begun, again.Unsettled) : default);
        await host.Ledger.FailAsync(call.StepId, "tool_in_doubt", Soon);
        await host.Ledger.CompleteAsync(call.StepId, new LedgerAnswer { Content = """{"output":{"json":7}}""" }, Soon);
        await host.RestartAsync(crash: true);

        var found = (await host.Ledger.FindAsync("i1", call.StepId, Soon))!;
        Assert.Equal((call, 2, 1, 0, """{"output":{"json":7}}"""), (found.Request, found.Begun, found.Failed, found.Unsettled, found.Answer!.Content));
        Assert.True(found.Request.IsToolCall);
        Assert.Null(await host.Ledger.FindAsync("i2", call.StepId, Soon));
        Assert.Equal([Request.StepId, call.StepId], (await host.Ledger.ListAsync("i1", Soon)).Select(entry => entry.Request.StepId));
        Assert.Equal(new LedgerTotals(0, 0, 0, 0, 1), await host.Ledger.GetTotalsAsync("i1", Soon));
        await host.Ledger.RemoveAsync("i1", Soon);
        Assert.Null(await host.Ledger.FindAsync("i1", call.StepId, Soon));
    }

    [Fact]
    public async Task Begin_ManyStepsAtOnce_EachOnce()
    {
        await using var host = await StartAsync(new DurableRegistry());

        await Task.WhenAll(Enumerable.Range(0, 200).Select(async i =>
        {
            var request = Request with { StepId = $"s{i % 100}" };
            await host.Ledger.BeginAsync(request, Soon);
            await host.Ledger.CompleteAsync(request.StepId, LedgerAnswers.Of(i.ToString()), Soon);
        }));

        var totals = await host.Ledger.GetTotalsAsync("i1", Soon);
        Assert.Equal(100, totals.Steps);
        Assert.Equal(1000, totals.InputTokens);
    }
}
