namespace Polyphony.Activities.Tests.Workflows;

/// <summary>The working copy that the tests were built from: samples and docs are tested as they lie there.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Functions.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("Functions.sln was not found above the tests.");
    }
}
