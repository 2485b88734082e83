using Polyphony.Core;

namespace Polyphony.Engine.Storage;

/// <summary>The data file cannot be used. Nothing in it was changed.</summary>
public sealed class DataFileException : PolyphonyException
{
    private DataFileException(string code, string message, Exception? innerException = null)
        : base(code, message, innerException)
    {
    }

    internal static DataFileException Corrupt(string path, string found, Exception? cause = null) => new(
        "data_file_corrupt",
        $"The data file \"{path}\" is damaged or is no data file of this product: {found}. It was left as it is. " +
        "Bring back a copy of the file together with its \"-wal\" file, or start with another data folder.",
        cause);

    internal static DataFileException Version(string path, long found, long expected) => new(
        "data_file_version",
        $"The data file \"{path}\" has format {found}; this version reads format {expected}. It was left as it is. Use the version that wrote it, or another data folder.");

    internal static DataFileException Failed(string path, string found, string what) => new(
        "data_file_failed",
        $"The data file \"{path}\" could not be read or written: {found}, during \"{what}\". What was committed before is safe. " +
        "Check the free space, the permissions and the disk, and start again.");
}
