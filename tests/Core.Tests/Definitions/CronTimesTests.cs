using System.Globalization;
using Polyphony.Core.Definitions;

namespace Polyphony.Core.Tests.Definitions;

/// <summary>When a schedule is due. In 2026 the clocks of Berlin go from 2:00 to 3:00 on 29 March (1:00 UTC), and from 3:00 back to 2:00 on 25 October (1:00 UTC).</summary>
[Trait("Row", "O15")]
public sealed class CronTimesTests
{
    [Theory]
    [InlineData("0 7 * * 1-5", "UTC", "2026-11-27T07:00:00Z", "2026-11-30T07:00:00Z 2026-12-01T07:00:00Z")]
    [InlineData("0 7 * * 1-5", "Europe/Berlin", "2026-11-27T05:59:00Z", "2026-11-27T06:00:00Z 2026-11-30T06:00:00Z")]
    [InlineData("*/20 30 23 * * *", "America/New_York", "2026-01-01T00:00:00Z", "2026-01-01T04:30:00Z 2026-01-01T04:30:20Z 2026-01-01T04:30:40Z 2026-01-02T04:30:00Z")]
    [InlineData("0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z")]

    // 2:30 does not exist on 29 March: due when the clocks have gone on, at 3:00.
    [InlineData("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", "2026-03-28T01:30:00Z 2026-03-29T01:00:00Z 2026-03-30T00:30:00Z")]
    [InlineData("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T00:30:00Z 2026-03-29T01:00:00Z 2026-03-29T01:30:00Z")]

    // 2:30 comes twice on 25 October: once a day is once, every half hour is both times.
    [InlineData("30 2 * * *", "Europe/Berlin", "2026-10-24T00:00:00Z", "2026-10-24T00:30:00Z 2026-10-25T00:30:00Z 2026-10-26T01:30:00Z")]
    [InlineData("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z 2026-10-25T01:00:00Z 2026-10-25T01:30:00Z 2026-10-25T02:00:00Z")]
    public void NextAndLatest_OverDaysAndChangesOfTheClocks_AreWhatWasWorkedOut(string cron, string zone, string after, string expected)
    {
        var times = CronTimes.Of(new ScheduleDefinition { Cron = cron, TimeZone = zone });
        var due = expected.Split(' ').Select(Time).ToList();

        var at = Time(after);
        foreach (var next in due)
        {
            at = times.Next(at)!.Value;
            Assert.Equal(next, at);
        }

        for (var max = 0; max <= due.Count; max++)
        {
            Assert.Equal(due.TakeLast(max), times.Latest(Time(after), at, max));
        }

        Assert.Equal(due, times.Latest(Time(after), at, int.MaxValue));
        Assert.Equal(due.SkipLast(1), times.Latest(Time(after), at.AddTicks(-1), int.MaxValue));
    }

    /// <summary>What is missed is found from the end, what is next from the beginning: both meet the same times, also where the clocks change.</summary>
    [Theory]
    [InlineData("30 2 * * *")]
    [InlineData("15,45 1-3 * * *")]
    [InlineData("*/7 */5 * * *")]
    [InlineData("30 0 2 L * *")]
    [InlineData("0 3 * * 0")]
    public void Latest_OverAYearWithBothChanges_AreThoseThatNextMeets(string cron)
    {
        foreach (var zone in new[] { "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe" })
        {
            var times = CronTimes.Of(new ScheduleDefinition { Cron = cron, TimeZone = zone });
            var (from, to) = (Time("2026-01-01T00:00:00Z"), Time("2027-01-01T00:00:00Z"));
            var forwards = new List<DateTimeOffset>();
            for (var at = times.Next(from); at < to; at = times.Next(at.Value))
            {
                forwards.Add(at.Value);
            }

            Assert.NotEmpty(forwards);
            for (var i = 0; i < forwards.Count; i += 1 + (forwards.Count / 40))
            {
                Assert.Equal([forwards[i]], times.Latest(from, forwards[i], 1));
                Assert.Equal(forwards.Take(i + 1).TakeLast(7), times.Latest(from, forwards[i].AddSeconds(1), 7));
            }
        }
    }

    /// <summary>A span of 20 years with 600 million due times before the last hundred, and one whose due times lie all at its beginning.</summary>
    [Theory]
    [InlineData("* * * * * *", "2006-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z")]
    [InlineData("* * 1 1 *", "2025-12-01T00:00:00Z", "2026-12-31T00:00:00Z", "2026-01-01T23:59:00Z")]
    public void Latest_OfVeryMany_AreFoundInNoTime(string cron, string after, string until, string last)
    {
        var latest = CronTimes.Of(new ScheduleDefinition { Cron = cron }).Latest(Time(after), Time(until), 100);

        Assert.Equal((100, Time(last)), (latest.Count, latest[^1]));
    }

    [Theory]
    [InlineData("0 7 * * 1-5")]
    [InlineData("  0   7\t* * MON-FRI ")]
    [InlineData("*/10 0 7 ? * THU#2")]
    [InlineData("0 12 LW * *")]
    public void FindProblem_ValidExpressions_IsNone(string cron) => Assert.Null(CronTimes.FindProblem(cron));

    [Theory]
    [InlineData("0 7 * *", 0, "5 fields")]
    [InlineData("0 0 7 * * 1 2026", 0, "found: 7")]
    [InlineData("@daily", 0, "found: 1")]
    [InlineData("0 25 * * *", 2, "the hour of")]
    [InlineData("99 0 7 * * *", 0, "the second of")]
    [InlineData("0 7 * * MO", 8, "the day of the week of")]
    [InlineData("0  7 32 * *", 5, "the day of the month of")]
    [InlineData("H 7 * * *", 0, "H is not supported")]
    [InlineData("0 0 30 2 *", 0, "never due")]
    [InlineData("0 0 31 4,6,9,11 *", 0, "never due")]
    public void FindProblem_InvalidExpressions_SaysWhereAndWhat(string cron, int offset, string message)
    {
        var problem = CronTimes.FindProblem(cron);

        Assert.NotNull(problem);
        Assert.Equal(offset, problem.Value.Offset);
        Assert.Contains(message, problem.Value.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("UTC", true)]
    [InlineData("Europe/Berlin", true)]
    [InlineData("Etc/GMT+5", true)]
    [InlineData("europe/berlin", false)]
    [InlineData("W. Europe Standard Time", false)]
    [InlineData("Mars/Olympus", false)]
    [InlineData("../etc/passwd", false)]
    [InlineData("", false)]
    public void FindZone_Names_OnlyIana(string id, bool isKnown) => Assert.Equal(isKnown, CronTimes.FindZone(id) is not null);

    private static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
}
