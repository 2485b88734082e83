using System.Text.Json;
using Polyphony.Cli;
using Polyphony.Cli.Hosting;
using Polyphony.Contract.Http;

namespace Polyphony.Http.Tests;

/// <summary>Schedules over HTTP, on the embedded host.</summary>
[Trait("Row", "O15")]
public sealed class ScheduleTests : IAsyncDisposable
{
    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("polyphony-http-");
    private readonly DirectoryInfo _flows = Directory.CreateTempSubdirectory("polyphony-flows-");

    public ScheduleTests() =>
        File.WriteAllText(Path.Combine(_flows.FullName, "tick.yaml"), "name: tick\nnodes: { a: { transform: 1 } }\nschedule: { cron: \"* * * * * *\", timeZone: Europe/Berlin, catchUp: skip }\n");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Schedules_OfAHostThatRunsThem_AreListedPausedAndResumed()
    {
        await using var host = await StartAsync(runSchedules: true);
        using var api = new ApiTarget(host.Address, null);
        var running = await UntilAsync(api, "Active", schedule => schedule.TryGetProperty("lastInstanceId", out _));

        Assert.Equal(("tick", "default", "* * * * * *", "Europe/Berlin", "skip"), (Text(running, "workflow"), Text(running, "name"), Text(running, "cron"), Text(running, "timeZone"), Text(running, "catchUp")));
        var (last, next) = (running.GetProperty("lastDue").GetDateTimeOffset(), running.GetProperty("nextDue").GetDateTimeOffset());
        Assert.True(next > last);
        Assert.Equal($"tick.{last.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}", Text(running, "lastInstanceId"));
        Assert.Equal("tick", Text((await api.GetAsync($"api/instances/{Text(running, "lastInstanceId")}?wait=30")).Json, "name"));

        Assert.Equal(202, (int)(await api.PostAsync(new Uri(Text(running, "pausePostUri")).PathAndQuery.TrimStart('/'))).Status);
        var paused = (await api.GetAsync("api/schedules/tick/default")).Json;
        Assert.Equal("Paused", Text(paused, "status"));
        Assert.False(paused.TryGetProperty("nextDue", out _));
        Assert.Equal(202, (int)(await api.PostAsync("api/schedules/tick/default/resume")).Status);
        await UntilAsync(api, "Active", schedule => schedule.GetProperty("lastDue").GetDateTimeOffset() > paused.GetProperty("lastDue").GetDateTimeOffset());

        // What waits for the due times is none of the runs.
        Assert.All((await api.GetAsync("api/instances")).Json.EnumerateArray(), instance => Assert.Equal("tick", Text(instance, "name")));
    }

    [Fact]
    public async Task Schedules_OfAHostThatDoesNotRunThem_ArePendingAndStartNothing()
    {
        await using (var first = await StartAsync(runSchedules: false))
        {
            using var api = new ApiTarget(first.Address, null);
            Assert.Equal("Pending", Text((await api.GetAsync("api/schedules/tick/default")).Json, "status"));
            Assert.Equal((409, "schedule_not_started"), Of(await api.PostAsync("api/schedules/tick/default/pause")));
            Assert.Equal((404, "schedule_not_found"), Of(await api.GetAsync("api/schedules/tick/other")));
            Assert.Empty((await api.GetAsync("api/instances")).Json.EnumerateArray());
        }

        await using (var second = await StartAsync(runSchedules: true))
        {
            using var api = new ApiTarget(second.Address, null);
            await UntilAsync(api, "Active", schedule => schedule.TryGetProperty("lastInstanceId", out _));
        }

        // What has been taken up stands still here, and can be paused.
        await using var third = await StartAsync(runSchedules: false);
        using var last = new ApiTarget(third.Address, null);
        await UntilAsync(last, "Pending", schedule => schedule.TryGetProperty("lastInstanceId", out _));
        Assert.Equal(202, (int)(await last.PostAsync("api/schedules/tick/default/pause")).Status);
        Assert.Equal("Paused", Text((await last.GetAsync("api/schedules")).Json[0], "status"));
    }

    public ValueTask DisposeAsync()
    {
        _data.Delete(recursive: true);
        _flows.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    private static (int Status, string? Code) Of(ApiAnswer answer) => ((int)answer.Status, answer.Code);

    private static string Text(JsonElement json, string member) => json.GetProperty(member).GetString()!;

    private static async Task<JsonElement> UntilAsync(ApiTarget api, string status, Func<JsonElement, bool> condition)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        while (true)
        {
            var schedule = Assert.Single((await api.GetAsync("api/schedules")).Json.EnumerateArray());
            if (Text(schedule, "status") == status && condition(schedule))
            {
                return schedule;
            }

            await Task.Delay(20, limit.Token);
        }
    }

    private async Task<EmbeddedHost> StartAsync(bool runSchedules) => await EmbeddedHost.StartAsync(
        new HostOptions { Settings = CliSettings.Read(_data.FullName, null, _flows.FullName, false) with { ApiKey = null }, RunSchedules = runSchedules }, Token);
}
