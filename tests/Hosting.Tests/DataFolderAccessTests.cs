using System.Runtime.Versioning;
using Polyphony.Hosting.DataFolders;

namespace Polyphony.Hosting.Tests;

[Trait("Row", "H9")]
[UnsupportedOSPlatform("windows")]
public sealed class DataFolderAccessTests : IDisposable
{
    private const UnixFileMode Open = (UnixFileMode)0b111_101_101;
    private const UnixFileMode Closed = (UnixFileMode)0b111_000_000;
    private readonly DirectoryInfo _top = Directory.CreateTempSubdirectory("polyphony-folder-");

    public DataFolderAccessTests() => Assert.SkipWhen(OperatingSystem.IsWindows(), "There the folder above decides.");

    private string Folder => Path.Combine(_top.FullName, "data");

    public void Dispose() => _top.Delete(recursive: true);

    [Fact]
    public void Prepare_NoFolder_MakesOneForItsOwnerAlone()
    {
        DataFolderAccess.Prepare(Folder);

        Assert.Equal(Closed, File.GetUnixFileMode(Folder));
    }

    [Fact]
    public void Prepare_FolderThatOthersMayRead_IsClosedWithItsFiles()
    {
        Directory.CreateDirectory(Folder, Open);
        foreach (var name in (string[])["polyphony.db", "polyphony.db-wal", "polyphony.db-shm", "polyphony.log", "settings.json"])
        {
            File.WriteAllText(Path.Combine(Folder, name), "");
            File.SetUnixFileMode(Path.Combine(Folder, name), (UnixFileMode)0b110_100_100);
        }

        DataFolderAccess.Prepare(Folder);

        Assert.Equal(Closed, File.GetUnixFileMode(Folder));
        Assert.All(Directory.GetFiles(Folder, "polyphony.*"), file => Assert.Equal((UnixFileMode)0b110_000_000, File.GetUnixFileMode(file)));
    }

    [Theory]
    [InlineData("notes.md", 0b111_101_101, "notes.md")]
    [InlineData("polyphony.db", 0b111_111_111, "Anybody may write")]
    public void Prepare_FolderThatIsNotOursToClose_IsRefusedWithTheNextStep(string file, int mode, string says)
    {
        Directory.CreateDirectory(Folder);
        File.WriteAllText(Path.Combine(Folder, file), "");
        File.SetUnixFileMode(Folder, (UnixFileMode)mode);

        var refused = Assert.Throws<PolyphonyException>(() => DataFolderAccess.Prepare(Folder));

        Assert.Equal("data_folder_unusable", refused.Code);
        Assert.Contains(says, refused.Message, StringComparison.Ordinal);
        Assert.Contains($"chmod 700 \"{Folder}\"", refused.Message, StringComparison.Ordinal);
        Assert.Equal((UnixFileMode)mode, File.GetUnixFileMode(Folder));
    }
}
