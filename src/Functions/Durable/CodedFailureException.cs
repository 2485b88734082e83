using System.Text.RegularExpressions;
using Microsoft.DurableTask;
using Polyphony.Core;
using Polyphony.Core.Durable;
using CoreTaskFailedException = Polyphony.Core.Durable.TaskFailedException;

namespace Polyphony.Functions.Durable;

/// <summary>
/// A failure as it crosses Durable Task, which keeps of an exception its type and its message. The stable code stands in front of the
/// message (<c>[agent_failed] The model …</c>), where every storage provider keeps it and people see it in the usual tools.
/// </summary>
public sealed partial class CodedFailureException : Exception
{
    private CodedFailureException(string code, string message, Exception? inner)
        : base($"[{code}] {message}", inner)
    {
    }

    /// <summary>Makes an exception that carries its code across Durable Task.</summary>
    /// <param name="exception">What was thrown.</param>
    /// <returns>The exception to throw.</returns>
    public static CodedFailureException Of(PolyphonyException exception) =>
        exception is CoreTaskFailedException { FailureDetails: var details } ? new(exception.Code, exception.Message, Of(details)) : new(exception.Code, exception.Message, null);

    /// <summary>Reads what Durable Task has kept of a failure.</summary>
    /// <param name="details">What it kept.</param>
    /// <returns>The failure in Core's words.</returns>
    public static FailureDetails Read(TaskFailureDetails details)
    {
        var inner = details.InnerFailure is { } cause ? Read(cause) : null;
        return Read(details.ErrorMessage) is { } coded
            ? coded with { StackTrace = details.StackTrace, InnerFailure = inner }
            : new FailureDetails(KnownTypes.GetValueOrDefault(details.ErrorType, details.ErrorType), details.ErrorMessage, details.StackTrace, inner);
    }

    /// <summary>Finds a code and its message in a text, such as the output of a failed instance.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The failure, or <see langword="null"/> if no code stands in it.</returns>
    public static FailureDetails? Read(string? text) =>
        text is not null && Coded().Match(text) is { Success: true } match ? new FailureDetails(match.Groups["code"].Value, match.Groups["message"].Value) : null;

    /// <summary>The names that Durable Task gives to failures of its own, and the codes for the same on the embedded engine.</summary>
    private static readonly Dictionary<string, string> KnownTypes = new(StringComparer.Ordinal)
    {
        ["ActivityTaskNotFound"] = "unknown_activity",
        ["OrchestratorTaskNotFound"] = "unknown_orchestration",
        ["EntityTaskNotFound"] = "unknown_entity",
    };

    private static CodedFailureException Of(FailureDetails details) =>
        new(details.ErrorType, details.ErrorMessage, details.InnerFailure is { } inner ? Of(inner) : null);

    [GeneratedRegex(@"\[(?<code>[A-Za-z_][A-Za-z0-9_.+`]*)\] (?<message>.*)", RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Coded();
}
