using Polyphony.Core.Workflows;
using YamlDotNet.Core;

namespace Polyphony.Activities.Workflows;

/// <summary>Turns the YAML library's exceptions into problems that say what to do.</summary>
internal static class YamlSyntaxProblem
{
    /// <summary>Describes an exception.</summary>
    /// <param name="exception">The exception.</param>
    /// <param name="text">The file's text.</param>
    /// <param name="file">The file's name.</param>
    /// <returns>The problem.</returns>
    public static WorkflowProblem From(YamlException exception, string text, string? file)
    {
        var location = new SourceLocation(Math.Max(1, (int)exception.Start.Line), Math.Max(1, (int)exception.Start.Column));
        if (FindTab(text, location.Line) is { } tab)
            return new WorkflowProblem("yaml_tab", "", tab, "a tab is used for indentation", "Indent with spaces.", file);

        var reason = exception.Message.TrimEnd('.');
        return new WorkflowProblem("yaml_syntax", "", location, "not valid YAML: " + char.ToLowerInvariant(reason[0]) + reason[1..], Hint(reason), file);
    }

    // The parser stops at the tab or at the end of its line's neighbour, so both lines are looked at.
    private static SourceLocation? FindTab(string text, int line)
    {
        var lines = text.Split('\n');
        foreach (var candidate in (int[])[line, line - 1])
        {
            if (candidate < 1 || candidate > lines.Length)
                continue;

            var blank = lines[candidate - 1].AsSpan();
            blank = blank[..(blank.Length - blank.TrimStart(" \t").Length)];
            if (blank.IndexOf('\t') is >= 0 and var column)
                return new SourceLocation(candidate, column + 1);
        }

        return null;
    }

    private static string Hint(string reason) =>
        reason.Contains("mapping values are not allowed", StringComparison.OrdinalIgnoreCase) || reason.Contains("did not find expected key", StringComparison.OrdinalIgnoreCase)
            ? "Check the indentation, and put texts with \": \" or \"{{\" in quotes."
        : reason.Contains("block end", StringComparison.OrdinalIgnoreCase) || reason.Contains("block collection", StringComparison.OrdinalIgnoreCase)
            ? "Check the indentation: entries of one map or list begin in the same column."
        : reason.Contains("quoted scalar", StringComparison.OrdinalIgnoreCase)
            ? "Close the quote, or double a single quote inside single quotes."
        : reason.Contains("flow", StringComparison.OrdinalIgnoreCase)
            ? "Check that every [ and { is closed and that entries are separated by commas."
        : "Check quotes, brackets and indentation.";
}
