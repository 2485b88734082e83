namespace Polyphony.Load.Tests;

/// <summary>A folder for one test: <c>data</c>, <c>workflows</c>, <c>files</c>.</summary>
internal sealed class LoadFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("polyphony-load-");

    public string Path => _folder.FullName;

    public string Database => System.IO.Path.Combine(Path, "data", "polyphony.db");

    public string Write(string name, string text)
    {
        var path = System.IO.Path.Combine(Path, name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
