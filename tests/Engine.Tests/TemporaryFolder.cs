namespace Polyphony.Engine.Tests;

/// <summary>A folder that is gone after the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    internal string Path { get; } = Directory.CreateTempSubdirectory("polyphony-").FullName;

    internal string Data => System.IO.Path.Combine(Path, "data.db");

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
