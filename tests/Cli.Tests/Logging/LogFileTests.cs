using System.Runtime.Versioning;
using Polyphony.Cli.Logging;
using Polyphony.TestKit.Clocks;

namespace Polyphony.Cli.Tests.Logging;

[Trait("Row", "H9")]
public sealed class LogFileTests : IDisposable
{
    private const long MaxBytes = 1000;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("polyphony-log-");
    private readonly List<string> _said = [];
    private readonly FakeClock _clock = new();

    private string FilePath => Path.Combine(_folder.FullName, "polyphony.log");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Write_MoreThanOneFileTakes_KeepsTheOneBeforeAndNoMore()
    {
        using (var log = Open())
        {
            for (var i = 0; i < 1000; i++)
            {
                log.Write($"line {i}");
            }
        }

        Assert.Equal(["polyphony.log", "polyphony.log.old"], _folder.GetFiles().Select(file => file.Name).Order(StringComparer.Ordinal));
        Assert.All(_folder.GetFiles(), file => Assert.InRange(file.Length, 1, MaxBytes));
        Assert.Equal("line 999", File.ReadAllLines(FilePath)[^1]);

        // Nothing is lost between the two.
        var kept = File.ReadAllLines(FilePath + ".old").Concat(File.ReadAllLines(FilePath)).ToList();
        Assert.Equal(Enumerable.Range(1000 - kept.Count, kept.Count).Select(i => $"line {i}"), kept);
        Assert.Empty(_said);
    }

    [Fact]
    public void Write_AfterAnEarlierHost_GoesOnInItsFile()
    {
        using (var log = Open())
        {
            log.Write("one");
        }

        using (var log = Open())
        {
            log.Write("two");
        }

        Assert.Equal(["one", "two"], File.ReadAllLines(FilePath));
    }

    [Fact]
    public void Open_WhereNothingCanBeWritten_SaysItOnceAndThrowsNothing()
    {
        // A folder in the file's place stops even root.
        Directory.CreateDirectory(FilePath);
        using var log = Open();
        log.Write("one");
        _clock.Advance(TimeSpan.FromMinutes(1));
        log.Write("two");

        Assert.Contains($"The log \"{FilePath}\" cannot be written", Assert.Single(_said), StringComparison.Ordinal);

        Directory.Delete(FilePath);
        _clock.Advance(TimeSpan.FromMinutes(1));
        log.Write("three");
        Assert.Equal(["three"], ReadAll());
    }

    [Fact]
    public void Write_AfterTheFileWasRemoved_MakesItAnew()
    {
        using var log = Open();
        log.Write("one");
        File.Delete(FilePath);

        _clock.Advance(TimeSpan.FromMinutes(1));
        log.Write("two");

        Assert.Equal(["two"], ReadAll());
        Assert.Empty(_said);
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public void Open_NewFile_IsItsOwnersAlone()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There the folder decides.");
        using var log = Open();

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(FilePath));
    }

    private LogFile Open() => new(FilePath, _said.Add, _clock, MaxBytes);

    private List<string> ReadAll()
    {
        using var reader = new StreamReader(new FileStream(FilePath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
        return [.. reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries)];
    }
}
