using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Polyphony.Cli.Tests;

/// <summary>Hosts that stop, die, or meet another, by the real tool.</summary>
[Trait("Row", "H9")]
public sealed class HostTests : IDisposable
{
    private readonly DataFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    [Trait("Row", "O10")]
    [Trait("Row", "H10")]
    public async Task Run_CtrlC_LeavesTheInstanceToBeAnsweredLater()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Signals are sent by kill.");
        await using var run = ToolProcess.Start(_folder.Data, ["run", "samples/approval.yaml", "topic=prices"]);
        await run.SaysAsync("./dev approve");
        run.Signal("INT");
        var (code, output, error) = await run.EndAsync();

        Assert.Equal((1, ""), (code, output));
        var id = (await OnlyAsync("waiting")).GetProperty("instanceId").GetString()!;
        Assert.Contains($"./dev status {id}", error, StringComparison.Ordinal);
        Assert.Contains("./dev up", error, StringComparison.Ordinal);

        var wrong = await ToolProcess.RunAsync(_folder.Data, ["approve", id, "approved=perhaps"]);
        Assert.Equal(2, wrong.Code);
        var approved = await ToolProcess.RunAsync(_folder.Data, ["approve", id, "approved=true"]);
        Assert.Equal(0, approved.Code);

        var status = JsonElement.Parse((await ToolProcess.RunAsync(_folder.Data, ["status", id, "--json"])).Out);
        Assert.Equal("completed", status.GetProperty("stopReason").GetString());
    }

    [Fact]
    [Trait("Row", "B10")]
    public async Task Terminate_ModelCallUnderWay_ClosesTheConnectionToTheServer()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        await using var up = ToolProcess.Start(
            _folder.Data, ["up", "--port", "0"], ("OPENAI_BASE_URL", $"http://127.0.0.1:{((IPEndPoint)server.LocalEndpoint).Port}/v1"), ("OPENAI_API_KEY", "test-key"));
        using var http = new HttpClient { BaseAddress = new Uri((await up.SaysAsync("Ctrl-C stops it")).Split("serves ")[1].Split('\n')[0]) };
        using var start = new StringContent(
            """
            { "instanceId": "a", "definition": { "name": "w", "models": { "m": { "provider": "openai", "model": "slow" } }, "agents": { "a": { "model": "m", "timeout": "10m" } },
              "nodes": { "ask": { "agent": "a", "prompt": "Take your time." } } } }
            """,
            Encoding.UTF8,
            "application/json");
        Assert.True((await http.PostAsync("/api/instances", start, limit.Token)).IsSuccessStatusCode);

        // The server reads the request and never answers.
        using var connection = await server.AcceptTcpClientAsync(limit.Token);
        var buffer = new byte[4096];
        Assert.NotEqual(0, await connection.GetStream().ReadAsync(buffer, limit.Token));
        Assert.True((await http.PostAsync("/api/instances/a/terminate", null, limit.Token)).IsSuccessStatusCode);
        try
        {
            while (await connection.GetStream().ReadAsync(buffer, limit.Token) > 0)
            {
                // The rest of the request.
            }
        }
        catch (IOException)
        {
            // Closed the hard way.
        }

        using var status = JsonDocument.Parse(await http.GetStringAsync("/api/instances/a?wait=20", limit.Token));
        Assert.Equal("cancelled", status.RootElement.GetProperty("stopReason").GetString());
        Assert.Equal(1, status.RootElement.GetProperty("usage").GetProperty("unsettled").GetInt32());
    }

    [Fact]
    public async Task Up_OnAFolderInUse_IsRefusedWithTheOwnersName()
    {
        await using var first = ToolProcess.Start(_folder.Data, ["up", "--port", "0"]);
        await first.SaysAsync("Ctrl-C stops it");

        var (code, _, error) = await ToolProcess.RunAsync(_folder.Data, ["up", "--port", "0"]);

        Assert.Equal(3, code);
        Assert.Contains($"Process {first.Id}", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Up_OnAPortInUse_IsRefused()
    {
        await using var first = ToolProcess.Start(_folder.Data, ["up", "--port", "0"]);
        var port = new Uri((await first.SaysAsync("Ctrl-C stops it")).Split("serves ")[1].Split('\n')[0]).Port;
        using var other = new DataFolder();

        var (code, _, error) = await ToolProcess.RunAsync(other.Data, ["up", "--port", $"{port}"]);

        Assert.Equal(3, code);
        Assert.Contains($"Port {port}", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Up_SigTerm_StopsCleanly()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Signals are sent by kill.");
        await using var up = ToolProcess.Start(_folder.Data, ["up", "--port", "0"]);
        await up.SaysAsync("Ctrl-C stops it");
        up.Signal("TERM");

        Assert.Equal(0, (await up.EndAsync()).Code);
    }

    [Fact]
    public async Task Run_WhileAHostIsUp_RunsThere()
    {
        await using var up = ToolProcess.Start(_folder.Data, ["up", "--port", "0"]);
        await up.SaysAsync("Ctrl-C stops it");

        var (code, output, _) = await ToolProcess.RunAsync(_folder.Data, ["run", "samples/hello.yaml", "name=Ada"]);

        Assert.Equal(0, code);
        Assert.Equal("Ada", JsonElement.Parse(output).GetProperty("to").GetString());
        Assert.Contains("POST /api/instances 202", up.Error, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Row", "S7")]
    public async Task Run_WhoseHostIsKilled_TakesOverAndFinishes()
    {
        var file = _folder.Write("slow.yaml", """
            name: slow
            nodes:
              first: { transform: 20 }
              pause: { wait: 3s }
              last: { transform: "{{ nodes.first.output + 1 }}" }
            edges: ["first -> pause -> last"]
            output: "{{ nodes.last.output }}"
            """);
        await using var up = ToolProcess.Start(_folder.Data, ["up", "--port", "0"]);
        await up.SaysAsync("Ctrl-C stops it");
        await using var run = ToolProcess.Start(_folder.Data, ["run", file]);
        await run.SaysAsync("pause");
        up.Signal("KILL");

        var (code, output, error) = await run.EndAsync();
        Assert.True(code == 0, error);
        Assert.Equal("21\n", output);
        Assert.Contains("this process has taken over", error, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Row", "S7")]
    public async Task Run_AfterAHostWasKilled_FinishesItsOwnAndWhatWasLeft()
    {
        var slow = _folder.Write("slow.yaml", """
            name: slow
            nodes: { pause: { wait: 6s } }
            """);
        await using var killed = ToolProcess.Start(_folder.Data, ["run", slow]);
        await killed.SaysAsync("pause");
        killed.Signal("KILL");
        await killed.EndAsync();

        var (code, output, error) = await ToolProcess.RunAsync(_folder.Data, ["run", "samples/hello.yaml", "name=Ada"]);

        Assert.Equal(0, code);
        Assert.Equal("Ada", JsonElement.Parse(output).GetProperty("to").GetString());
        var statuses = await StatusesAsync();
        Assert.Equal(2, statuses.Count);
        Assert.All(statuses, status => Assert.Equal("completed", status.GetProperty("stopReason").GetString()));

        // On a busy machine the pause may be over before this run is: then there is nothing to say.
        if (EndOf("slow") > EndOf("hello").AddSeconds(1))
        {
            Assert.Contains("1 instance of this data folder not finished yet", error, StringComparison.Ordinal);
        }

        DateTimeOffset EndOf(string name) => statuses.Single(status => status.GetProperty("name").GetString() == name).GetProperty("completedTime").GetDateTimeOffset();
    }

    private async Task<List<JsonElement>> StatusesAsync() =>
        [.. JsonElement.Parse((await ToolProcess.RunAsync(_folder.Data, ["status", "--json"])).Out).EnumerateArray()];

    private async Task<JsonElement> OnlyAsync(string nodeStatus)
    {
        var status = Assert.Single(await StatusesAsync());
        Assert.Contains(status.GetProperty("customStatus").GetProperty("nodes").EnumerateArray(), node => node.GetProperty("status").GetString() == nodeStatus);
        return status;
    }
}
