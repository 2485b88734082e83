namespace Polyphony.Cli;

/// <summary>The exit codes of every command.</summary>
internal static class ExitCodes
{
    /// <summary>The workflow completed, or the command did what it was asked.</summary>
    public const int Completed = 0;

    /// <summary>The workflow ended otherwise, failed, or was left running by Ctrl-C.</summary>
    public const int NotCompleted = 1;

    /// <summary>The file, the input or the arguments are not valid, or name something that is not there.</summary>
    public const int Invalid = 2;

    /// <summary>The host or the engine cannot work: the data folder is in use, the port is taken, the file is damaged …</summary>
    public const int HostProblem = 3;
}
