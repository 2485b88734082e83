using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Polyphony.Activities.Tools;

/// <summary>
/// Opens regular files and nothing else. The base library does not tell a pipe or a device from a file, and opening a pipe waits until somebody writes to it.
/// </summary>
internal static class RegularFiles
{
    private const int TypeMask = 0xF000;
    private const int Regular = 0x8000;

    /// <summary>Determines whether a path names a regular file; a link is none.</summary>
    public static bool IsRegular(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return (File.GetAttributes(path) & (FileAttributes.Directory | FileAttributes.Device | FileAttributes.ReparsePoint)) == FileAttributes.None;
        }

        return (ModeOf(path) & TypeMask) == Regular;
    }

    /// <summary>Opens a regular file for reading, without waiting for anybody and without following a link at its end.</summary>
    /// <param name="path">The full path.</param>
    /// <returns>The file; <see langword="null"/> if it is something else.</returns>
    /// <exception cref="IOException">It can't be opened.</exception>
    public static FileStream? Open(string path)
    {
        if (!IsRegular(path))
        {
            return null;
        }

        if (OperatingSystem.IsWindows())
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }

        var handle = new SafeFileHandle(open(Encoding.UTF8.GetBytes(path + '\0'), OpenFlags()), ownsHandle: true);
        if (handle.IsInvalid)
        {
            throw new IOException($"error {Marshal.GetLastPInvokeError()}: {Marshal.GetLastPInvokeErrorMessage()}");
        }

        var file = new FileStream(handle, FileAccess.Read, bufferSize: 0);

        // It may have been replaced between the look and the opening: a pipe can't be sought in.
        if (file.CanSeek)
        {
            return file;
        }

        file.Dispose();
        return null;
    }

    /// <summary>Gets type and permissions as the system keeps them; 0 if there is nothing.</summary>
    private static int ModeOf(string path)
    {
        var name = Encoding.UTF8.GetBytes(path + '\0');
        var found = new byte[256];
        if (OperatingSystem.IsLinux())
        {
            const int currentFolder = -100;
            const int noFollow = 0x100;
            const uint typeAndMode = 3;
            const int modeOffset = 28;
            return statx(currentFolder, name, noFollow, typeAndMode, found) == 0 ? BitConverter.ToUInt16(found, modeOffset) : 0;
        }

        // macOS and the BSDs with 64-bit file numbers: the mode is behind a device number of four bytes.
        const int bsdModeOffset = 4;
        return lstat(name, found) == 0 ? BitConverter.ToUInt16(found, bsdModeOffset) : 0;
    }

    // O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC; O_NOFOLLOW differs between processors, the others between systems.
    private static int OpenFlags() =>
        !OperatingSystem.IsLinux() ? 0x4 | 0x100 | 0x1000000
        : RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm ? 0x800 | 0x8000 | 0x80000
        : 0x800 | 0x20000 | 0x80000;

#pragma warning disable SA1300, IDE1006, SYSLIB1054 // The system's own names; nothing here needs generated marshalling.
    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int open(byte[] path, int flags);

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int statx(int folder, byte[] path, int flags, uint mask, byte[] found);

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int lstat(byte[] path, byte[] found);
#pragma warning restore SA1300, IDE1006, SYSLIB1054
}
