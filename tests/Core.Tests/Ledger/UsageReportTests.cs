using Polyphony.Core.Ledger;

namespace Polyphony.Core.Tests.Ledger;

[Trait("Row", "B2")]
public sealed class UsageReportTests
{
    private static readonly DateOnly Day = new(2030, 1, 31);

    private static readonly UsageRow[] Rows =
    [
        Row(Day, "review", "reader", "openai", "mini", 3, 0.2m), Row(Day, "review", "writer", "openai", "large", 1, 0.5m), Row(Day.AddDays(1), "review", "reader", "openai", "mini", 2, 0.1m),
        Row(Day.AddDays(1), "report", "reader", "azure", "mini", 4, 0.3m), Row(Day.AddDays(1), "report", "reader", "azure", "mini", 1, 0m) with { UnsettledCalls = 2 },
    ];

    [Fact]
    public void Of_NoColumns_HasOnlyTheTotal()
    {
        var report = UsageReport.Of(Query(), Rows);

        Assert.Empty(report.Rows);
        Assert.True(report.IsComplete);
        Assert.Equal(new UsageRow { Calls = 11, InputTokens = 110, OutputTokens = 55, CostUsd = 1.1m, UnsettledCalls = 2 }, report.Total);
    }

    [Fact]
    public void Of_SomeColumns_SumsOverTheOthersAndPutsTheDearestFirst()
    {
        var report = UsageReport.Of(Query(UsageColumns.Agent, UsageColumns.Model), Rows);

        Assert.Equal(
            [("reader", "mini", 10L, 0.6m, 2L), ("writer", "large", 1L, 0.5m, 0L)],
            report.Rows.Select(row => (row.Agent!, row.Model!, row.Calls, row.CostUsd, row.UnsettledCalls)));
        Assert.All(report.Rows, row => Assert.True(row is { Day: null, Workflow: null, Provider: null }));
    }

    [Fact]
    public void Of_Days_AreInTheirOrder()
    {
        var report = UsageReport.Of(Query(UsageColumns.Workflow, UsageColumns.Day), Rows);

        Assert.Equal([(Day, "review"), (Day.AddDays(1), "report"), (Day.AddDays(1), "review")], report.Rows.Select(row => (row.Day!.Value, row.Workflow!)));
    }

    [Fact]
    public void Of_FiltersAndTop_LeaveRowsOutButNotOfTheTotal()
    {
        var report = UsageReport.Of(Query(UsageColumns.Workflow) with { Agent = "reader", Model = "mini", Top = 1 }, Rows);

        Assert.Equal(("report", 5L), Assert.Single(report.Rows) is var row ? (row.Workflow, row.Calls) : default);
        Assert.Equal((10L, false), (report.Total.Calls, report.IsComplete));
        Assert.Equal(6, UsageReport.Of(Query() with { Workflow = "review" }, Rows).Total.Calls);
    }

    [Fact]
    public void Row_OfACall_CountsOnTheDayOfItsAnswerByUtc()
    {
        var request = new LedgerRequest("i1/a/1", "i1", "reader", "fast", "abc") { Workflow = "review", Provider = "openai", Deployment = "mini" };
        var begun = new DateTimeOffset(2030, 1, 31, 23, 59, 0, TimeSpan.Zero);
        var answered = new DateTimeOffset(2030, 2, 1, 2, 0, 0, TimeSpan.FromHours(2));

        Assert.Equal(
            new UsageRow { Day = Day.AddDays(1), Workflow = "review", Agent = "reader", Provider = "openai", Model = "mini", Calls = 1, InputTokens = 7, OutputTokens = 2, UnpricedCalls = 1 },
            UsageRow.Of(request, new LedgerAnswer { Content = "", InputTokens = 7, OutputTokens = 2 }, answered));
        Assert.Equal(
            new UsageRow { Day = Day, Workflow = "review", Agent = "reader", Provider = "openai", Model = "mini", UnsettledCalls = 2 },
            UsageRow.OfUnsettled(new LedgerEntry(request, null, 3, 1, null, begun, null)));
    }

    private static UsageQuery Query(params string[] by) => new(Day, Day.AddDays(1)) { By = by };

    private static UsageRow Row(DateOnly day, string workflow, string agent, string provider, string model, int calls, decimal cost) => new()
    {
        Day = day,
        Workflow = workflow,
        Agent = agent,
        Provider = provider,
        Model = model,
        Calls = calls,
        InputTokens = 10 * calls,
        OutputTokens = 5 * calls,
        CostUsd = cost,
    };
}
