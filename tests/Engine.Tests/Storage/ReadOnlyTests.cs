using System.Diagnostics;
using Polyphony.Core.Durable;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Tests.Storage;

/// <summary>Check and backup of a file beside which nothing can be written: a read-only disk, another's folder.</summary>
[Trait("Row", "S11")]
public sealed class ReadOnlyTests : IDisposable
{
    private static readonly DurableRegistry Registry = new DurableRegistry().AddOrchestration("o", (_, input) => Task.FromResult(input));

    private readonly TemporaryFolder _folder = new();
    private readonly TemporaryFolder _other = new();

    public void Dispose()
    {
        _folder.Dispose();
        _other.Dispose();
    }

    [Fact]
    public async Task CheckAndBackup_NoFilesCanBeMade_ReadTheFileAsItLies()
    {
        await RunAsync();
        Close();
        var before = await File.ReadAllBytesAsync(_folder.Data, TestContext.Current.CancellationToken);

        var report = await DataFileCheck.RunAsync(_folder.Data, cancellationToken: TestContext.Current.CancellationToken);
        await DataFileBackup.RunAsync(_folder.Data, _other.Data, cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal((1, 0), (report.Instances, report.Problems.Count));
        await using var copy = await EmbeddedEngine.StartAsync(new EngineOptions { Path = _other.Data }, Registry);
        Assert.Equal("1", (await copy.Client.GetAsync("a"))!.Output);
        Assert.Equal(before, await File.ReadAllBytesAsync(_folder.Data, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task CheckAndBackup_NoFilesCanBeMadeAndThereIsALog_SayWhatToDo()
    {
        await using (var engine = await EmbeddedEngine.StartAsync(new EngineOptions { Path = _other.Data }, Registry))
        {
            await engine.Client.StartAsync("o", "1", new StartOrchestrationOptions { InstanceId = "a" });
            await engine.Client.WaitForCompletionAsync("a", TestContext.Current.CancellationToken);
            File.Copy(_other.Data, _folder.Data);
            File.Copy(_other.Data + "-wal", _folder.Data + "-wal");
        }

        Close();

        foreach (var read in (Func<Task>[])[() => DataFileCheck.RunAsync(_folder.Data), () => DataFileBackup.RunAsync(_folder.Data, Path.Combine(_other.Path, "copy.db"))])
        {
            var error = await Assert.ThrowsAsync<DataFileException>(read);
            Assert.Equal("data_file_read_only", error.Code);
            Assert.Contains("copy the file and the log into a folder of your own", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Read_AHostBeginsMeanwhile_IsNotTakenForOneState()
    {
        await RunAsync();
        Close();
        using var reading = FileReading.Open(_folder.Data);
        reading.Check();

        File.Delete(_folder.Data + "-shm");
        await using var engine = await EmbeddedEngine.StartAsync(new EngineOptions { Path = _folder.Data }, Registry);

        Assert.Equal("data_file_locked", Assert.Throws<DataFileException>(reading.Check).Code);
    }

    [Fact]
    public async Task CheckAndBackup_FolderWithoutTheRightToWrite_ReadTheFile()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows() || Environment.IsPrivilegedProcess, "Modes hold nobody off here.");
        await RunAsync();
        Debug.Assert(!OperatingSystem.IsWindows(), "Skipped there.");
        var mode = File.GetUnixFileMode(_folder.Path);
        File.SetUnixFileMode(_folder.Path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        try
        {
            Assert.Empty((await DataFileCheck.RunAsync(_folder.Data, cancellationToken: TestContext.Current.CancellationToken)).Problems);
            Assert.True(await DataFileBackup.RunAsync(_folder.Data, _other.Data, cancellationToken: TestContext.Current.CancellationToken) > 0);
            File.SetUnixFileMode(_folder.Data, UnixFileMode.None);
            Assert.Contains("cannot be read", (await Assert.ThrowsAsync<DataFileException>(() => DataFileCheck.RunAsync(_folder.Data))).Message, StringComparison.Ordinal);
        }
        finally
        {
            File.SetUnixFileMode(_folder.Path, mode);
        }
    }

    private async Task RunAsync()
    {
        await using var engine = await EmbeddedEngine.StartAsync(new EngineOptions { Path = _folder.Data }, Registry);
        await engine.Client.StartAsync("o", "1", new StartOrchestrationOptions { InstanceId = "a" });
        await engine.Client.WaitForCompletionAsync("a", TestContext.Current.CancellationToken);
    }

    // SQLite makes no file in the place of a link, whoever asks: also root is held off.
    private void Close()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need rights there.");
        File.CreateSymbolicLink(_folder.Data + "-shm", Path.Combine(_folder.Path, "nowhere", "file"));
    }
}
