namespace Polyphony.Cli.Tests;

/// <summary>A folder for one test: data, and files to run.</summary>
internal sealed class DataFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("polyphony-cli-");

    public string Data => Path.Combine(_folder.FullName, "data");

    public string Database => Path.Combine(Data, "polyphony.db");

    public string Write(string name, string text)
    {
        var path = Path.Combine(_folder.FullName, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
