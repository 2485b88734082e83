using YamlDotNet.Core;

namespace Polyphony.Core.Definitions.Sources;

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
        if (FindTab(text, location.Line, exception.Message.Contains("tab", StringComparison.Ordinal)) is { } tab)
        {
            return new WorkflowProblem("yaml_tab", "", tab, "a tab is used for indentation", "Indent with spaces.", file);
        }

        var reason = exception.Message.TrimEnd('.');
        return new WorkflowProblem("yaml_syntax", "", location, "not valid YAML: " + char.ToLowerInvariant(reason[0]) + reason[1..], Hint(reason), file);
    }

    // The parser stops at the tab, on the line after it, or (when it says so) at the beginning of the map that the tab is in.
    private static SourceLocation? FindTab(string text, int line, bool saysSo)
    {
        var lines = text.Split('\n');
        for (var i = Math.Max(0, line - 2); i < (saysSo ? lines.Length : Math.Min(line, lines.Length)); i++)
        {
            var blank = lines[i].AsSpan();
            blank = blank[..(blank.Length - blank.TrimStart(" \t").Length)];
            if (blank.IndexOf('\t') is >= 0 and var column)
            {
                return new SourceLocation(i + 1, column + 1);
            }
        }

        return null;
    }

    private static string Hint(string reason) =>
        reason.Contains("mapping values are not allowed", StringComparison.OrdinalIgnoreCase) || reason.Contains("did not find expected key", StringComparison.OrdinalIgnoreCase)
            ? "Check the indentation, and put strings with \": \" or \"{{\" in quotes."
        : reason.Contains("block end", StringComparison.OrdinalIgnoreCase) || reason.Contains("block collection", StringComparison.OrdinalIgnoreCase)
            ? "Check the indentation: entries of one object or array begin in the same column."
        : reason.Contains("quoted scalar", StringComparison.OrdinalIgnoreCase)
            ? "Close the quote, or double a single quote inside single quotes."
        : reason.Contains("flow", StringComparison.OrdinalIgnoreCase)
            ? "Check that every [ and { is closed and that entries are separated by commas."
        : "Check quotes, brackets and indentation.";
}
