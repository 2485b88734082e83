namespace Polyphony.Engine.Storage;

/// <summary>Files that their owner alone may read: they hold prompts and answers. On Windows they have what their folder gives them.</summary>
internal static class PrivateFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Opens a file; one that is made is its owner's alone.</summary>
    internal static FileStream Open(string path, FileMode mode, FileShare share)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = share, BufferSize = 1 };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        return new FileStream(path, options);
    }

    /// <summary>Takes a file away from others who may read or write it.</summary>
    /// <param name="path">The file; nothing happens if there is none.</param>
    /// <exception cref="UnauthorizedAccessException">Others may, and its mode can't be changed.</exception>
    internal static void Restrict(string path)
    {
        if (OperatingSystem.IsWindows() || !File.Exists(path))
        {
            return;
        }

        var mode = File.GetUnixFileMode(path);
        if ((mode & ~OwnerOnly) == UnixFileMode.None)
        {
            return;
        }

        try
        {
            File.SetUnixFileMode(path, mode & OwnerOnly);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new UnauthorizedAccessException($"Others may read \"{path}\", and this user cannot change that. Run as its owner: chmod 600 \"{path}\".", e);
        }
    }
}
