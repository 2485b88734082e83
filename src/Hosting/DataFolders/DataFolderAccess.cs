using System.Runtime.Versioning;

namespace Polyphony.Hosting.DataFolders;

/// <summary>Keeps the data folder to its owner: it holds prompts, answers and the log. On Windows a folder has what the one above it gives.</summary>
internal static class DataFolderAccess
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Others =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>Makes the folder, or takes it away from others who may look into it.</summary>
    /// <param name="folder">The folder.</param>
    /// <exception cref="PolyphonyException"><c>data_folder_unusable</c>: it can't be made, or others may look into it and it holds more than a data folder does.</exception>
    public static void Prepare(string folder)
    {
        try
        {
            if (OperatingSystem.IsWindows())
            {
                Directory.CreateDirectory(folder);
                return;
            }

            Directory.CreateDirectory(folder, OwnerOnly);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Refused($"The data folder \"{folder}\" cannot be created: {e.Message} Choose another with --data, or DataFolder in an app.", e);
        }

        try
        {
            if ((File.GetUnixFileMode(folder) & Others) != UnixFileMode.None)
            {
                Restrict(folder);
            }

            foreach (var file in new DirectoryInfo(folder).EnumerateFiles("polyphony.*").Where(file => file.LinkTarget is null && (file.UnixFileMode & Others) != UnixFileMode.None))
            {
                file.UnixFileMode &= ~Others;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Refused($"Others may read the data folder \"{folder}\", and this user cannot change that: {e.Message} Run as its owner: chmod -R go= \"{folder}\" - or choose another with --data, or DataFolder in an app.", e);
        }
    }

    // A folder with other things in it is not ours to close: somebody may need them.
    [UnsupportedOSPlatform("windows")]
    private static void Restrict(string folder)
    {
        var mode = File.GetUnixFileMode(folder);
        var entries = Directory.EnumerateFileSystemEntries(folder).Select(Path.GetFileName).ToList();
        if (entries.Find(name => !name!.StartsWith("polyphony.", StringComparison.Ordinal) && name != "settings.json") is { } other)
        {
            throw Refused($"Others may read the data folder \"{folder}\" (mode {Convert.ToString((int)mode, 8)}), and it holds other things, such as \"{other}\". Close it with: chmod 700 \"{folder}\" - or choose a separate folder with --data, or DataFolder in an app.");
        }

        if (mode.HasFlag(UnixFileMode.OtherWrite) && entries.Count > 0)
        {
            throw Refused($"Anybody may write into the data folder \"{folder}\" (mode {Convert.ToString((int)mode, 8)}), and may have put \"{entries[0]}\" there. Check what it holds, and close it with: chmod 700 \"{folder}\" - or choose another with --data, or DataFolder in an app.");
        }

        File.SetUnixFileMode(folder, OwnerOnly);
    }

    private static PolyphonyException Refused(string message, Exception? cause = null) => new("data_folder_unusable", message, cause);
}
