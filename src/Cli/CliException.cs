namespace Polyphony.Cli;

/// <summary>Ends the command with a message and an exit code.</summary>
/// <param name="exitCode">One of <see cref="ExitCodes"/>.</param>
/// <param name="message">What went wrong and what to do, for people.</param>
/// <param name="innerException">The cause; shown with <c>--verbose</c>.</param>
internal sealed class CliException(int exitCode, string message, Exception? innerException = null) : Exception(message, innerException)
{
    public int ExitCode { get; } = exitCode;

    public static CliException Invalid(string message) => new(ExitCodes.Invalid, message);

    public static CliException Host(string message, Exception? cause = null) => new(ExitCodes.HostProblem, message, cause);
}
