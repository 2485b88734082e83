using System.Text.Json;

namespace Polyphony.Cli.Tests;

/// <summary>Backup, restore and check by the real tool, beside a host and after one was killed.</summary>
[Trait("Row", "S11")]
public sealed class BackupTests : IDisposable
{
    private readonly DataFolder _folder = new();
    private readonly DataFolder _other = new();

    private string Copy => Path.Combine(_other.Data, "polyphony.db");

    public void Dispose()
    {
        _folder.Dispose();
        _other.Dispose();
    }

    [Fact]
    public async Task Backup_BesideAHostAndAfterItWasKilled_StartsAsADataFolder()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Signals are sent by kill.");
        Directory.CreateDirectory(_other.Data);
        await using var up = ToolProcess.Start(_folder.Data, ["up", "--port", "0"]);
        await up.SaysAsync("Ctrl-C stops it");
        Assert.Equal(0, (await ToolProcess.RunAsync(_folder.Data, ["run", "samples/hello.yaml", "name=Ada"])).Code);

        var first = await ToolProcess.RunAsync(_folder.Data, ["backup", Copy]);
        Assert.True(first.Code == 0, first.Error);
        Assert.Contains(Copy, first.Error, StringComparison.Ordinal);
        var again = await ToolProcess.RunAsync(_folder.Data, ["backup", Copy]);
        Assert.Equal(2, again.Code);
        Assert.Contains("already exists", again.Error, StringComparison.Ordinal);
        Assert.Single(await StatusesAsync(_other.Data));

        Assert.Equal(0, (await ToolProcess.RunAsync(_folder.Data, ["run", "samples/hello.yaml", "name=Bob"])).Code);
        up.Signal("KILL");
        await up.EndAsync();
        foreach (var file in Directory.GetFiles(_other.Data))
        {
            File.Delete(file);
        }

        Assert.Equal(0, (await ToolProcess.RunAsync(_folder.Data, ["backup", Copy])).Code);
        Assert.Equal(2, (await StatusesAsync(_other.Data)).Count);
        Assert.Equal(2, (await StatusesAsync(_folder.Data)).Count);
    }

    [Fact]
    public async Task Check_OfAWholeAndADamagedFile_SaysSoByTextAndExitCode()
    {
        var nothing = await ToolProcess.RunAsync(_folder.Data, ["check"]);
        Assert.Equal(2, nothing.Code);
        Assert.Contains("There is no data file", nothing.Error, StringComparison.Ordinal);

        Assert.Equal(0, (await ToolProcess.RunAsync(_folder.Data, ["run", "samples/hello.yaml", "name=Ada"])).Code);
        var whole = await ToolProcess.RunAsync(_folder.Data, ["check"]);
        Assert.Equal((0, $"{_folder.Database}: 1 instance, nothing is damaged.\n"), (whole.Code, whole.Out));

        var id = Assert.Single(await StatusesAsync(_folder.Data)).GetProperty("instanceId").GetString()!;
        DamagePagesWith("Ada");
        var damaged = await ToolProcess.RunAsync(_folder.Data, ["check"]);

        Assert.Equal(1, damaged.Code);
        Assert.Contains($"  {id}: ", damaged.Out, StringComparison.Ordinal);
        Assert.Contains("backup", damaged.Out, StringComparison.Ordinal);

        // And it costs no more than that: the folder is of use.
        var shown = Assert.Single(await StatusesAsync(_folder.Data));
        Assert.Equal("instance_damaged", shown.GetProperty("error").GetProperty("code").GetString());
        Assert.Equal(0, (await ToolProcess.RunAsync(_folder.Data, ["run", "samples/hello.yaml", "name=Bob"])).Code);
    }

    [Fact]
    public async Task Start_CopyWithoutItsLog_SaysWhatIsMissing()
    {
        Directory.CreateDirectory(_other.Data);
        await using var up = ToolProcess.Start(_folder.Data, ["up", "--port", "0"]);
        await up.SaysAsync("Ctrl-C stops it");
        Assert.Equal(0, (await ToolProcess.RunAsync(_folder.Data, ["run", "samples/hello.yaml", "name=Ada"])).Code);
        File.Copy(_folder.Database, Copy);

        foreach (var command in (string[][])[["up", "--port", "0"], ["status"], ["check"], ["backup", Path.Combine(_other.Data, "b.db")]])
        {
            var (code, _, error) = await ToolProcess.RunAsync(_other.Data, command);
            Assert.Equal(3, code);
            Assert.Contains("polyphony.db-wal", error, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
        }
    }

    private static async Task<List<JsonElement>> StatusesAsync(string data) =>
        [.. JsonElement.Parse((await ToolProcess.RunAsync(data, ["status", "--json"])).Out).EnumerateArray()];

    private void DamagePagesWith(string text)
    {
        const int size = 4096;
        var bytes = File.ReadAllBytes(_folder.Database);
        for (var at = size; at < bytes.Length; at += size)
        {
            if (bytes.AsSpan(at, size).IndexOf(System.Text.Encoding.UTF8.GetBytes(text)) >= 0)
            {
                bytes.AsSpan(at, size).Fill(0xa5);
            }
        }

        File.WriteAllBytes(_folder.Database, bytes);
    }
}
