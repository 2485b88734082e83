using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Polyphony.Cli.Tests;

/// <summary>Following runs of another process by <c>watch</c>.</summary>
[Trait("Row", "H10")]
public sealed class WatchTests : IDisposable
{
    private readonly DataFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Watch_ARunOfAHost_PrintsItsResultAndHasItsCode()
    {
        await using var up = ToolProcess.Start(_folder.Data, ["up", "--port", "0"]);
        await StartAsync(up, "a");
        await using var watch = ToolProcess.Start(_folder.Data, ["watch", "a"]);
        await watch.SaysAsync("./dev approve a");

        Assert.Equal(0, (await ToolProcess.RunAsync(_folder.Data, ["approve", "a", "approved=true"])).Code);

        var (code, output, error) = await watch.EndAsync();
        Assert.Equal(0, code);
        Assert.True(JsonElement.Parse(output).TryGetProperty("text", out _));
        Assert.Contains("Completed after", error, StringComparison.Ordinal);

        // One that has ended is shown at once.
        var again = await ToolProcess.RunAsync(_folder.Data, ["watch", "a", "--json"]);
        Assert.Equal((0, "completed"), (again.Code, JsonElement.Parse(again.Out).GetProperty("stopReason").GetString()));
        Assert.Equal(2, (await ToolProcess.RunAsync(_folder.Data, ["watch", "nobody"])).Code);
    }

    [Fact]
    public async Task Watch_HostIsKilled_SaysSoAndSetsNothingGoing()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Signals are sent by kill.");
        await using var first = ToolProcess.Start(_folder.Data, ["up", "--port", "0"]);
        await StartAsync(first, "a");
        await using var watch = ToolProcess.Start(_folder.Data, ["watch", "a"]);
        await watch.SaysAsync("./dev approve a");

        first.Signal("KILL");
        var (code, _, error) = await watch.EndAsync();

        Assert.Equal(1, code);
        Assert.Contains("No host runs on this data folder, so it does not go on.", error, StringComparison.Ordinal);
        Assert.Equal(1, (await ToolProcess.RunAsync(_folder.Data, ["watch", "a"])).Code);
        Assert.Equal(2, (await ToolProcess.RunAsync(_folder.Data, ["watch", "nobody"])).Code);

        // What watches has set nothing going: the run still waits.
        await using var second = ToolProcess.Start(_folder.Data, ["up", "--port", "0"]);
        await second.SaysAsync("Ctrl-C stops it");
        await using var left = ToolProcess.Start(_folder.Data, ["watch", "a"]);
        await left.SaysAsync("./dev approve a");
        left.Signal("INT");
        Assert.Equal(1, (await left.EndAsync()).Code);
        Assert.Equal(0, (await ToolProcess.RunAsync(_folder.Data, ["approve", "a", "approved=true"])).Code);
    }

    private static async Task StartAsync(ToolProcess host, string id)
    {
        using var http = new HttpClient { BaseAddress = new Uri((await host.SaysAsync("Ctrl-C stops it")).Split("serves ")[1].Split('\n')[0]) };
        var start = new JsonObject { ["instanceId"] = id, ["input"] = new JsonObject { ["topic"] = "prices" } };
        using var response = await http.PostAsJsonAsync("api/workflows/approval/instances", start, TestContext.Current.CancellationToken);
        response.EnsureSuccessStatusCode();
    }
}
