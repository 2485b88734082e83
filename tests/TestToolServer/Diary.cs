namespace Polyphony.TestToolServer;

/// <summary>A file of what happened, for the test to read.</summary>
/// <param name="path">The file.</param>
internal sealed class Diary(string path)
{
    private readonly Lock _lock = new();

    public void Write(string line)
    {
        lock (_lock)
        {
            File.AppendAllText(path, line + "\n");
        }
    }
}
