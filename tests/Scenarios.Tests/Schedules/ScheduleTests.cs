using Polyphony.Activities.Schedules;
using Polyphony.Core.Client;
using Polyphony.Core.Durable;
using Polyphony.Core.Runs;
using Polyphony.Engine.Simulation;

namespace Polyphony.Scenarios.Tests.Schedules;

/// <summary>What schedules start, and when. The simulation begins on a Thursday.</summary>
[Trait("Row", "O15")]
public sealed class ScheduleTests
{
    private const string Start = "2026-01-01T00:00:00Z";

    [Fact]
    public void Schedule_Daily_StartsEachDueTimeOnceWithItsInput() => ScheduledRun.Run(ScheduledRun.From(Start), async run =>
    {
        run.Write("{ cron: 0 7 * * 1-5, timeZone: Europe/Berlin, input: { name: \"{{ schedule.name }}\", due: \"{{ schedule.due }}\", day: \"{{ schedule.date }} {{ schedule.time }}\", n: 1 } }");

        await run.PassAsync(TimeSpan.FromDays(6));

        Assert.Equal(["w.2026-01-01T06:00:00Z", "w.2026-01-02T06:00:00Z", "w.2026-01-05T06:00:00Z", "w.2026-01-06T06:00:00Z"], await run.StartedAsync());
        var started = (await run.Client.GetAsync("w.2026-01-05T06:00:00Z"))!;
        Assert.Equal("""{"name":"default","due":"2026-01-05T06:00:00Z","day":"2026-01-05 07:00:00","n":1}""", started.Output!.Value.GetRawText());
        Assert.Equal(ScheduledRun.Time("2026-01-05T06:00:00Z"), started.CreatedTime);
        Assert.Equal(run.Catalog.Find("w")!.Hash, started.DefinitionHash);

        var schedule = Assert.Single(await run.Schedules.ListAsync());
        Assert.Equal(
            ("w", "default", "0 7 * * 1-5", "Europe/Berlin", ScheduleStatus.Active, ScheduledRun.Time("2026-01-07T06:00:00Z"), ScheduledRun.Time("2026-01-06T06:00:00Z"), "w.2026-01-06T06:00:00Z"),
            (schedule.Workflow, schedule.Name, schedule.Cron, schedule.TimeZone, schedule.Status, schedule.NextDue, schedule.LastDue, schedule.LastInstanceId));
    });

    [Fact]
    public void Schedules_SeveralOfAWorkflow_HaveNamesInTheirIds() => ScheduledRun.Run(ScheduledRun.From(Start), async run =>
    {
        run.Write("[ { cron: 0 6 * * *, input: { of: first } }, { cron: 0 6 * * *, name: second, input: { of: second } } ]");

        await run.PassAsync(TimeSpan.FromHours(30));

        Assert.Equal(["w.2026-01-01T06:00:00Z", "w.2026-01-02T06:00:00Z", "w.second.2026-01-01T06:00:00Z", "w.second.2026-01-02T06:00:00Z"], await run.StartedAsync());
        Assert.Equal("""{"of":"second"}""", (await run.Client.GetAsync("w.second.2026-01-01T06:00:00Z"))!.Output!.Value.GetRawText());
    });

    [Theory]
    [InlineData("2026-03-28T12:00:00Z", "w.2026-03-29T01:00:00Z w.2026-03-30T00:30:00Z w.2026-03-31T00:30:00Z")]
    [InlineData("2026-10-24T12:00:00Z", "w.2026-10-25T00:30:00Z w.2026-10-26T01:30:00Z w.2026-10-27T01:30:00Z")]
    public void Schedule_OverAChangeOfTheClocks_StartsOnceADay(string start, string expected) => ScheduledRun.Run(ScheduledRun.From(start), async run =>
    {
        run.Write("{ cron: 30 2 * * *, timeZone: Europe/Berlin }");

        await run.PassAsync(TimeSpan.FromHours(66));

        Assert.Equal(expected.Split(' '), await run.StartedAsync());
    });

    [Fact]
    public void Schedule_EverySecond_MissesNone() => ScheduledRun.Run(ScheduledRun.From(Start), async run =>
    {
        run.Write("{ cron: \"* * * * * *\", catchUp: skip }");

        await run.PassAsync(TimeSpan.FromSeconds(40), TimeSpan.FromSeconds(1));

        var started = await run.StartedAsync();
        Assert.InRange(started.Count, 39, 42);
        Assert.Equal(Enumerable.Range(1, started.Count).Select(second => $"w.2026-01-01T00:00:{second:00}Z"), started);
    });

    /// <summary>From 1:30 to 5:00:30 no host starts anything; 5:00 is half a minute ago then, and so is not missed.</summary>
    [Theory]
    [InlineData("skip", "1 5 6")]
    [InlineData("one", "1 4 5 6")]
    [InlineData("all", "1 2 3 4 5 6")]
    public void CatchUp_OfMissedDueTimes_IsWhatThePolicySays(string policy, string hours) => ScheduledRun.Run(ScheduledRun.From(Start), async run =>
    {
        run.Write($"{{ cron: 0 * * * *, catchUp: {policy} }}");
        await run.PassAsync(TimeSpan.FromMinutes(90));

        run.IsOn = false;
        await Task.Delay(ScheduledRun.Time("2026-01-01T05:00:30Z") - run.Clock.GetUtcNow(), run.Clock);
        Assert.Equal(["w.2026-01-01T01:00:00Z"], await run.StartedAsync());
        Assert.Equal(ScheduleStatus.Pending, Assert.Single(await run.Schedules.ListAsync()).Status);
        run.IsOn = true;
        await run.PassAsync(TimeSpan.FromMinutes(70));

        Assert.Equal(hours.Split(' ').Select(hour => $"w.2026-01-01T0{hour}:00:00Z"), await run.StartedAsync());
        Assert.Equal(ScheduledRun.Time("2026-01-01T07:00:00Z"), Assert.Single(await run.Schedules.ListAsync()).NextDue);
    });

    [Fact]
    public void CatchUp_OfMoreThanAHundred_StartsTheLatest() => ScheduledRun.Run(ScheduledRun.From(Start), async run =>
    {
        run.Write("{ cron: \"*/5 * * * *\", catchUp: all }");
        await run.PassAsync(TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1));
        run.IsOn = false;

        // 00:05 to 24:00 are 288 due times; the last of them is not missed.
        await Task.Delay(ScheduledRun.Time("2026-01-02T00:00:10Z") - run.Clock.GetUtcNow(), run.Clock);
        run.IsOn = true;
        await run.PassAsync(TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1));

        var started = await run.StartedAsync();
        Assert.Equal(101, started.Count);
        Assert.Equal(("w.2026-01-01T15:40:00Z", "w.2026-01-02T00:00:00Z"), (started[0], started[^1]));
    });

    [Fact]
    public void Change_OfCron_BeginsAnewAndOfInputGoesOn() => ScheduledRun.Run(ScheduledRun.From(Start), async run =>
    {
        var keeper = run.NewKeeper();
        run.Write("{ cron: 0 4 * * *, input: { v: 1 } }");
        await run.KeepAsync(keeper);
        await Task.Delay(TimeSpan.FromHours(5), run.Clock);

        // 4:30 would have been due half an hour ago, had it been there.
        run.Write("{ cron: 30 4-8/2 * * *, input: { v: 2 } }");
        await run.KeepAsync(keeper);
        await Task.Delay(TimeSpan.FromHours(1), run.Clock);
        Assert.Equal(ScheduledRun.Time("2026-01-01T06:30:00Z"), Assert.Single(await run.Schedules.ListAsync()).NextDue);
        await Task.Delay(TimeSpan.FromHours(1), run.Clock);

        run.Write("{ cron: 30 4-8/2 * * *, input: { v: 3 } }");
        await Task.Delay(TimeSpan.FromHours(2), run.Clock);

        Assert.Equal(["w.2026-01-01T04:00:00Z", "w.2026-01-01T06:30:00Z", "w.2026-01-01T08:30:00Z"], await run.StartedAsync());
        Assert.Equal("""{"v":2}""", (await run.Client.GetAsync("w.2026-01-01T06:30:00Z"))!.Output!.Value.GetRawText());
        Assert.Equal("""{"v":3}""", (await run.Client.GetAsync("w.2026-01-01T08:30:00Z"))!.Output!.Value.GetRawText());
    });

    [Fact]
    public void Removal_OfASchedule_EndsItAndAddedAgainItBeginsAnew() => ScheduledRun.Run(ScheduledRun.From(Start), async run =>
    {
        var keeper = run.NewKeeper();
        run.Write("{ cron: 0 * * * *, catchUp: all }");
        await run.KeepAsync(keeper);
        await Task.Delay(TimeSpan.FromMinutes(90), run.Clock);
        Assert.Single(await run.KeptAsync());

        run.Delete();
        await run.KeepAsync(keeper);
        await Task.Delay(TimeSpan.FromHours(3), run.Clock);
        Assert.Empty(await run.KeptAsync());

        // 4:30 by now.
        run.Write("{ cron: 0 * * * *, catchUp: all }");
        await run.KeepAsync(keeper);
        await Task.Delay(TimeSpan.FromHours(1), run.Clock);
        Assert.Single(await run.KeptAsync());
        Assert.Equal(["w.2026-01-01T01:00:00Z", "w.2026-01-01T05:00:00Z"], await run.StartedAsync());
    });

    [Fact]
    public void Removal_WithoutAKeeper_EndsItAtTheNextDueTime() => ScheduledRun.Run(ScheduledRun.From(Start), async run =>
    {
        run.Write("{ cron: 0 * * * * }");
        await run.KeepAsync();
        await Task.Delay(TimeSpan.FromMinutes(30), run.Clock);
        run.Delete();
        await Task.Delay(TimeSpan.FromMinutes(40), run.Clock);

        Assert.Empty(await run.KeptAsync());
        Assert.Empty(await run.StartedAsync());
    });

    [Fact]
    public void Pause_UntilResumed_LeavesOutWhatIsDueMeanwhile() => ScheduledRun.Run(ScheduledRun.From(Start), async run =>
    {
        run.Write("{ cron: 0 * * * *, catchUp: all }");
        Assert.Equal("schedule_not_started", (await Assert.ThrowsAsync<PolyphonyException>(() => run.Schedules.PauseAsync("w"))).Code);
        await run.PassAsync(TimeSpan.FromMinutes(90));

        await run.Schedules.PauseAsync("w");
        await run.Schedules.PauseAsync("w");
        var paused = await run.Schedules.GetAsync("w");
        Assert.Equal((ScheduleStatus.Paused, null), (paused.Status, paused.NextDue));
        await run.PassAsync(TimeSpan.FromHours(3));

        await run.Schedules.ResumeAsync("w");
        await run.Schedules.ResumeAsync("w");
        await run.PassAsync(TimeSpan.FromHours(1));

        Assert.Equal(ScheduleStatus.Active, (await run.Schedules.GetAsync("w")).Status);
        Assert.Equal(["w.2026-01-01T01:00:00Z", "w.2026-01-01T05:00:00Z"], await run.StartedAsync());
    });

    [Fact]
    public void Start_ThatIsRefused_IsShownAndMadeUpForOnceItCan() => ScheduledRun.Run(ScheduledRun.From(Start), async run =>
    {
        run.Write("{ cron: 0 2 * * * }", node: "1 }, b: { workflow: nobody");
        await run.PassAsync(TimeSpan.FromHours(3));

        var schedule = await run.Schedules.GetAsync("w");
        Assert.Equal((ScheduleStatus.Failing, "workflow_not_found"), (schedule.Status, schedule.Error?.Code));
        Assert.Empty(await run.StartedAsync());

        run.Write("{ cron: 0 5 1 6 * }", "nobody");
        await run.PassAsync(TimeSpan.FromMinutes(10));

        Assert.Equal(["w.2026-01-01T02:00:00Z"], await run.StartedAsync());
        schedule = await run.Schedules.GetAsync("w");
        Assert.Equal((ScheduleStatus.Active, null, ScheduledRun.Time("2026-01-02T02:00:00Z")), (schedule.Status, schedule.Error?.Code, schedule.NextDue));
    });

    [Fact]
    public void Start_WithAnIdThatIsTaken_IsTakenForDone() => ScheduledRun.Run(ScheduledRun.From(Start), async run =>
    {
        run.Write("{ cron: 0 * * * *, input: { by: schedule } }");
        await run.Client.StartAsync("w", TestHost.Json(new { by = "hand" }), new StartWorkflowOptions { InstanceId = "w.2026-01-01T01:00:00Z" });

        await run.PassAsync(TimeSpan.FromMinutes(130));

        Assert.Equal(["w.2026-01-01T01:00:00Z", "w.2026-01-01T02:00:00Z"], await run.StartedAsync());
        Assert.Equal("""{"by":"hand"}""", (await run.Client.GetAsync("w.2026-01-01T01:00:00Z"))!.Output!.Value.GetRawText());
    });

    /// <summary>Two hosts keep at the same time, and the same look is made twice at the same time, as an activity may be.</summary>
    [Fact]
    public void Hosts_TwoAtTheSameTime_StartOnce()
    {
        for (var seed = 1; seed <= 20; seed++)
        {
            ScheduledRun.Run(ScheduledRun.From(Start) with { Seed = seed }, async run =>
            {
                run.Write("{ cron: 0 * * * *, catchUp: all }");
                var (one, other) = (run.NewKeeper(), run.NewKeeper());
                await Task.WhenAll(run.KeepAsync(one), run.KeepAsync(other));
                await Task.Delay(TimeSpan.FromMinutes(150), run.Clock);
                await Task.WhenAll(run.KeepAsync(one), run.KeepAsync(other));
                Assert.Single(await run.KeptAsync());
                Assert.Equal(["w.2026-01-01T01:00:00Z", "w.2026-01-01T02:00:00Z"], await run.StartedAsync());

                var look = new Core.Schedules.ScheduleState { Workflow = "w", Schedule = "default", After = ScheduledRun.Time("2026-01-01T00:30:00Z") };
                ScheduleActivity[] hosts = [Activity(run), Activity(run), Activity(run)];
                var looks = await Task.WhenAll(hosts.Select(host => host.RunAsync(look, CancellationToken.None)));
                Assert.All(looks, each => Assert.Equal("w.2026-01-01T02:00:00Z", each.State.LastInstanceId));
                Assert.Equal(["w.2026-01-01T01:00:00Z", "w.2026-01-01T02:00:00Z"], await run.StartedAsync());
            });
        }

        static ScheduleActivity Activity(ScheduledRun run) => new(() => run.Client, isOn: true, run.Clock, Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance);
    }

    [Fact]
    public void Instances_OfASchedule_TakeTurnsAndAreLeftOutOfLists() => ScheduledRun.Run(ScheduledRun.From(Start), async run =>
    {
        run.Write("{ cron: \"*/10 * * * *\" }");

        await run.PassAsync(TimeSpan.FromHours(5), TimeSpan.FromSeconds(30));

        Assert.Equal(30, (await run.StartedAsync()).Count);
        var instances = (await run.Durable.QueryAsync(new OrchestrationQuery { Name = TaskNames.ScheduleOrchestration })).Instances;
        Assert.InRange(instances.Count, 1, 2);
        Assert.All(instances, instance => Assert.InRange(run.Durable.GetHistoryAsync(instance.InstanceId).Result.Count, 1, 20 * ScheduledRun.LooksPerInstance));
        Assert.DoesNotContain((await run.Durable.QueryAsync(new OrchestrationQuery())).Instances, instance => instance.Name == TaskNames.ScheduleOrchestration);
    });

    /// <summary>Whenever the host crashes, each due time is started once, with the same history of starts; crashes fall on starts, looks, and the change from one instance to the next.</summary>
    [Theory]
    [InlineData("skip")]
    [InlineData("all")]
    [Trait("Row", "T3")]
    [Trait("Row", "B4")]
    public void Schedule_CrashedAtEveryCommit_StartsEachDueTimeOnce(string policy)
    {
        var (expected, plain) = Started(ScheduledRun.From(Start));
        Assert.Equal(Enumerable.Range(1, 8).Select(hour => $"w.2026-01-01T0{hour}:00:00Z"), expected);
        Assert.True(plain.Commits > 35, $"{plain.Commits} commits");
        for (var commit = 1; commit <= plain.Commits; commit++)
        {
            foreach (var point in Enum.GetValues<CrashPoint>())
            {
                var (started, crashed) = Started(ScheduledRun.From(Start) with { CrashAtCommit = commit, CrashPoint = point });
                Assert.True(expected.SequenceEqual(started), $"crash {point} at commit {commit}: {string.Join(", ", started)}");
                Assert.Equal(1, crashed.Crashes);
            }
        }

        (IReadOnlyList<string> Started, SimulationResult Result) Started(SimulationOptions options)
        {
            IReadOnlyList<string> started = [];
            var result = ScheduledRun.Run(options, async run =>
            {
                run.Write($"{{ cron: 0 * * * *, catchUp: {policy} }}");
                await run.PassAsync(TimeSpan.FromMinutes(490), TimeSpan.FromMinutes(7));
                started = await run.StartedAsync();
            });
            return (started, result);
        }
    }

    [Fact]
    [Trait("Row", "T3")]
    [Trait("Row", "B4")]
    public void Schedule_ManySeedsWithCrashesAndReplays_StartsEachDueTimeOnce()
    {
        for (var seed = 1; seed <= 60; seed++)
        {
            ScheduledRun.Run(
                ScheduledRun.From(Start) with { Seed = seed, CrashProbability = seed % 4 == 0 ? 0 : 0.05, MaxLiveInstances = seed % 2 == 0 ? 0 : 1000 },
                async run =>
                {
                    run.Write("{ cron: \"20,40 * * * *\", catchUp: all }");
                    await run.PassAsync(TimeSpan.FromMinutes(305), TimeSpan.FromMinutes(7));
                    Assert.Equal(
                        Enumerable.Range(0, 5).SelectMany(hour => new[] { $"w.2026-01-01T0{hour}:20:00Z", $"w.2026-01-01T0{hour}:40:00Z" }),
                        await run.StartedAsync());
                });
        }
    }
}
