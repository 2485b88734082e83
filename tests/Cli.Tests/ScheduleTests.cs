using System.Text.Json;

namespace Polyphony.Cli.Tests;

/// <summary>Schedules by the real tool.</summary>
[Trait("Row", "O15")]
[Trait("Row", "H10")]
public sealed class ScheduleTests : IDisposable
{
    private readonly DataFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Schedules_BesideAHostAndWithoutOne_AreListedAndPaused()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Signals are sent by kill.");
        var flows = Path.GetDirectoryName(_folder.Write("flows/tick.yaml", "name: tick\nnodes: { a: { transform: 1 } }\nschedule: { cron: \"* * * * * *\", name: pulse }\n"))!;
        var (code, output, error) = await ToolProcess.RunAsync(_folder.Data, ["schedules", "--workflows", flows]);
        Assert.Equal(0, code);
        Assert.Matches(@"(?m)^workflow +schedule +cron +time zone +catch up +status +next due \(UTC\)", output);
        Assert.Matches(@"(?m)^tick +pulse +\* \* \* \* \* \* +UTC +one +pending\r?$", output);
        Assert.Contains("./dev up", error, StringComparison.Ordinal);

        await using (var up = ToolProcess.Start(_folder.Data, ["up", "--port", "0", "--workflows", flows]))
        {
            await up.SaysAsync("Ctrl-C stops it");
            while (!(await ListAsync(flows)).TryGetProperty("lastInstanceId", out _))
            {
                // Each look takes its time.
            }

            var paused = await ToolProcess.RunAsync(_folder.Data, ["schedules", "pause", "tick", "pulse", "--workflows", flows]);
            Assert.Equal((0, "Paused"), (paused.Code, (await ListAsync(flows)).GetProperty("status").GetString()));
            var unknown = await ToolProcess.RunAsync(_folder.Data, ["schedules", "pause", "tick", "--workflows", flows]);
            Assert.Equal(2, unknown.Code);
            Assert.Contains("It has: pulse.", unknown.Error, StringComparison.Ordinal);
            up.Signal("INT");
            await up.EndAsync();
        }

        // A command that ends starts nothing of schedules, and does not wait for them.
        Assert.Equal(0, (await ToolProcess.RunAsync(_folder.Data, ["schedules", "resume", "tick", "pulse", "--workflows", flows])).Code);
        var before = (await ListAsync(flows)).GetProperty("lastInstanceId").GetString();
        Assert.Equal(0, (await ToolProcess.RunAsync(_folder.Data, ["run", Path.Combine(flows, "tick.yaml")])).Code);
        Assert.Equal(("Pending", before), ((await ListAsync(flows)).GetProperty("status").GetString(), (await ListAsync(flows)).GetProperty("lastInstanceId").GetString()));
    }

    [Fact]
    [Trait("Row", "B1")]
    public async Task Validate_ScheduleWithProblems_SaysWhere()
    {
        var file = _folder.Write("bad.yaml", "name: bad\nnodes: { a: { transform: 1 } }\nschedule: { cron: 0 7 31 2 *, timeZone: Europe/Berln }\n");

        var (code, output, _) = await ToolProcess.RunAsync(_folder.Data, ["validate", file]);

        Assert.Equal(2, code);
        Assert.Contains("bad.yaml:3:19: the cron expression is never due", output, StringComparison.Ordinal);
        Assert.Contains("bad.yaml:3:41: there is no time zone \"Europe/Berln\". Did you mean \"Europe/Berlin\"?", output, StringComparison.Ordinal);
    }

    private async Task<JsonElement> ListAsync(string flows) =>
        Assert.Single(JsonElement.Parse((await ToolProcess.RunAsync(_folder.Data, ["schedules", "--json", "--workflows", flows])).Out).EnumerateArray());
}
