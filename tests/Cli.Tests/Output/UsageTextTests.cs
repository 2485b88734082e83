using Polyphony.Cli.Output;
using Polyphony.Core.Ledger;
using Polyphony.Http.Ledger;

namespace Polyphony.Cli.Tests.Output;

/// <summary>What <c>usage</c> shows on a terminal.</summary>
[Trait("Row", "B2")]
public sealed class UsageTextTests
{
    private static readonly DateOnly Day = new(2030, 1, 31);
    private static readonly DateTimeOffset Now = new(2030, 1, 31, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Report_OfSomeDays_IsATotalAChartAndTables()
    {
        UsageRow[] rows =
        [
            Row(Day, "review", 1_200, 0.75m), Row(Day.AddDays(1), "review", 3, 0.000_01m), Row(Day.AddDays(2), "report", 400, 0.5m) with { UnpricedCalls = 7, UnsettledCalls = 2, CachedInputTokens = 90, ReasoningTokens = 8, EstimatedCalls = 1 },
        ];
        var query = new UsageQuery(Day, Day.AddDays(9));

        var text = UsageText.Report([UsageReport.Of(query with { By = [UsageColumns.Day] }, rows), UsageReport.Of(query with { By = [UsageColumns.Workflow], Top = 1 }, rows)], "polyphony");

        Assert.Equal(
            """
            2030-01-31 to 2030-02-09 (UTC): 1,603 model calls, 16,030 tokens in (90 of them cached), 8,015 out (8 of them reasoning), $1.2500 + unknown, partly estimated

            day         calls  tokens               cost  unsettled
            2030-01-31  1,200  18,000            $0.7500          0  ########################
            2030-02-01      3      45           <$0.0001          0  #
            2030-02-02    400  ~6,000  $0.5000 + unknown          2  ################

            workflow  calls  tokens     cost  unsettled
            review    1,203  18,045  $0.7500          0
            and more: only 1 rows are shown; --csv has all

            7 of the calls have no known price: state it in the settings ("prices").
            2 more were begun and never settled: each is under way, or may have been billed without being recorded. List them with: polyphony usage --unsettled
            """.ReplaceLineEndings(),
            text);
    }

    [Fact]
    public void Report_OfNoCall_IsOneLine() =>
        Assert.Equal("2030-01-31 to 2030-01-31 (UTC): no model call was answered.", UsageText.Report([UsageReport.Of(new UsageQuery(Day, Day) { By = [UsageColumns.Day] }, [])], "polyphony"));

    [Fact]
    public void Calls_OfARun_AreATable()
    {
        RecordedCall[] calls =
        [
            new()
            {
                Step = "r-1/read[0]/1", InstanceId = "r-1", Agent = "reader", Model = "mini", ResponseModel = "mini-2030", InputTokens = 1_000, OutputTokens = 20, CostUsd = 0.02m,
                Begun = 3, Failed = 1, Unsettled = 1, LastError = "rate_limited", BegunTime = Now, AnsweredTime = Now.AddSeconds(2.5),
            },
            new() { Step = "r-1/read[0]/1.0", InstanceId = "r-1", Tool = "pay", Begun = 1, Failed = 0, Unsettled = 0, BegunTime = Now, AnsweredTime = Now },
            new() { Step = "r-1/read[1]/1", InstanceId = "r-1", Agent = "reader\u001b[2J", Model = "mini", Begun = 1, Failed = 1, Unsettled = 0, LastError = "timeout", BegunTime = Now },
        ];

        Assert.Equal(
            """
            call         made by          model      tokens     cost  begun  failed  unsettled  seconds
            read[0]/1    reader           mini-2030   1,020  $0.0200      3       1          1      2.5
            read[0]/1.0  tool pay                                         1                         0.0
            read[1]/1    reader\u001b[2J  mini                            1       1             timeout
            """.ReplaceLineEndings(),
            UsageText.Calls(calls, "r-1"));
        Assert.Contains("r-1/read[0]/1.0", UsageText.Calls(calls, null), StringComparison.Ordinal);
    }

    private static UsageRow Row(DateOnly day, string workflow, int calls, decimal cost) => new()
    {
        Day = day,
        Workflow = workflow,
        Agent = "reader",
        Provider = "openai",
        Model = "mini",
        Calls = calls,
        InputTokens = 10 * calls,
        OutputTokens = 5 * calls,
        CostUsd = cost,
    };
}
