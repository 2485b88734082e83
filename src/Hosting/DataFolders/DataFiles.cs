namespace Polyphony.Hosting.DataFolders;

/// <summary>Opens files of the data folder for writing; those that are made are their owner's alone.</summary>
internal static class DataFiles
{
    public static FileStream Open(string path, FileMode mode, FileShare share)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.Write, Share = share };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return new FileStream(path, options);
    }
}
