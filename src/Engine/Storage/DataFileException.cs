namespace Polyphony.Engine.Storage;

/// <summary>The data file cannot be used. Nothing in it was changed.</summary>
public sealed class DataFileException : PolyphonyException
{
    internal const string LogForeignCode = "data_file_log_foreign";

    /// <summary>Gets a value indicating whether the content is damaged, as against not reachable.</summary>
    internal bool IsCorrupt => Code == "data_file_corrupt";

    /// <summary>Gets a value indicating whether the file cannot be opened as it has to be, for want of a right or on a read-only disk.</summary>
    internal bool IsOfAccess { get; private init; }

    private DataFileException(string code, string message, Exception? innerException = null)
        : base(code, message, innerException)
    {
    }

    /// <summary>Gets what was found: the damage, or what stands in the way.</summary>
    internal string Found { get; private init; } = "";

    /// <summary>Determines whether the error is one of a certain file.</summary>
    internal bool Concerns(string path) => Message.Contains($"\"{path}\"", StringComparison.Ordinal);

    internal static DataFileException Corrupt(string path, string found, Exception? cause = null) => new(
        "data_file_corrupt",
        $"The data file \"{path}\" is damaged or is not a data file of this product: {found}. It was not changed. " +
        "Bring back a copy of the file together with its \"-wal\" file, or start with another data folder.",
        cause)
    {
        Found = found,
    };

    internal static DataFileException LogMissing(string path) => new(
        "data_file_log_missing",
        $"The data file \"{path}\" lacks its log \"{path}-wal\", which holds the newest of its content: it was copied while a host ran, or the log was removed. It was not changed. " +
        "Bring the log back or take a copy that was made with \"polyphony backup\"; to start over, move the file away.");

    internal static DataFileException LogForeign(string path) => new(
        LogForeignCode,
        $"The log \"{path}-wal\" belongs to a newer state of the data file \"{path}\", and would damage this one. Neither was changed. " +
        "If the file is a backup that was put in place, move the log (\"-wal\", \"-shm\") away; otherwise bring back the file that belongs to it.");

    internal static DataFileException NotThere(string path) => new(
        "data_file_missing", $"There is no data file \"{path}\". Name the folder of a host with --data.");

    internal static DataFileException DamagedBackup(string path, string target, string found) => new(
        "data_file_corrupt",
        $"The data file \"{path}\" was copied to \"{target}\", but it is damaged ({found}), and so is the copy. \"polyphony check\" lists what cannot be read; keep older backups.");

    internal static DataFileException Gone(string path, string next) => new(
        "data_file_gone", $"The data file \"{path}\" or its log was deleted or moved while the host ran. {next}");

    internal static DataFileException FileMissing(string path) => new(
        "data_file_missing",
        $"The data file \"{path}\" is missing or empty, but its log \"{path}-wal\" exists. It was not changed. Bring the file back; to start over, move the log away.");

    internal static DataFileException Version(string path, long found, long expected) => new(
        "data_file_version",
        $"The data file \"{path}\" has format {found}; this version reads format {expected}. It was not changed. Use the version that wrote it, or another data folder.");

    internal static DataFileException Locked(string path, string found) => new(
        "data_file_locked",
        $"Another process has locked the data file \"{path}\": {found}. Close the tool that has it open (a backup program, a SQLite shell); what was committed before is safe.");

    internal static DataFileException Full(string path, string found) => new(
        "data_file_full",
        $"There is no space on the disk of the data file \"{path}\": {found}. Free some space and start again; what was committed before is safe.");

    internal static DataFileException ReadOnly(string path, string found) => new(
        "data_file_read_only",
        $"The data file \"{path}\" cannot be written: {found}. Give the user of this process the right to write the file and its folder, or use another data folder.")
    {
        Found = found,
        IsOfAccess = true,
    };

    internal static DataFileException Unreadable(string path, string found) => new(
        "data_file_failed",
        $"The data file \"{path}\" cannot be opened: {found}. The file and its folder must be readable and writable for the user of this process; use another data folder, or correct the permissions.")
    {
        Found = found,
        IsOfAccess = true,
    };

    internal static DataFileException Closed(string path, string found) => new(
        "data_file_failed", $"The data file \"{path}\" cannot be read: {found} Run as its owner, or name another data folder.");

    internal static DataFileException LogUnreadable(string path, string found) => new(
        "data_file_read_only",
        $"The newest content of the data file \"{path}\" is in its log \"{path}-wal\", which cannot be read where nothing can be written: {found}. " +
        "Run as its owner, or copy the file and the log into a folder of your own, with no host up, and name that with --data.");

    internal static DataFileException Changed(string path) => new(
        "data_file_locked",
        $"A host began to write to the data file \"{path}\" while it was read, and this user may not lock it. Run the command again as the file's owner, or with no host up.");

    internal static DataFileException Failed(string path, string found, string what) => new(
        "data_file_failed",
        $"The data file \"{path}\" could not be read or written: {found}, during \"{what}\". What was committed before is safe. " +
        "Check the free space, the permissions and the disk, and start again.");
}
