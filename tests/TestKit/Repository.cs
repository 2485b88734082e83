namespace Polyphony.TestKit;

/// <summary>The working copy that the tests were built from: samples and docs are tested as they are there.</summary>
public static class Repository
{
    /// <summary>Gets the path of the folder with Functions.sln.</summary>
    public static string Root { get; } = Find();

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Functions.sln")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException($"No Functions.sln above {AppContext.BaseDirectory}.");
        }

        return folder.FullName;
    }
}
