using System.Text.RegularExpressions;
using Microsoft.DurableTask;
using Polyphony.Core.Durable;
using CoreTaskFailedException = Polyphony.Core.Durable.TaskFailedException;

namespace Polyphony.DurableFunctions.Durable;

/// <summary>
/// A failure as it crosses Durable Task, which keeps of an exception its type and its message. The stable code stands in front of the
/// message (<c>[agent_failed] The model …</c>), where every storage provider keeps it and people see it in the usual tools.
/// </summary>
internal sealed partial class CodedFailureException : Exception
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
        // A message of somebody else's may begin with brackets, too.
        var inner = details.InnerFailure is { } cause ? Read(cause) : null;
        var match = details.ErrorType.EndsWith(nameof(CodedFailureException), StringComparison.Ordinal) ? Coded().Match(details.ErrorMessage) : Named().Match(details.ErrorMessage);
        return match.Success
            ? Read(match) with { StackTrace = details.StackTrace, InnerFailure = inner }
            : new FailureDetails(KnownTypes.GetValueOrDefault(details.ErrorType, details.ErrorType), details.ErrorMessage, details.StackTrace, inner);
    }

    /// <summary>Reads a failure of which only text was kept, such as the output of a failed instance on Azure Storage (<c>TYPE: MESSAGE</c>).</summary>
    /// <param name="text">The text.</param>
    /// <returns>The failure; of type <c>failed</c> if the text names none.</returns>
    public static FailureDetails Read(string? text)
    {
        text ??= "It failed.";
        Match match;
        return (match = Named().Match(text)).Success || (match = Coded().Match(text)).Success ? Read(match)
            : (match = Typed().Match(text)).Success ? new FailureDetails(KnownTypes.GetValueOrDefault(match.Groups["type"].Value, match.Groups["type"].Value), match.Groups["message"].Value)
            : new FailureDetails("failed", text);
    }

    /// <summary>The names that Durable Task gives to failures of its own, and the codes for the same on the embedded engine.</summary>
    private static readonly Dictionary<string, string> KnownTypes = new(StringComparer.Ordinal)
    {
        ["ActivityTaskNotFound"] = "unknown_activity",
        ["OrchestratorTaskNotFound"] = "unknown_orchestration",
        ["EntityTaskNotFound"] = "unknown_entity",
    };

    private static CodedFailureException Of(FailureDetails details) =>
        new(details.ErrorType, details.ErrorMessage, details.InnerFailure is { } inner ? Of(inner) : null);

    private static FailureDetails Read(Match match) => new(match.Groups["code"].Value, match.Groups["message"].Value);

    // A code, or the full name of a type: what failed inside may have thrown any exception.
    [GeneratedRegex(@"\A\[(?<code>[a-z][a-z0-9_]*|[A-Za-z_][\w+`]*(\.[\w+`]+)+)\] (?<message>.*)", RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Coded();

    // The host writes type and message into one text where it can't tell them apart.
    [GeneratedRegex(@"\b" + nameof(CodedFailureException) + @": \[(?<code>[A-Za-z_][\w.+`]*)\] (?<message>.*)", RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Named();

    [GeneratedRegex(@"\A(?<type>[A-Za-z_][\w.+`]*(Exception|TaskNotFound)): (?<message>.*)", RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Typed();
}
