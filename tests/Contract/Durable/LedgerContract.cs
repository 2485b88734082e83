using Polyphony.Core.Durable;
using Polyphony.Core.Ledger;

namespace Polyphony.Contract.Durable;

/// <summary>The ledger.</summary>
[Trait("Row", "B2")]
public abstract class LedgerContract : DurableContract
{
    private static readonly LedgerRequest Request = new("i1/research[3]#2/1", "i1", "researcher", "fast", "abc");

    private static readonly DateOnly First = new(1970, 1, 1);
    private static readonly DateOnly Last = new(9000, 1, 1);

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

    [Fact]
    public async Task ReadUsage_OfAnsweredCalls_SumsThemByWhatTheyAreOfAndOutlivesAPurge()
    {
        await using var host = await StartAsync(new DurableRegistry());
        var mini = Request with { Workflow = "review", Provider = "openai", Deployment = "mini" };
        await AnswerAsync(host, mini, LedgerAnswers.Of("1") with { CachedInputTokens = 4, ReasoningTokens = 2 });
        await AnswerAsync(host, mini with { StepId = "i1/second" }, LedgerAnswers.Of("2") with { CostUsd = null });
        await AnswerAsync(host, mini with { StepId = "i2/large", InstanceId = "i2", Deployment = "large" }, LedgerAnswers.Of("3") with { CostUsd = 0.000_000_001m, IsEstimated = true });
        await AnswerAsync(host, new LedgerRequest("i1/pay/1.0", "i1", "", "pay", "abc"), new LedgerAnswer { Content = "{}" });

        // Neither a second answer, nor a second delivery, nor a crash counts again.
        await host.Ledger.CompleteAsync(mini.StepId, LedgerAnswers.Of("1") with { InputTokens = 1_000 }, Soon);
        await host.Ledger.BeginAsync(mini, Soon);
        await host.RestartAsync(crash: true);
        await host.Ledger.BeginAsync(mini, Soon);

        var of = new UsageRow { Workflow = "review", Agent = "researcher", Provider = "openai" };
        UsageRow[] expected =
        [
            of with { Model = "large", Calls = 1, InputTokens = 10, OutputTokens = 5, CostUsd = 0.000_000_001m, EstimatedCalls = 1 },
            of with { Model = "mini", Calls = 2, InputTokens = 20, CachedInputTokens = 4, OutputTokens = 10, ReasoningTokens = 2, CostUsd = 0.1m, UnpricedCalls = 1 },
        ];
        Assert.Equal(expected, await UsageAsync(host));
        await host.Ledger.RemoveAsync("i1", Soon);
        await host.RestartAsync(crash: false);
        Assert.Equal(expected, await UsageAsync(host));
        var days = (await host.Ledger.ReadUsageAsync(First, Last, Soon)).Select(row => row.Day!.Value).Order().ToList();
        Assert.Empty(await host.Ledger.ReadUsageAsync(First, days[0].AddDays(-1), Soon));
        Assert.Empty(await host.Ledger.ReadUsageAsync(days[^1].AddDays(1), Last, Soon));
    }

    [Fact]
    public async Task ReadUsage_OfCallsThatWereNeverSettled_CountsThemUntilTheyAreAndAfterAPurge()
    {
        await using var host = await StartAsync(new DurableRegistry());
        var call = Request with { Workflow = "review", Provider = "openai", Deployment = "mini" };
        await host.Ledger.BeginAsync(call, Soon);
        await host.RestartAsync(crash: true);

        // A fallback of another provider is asked.
        await host.Ledger.BeginAsync(call with { Provider = "azure", Deployment = "other" }, Soon);
        await host.Ledger.BeginAsync(call with { StepId = "i2/a", InstanceId = "i2" }, Soon);
        await host.Ledger.BeginAsync(new LedgerRequest("i1/pay/1.0", "i1", "", "pay", "abc"), Soon);
        var of = new UsageRow { Workflow = "review", Agent = "researcher" };
        var second = of with { Provider = "openai", Model = "mini", UnsettledCalls = 1 };
        Assert.Equal([of with { Provider = "azure", Model = "other", UnsettledCalls = 2 }, second], await UsageAsync(host));
        Assert.Equal(["i2/a", "i1/research[3]#2/1"], (await host.Ledger.ListUnsettledAsync(10, Soon)).Select(entry => entry.Request.StepId));
        Assert.Equal("i2/a", Assert.Single(await host.Ledger.ListUnsettledAsync(1, Soon)).Request.StepId);

        await host.Ledger.CompleteAsync(call.StepId, LedgerAnswers.Of("1"), Soon);
        var first = of with { Provider = "azure", Model = "other", Calls = 1, InputTokens = 10, OutputTokens = 5, CostUsd = 0.1m, UnsettledCalls = 1 };
        Assert.Equal([first, second], await UsageAsync(host));

        // What is purged is not listed any more, and counted for ever.
        await host.Ledger.RemoveAsync("i1", Soon);
        await host.Ledger.RemoveAsync("i1", Soon);
        Assert.Equal("i2/a", Assert.Single(await host.Ledger.ListUnsettledAsync(10, Soon)).Request.StepId);
        await host.Ledger.FailAsync("i2/a", "rate_limited", Soon);
        Assert.Equal([first], await UsageAsync(host));
    }

    private static async Task AnswerAsync(IDurableHost host, LedgerRequest request, LedgerAnswer answer)
    {
        await host.Ledger.BeginAsync(request, Soon);
        await host.Ledger.CompleteAsync(request.StepId, answer, Soon);
    }

    private static async Task<IEnumerable<UsageRow>> UsageAsync(IDurableHost host)
    {
        var query = new UsageQuery(First, Last) { By = [UsageColumns.Workflow, UsageColumns.Agent, UsageColumns.Provider, UsageColumns.Model] };
        return UsageReport.Of(query, await host.Ledger.ReadUsageAsync(query.From, query.To, Soon)).Rows.OrderBy(row => row.Provider, StringComparer.Ordinal).ThenBy(row => row.Model, StringComparer.Ordinal);
    }
}
