using Polyphony.Cli.Output;
using Polyphony.Http.Problems;

namespace Polyphony.Cli.Commands;

/// <summary>Writes problem details for people.</summary>
internal static class ProblemText
{
    public static string Of(ProblemDocument problem) => problem.Errors is { Count: > 0 } errors
        ? string.Join(Environment.NewLine, errors.Select(error => PlainText.Line($"{(error.Pointer is { Length: > 0 } pointer ? $"{pointer}: " : "")}{error.Detail}")).Prepend($"{problem.Title}:"))
        : problem.Detail ?? problem.Title;
}
